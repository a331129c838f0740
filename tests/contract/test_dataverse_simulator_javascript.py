"""The npm package dynamics-web-api against the simulator: another client that nobody here has written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.contract.parts import ROOT, part_running

SCRIPT = ROOT / "tests/contract/javascript/dynamics_web_api.cjs"
PACKAGES = Path(os.environ.get("JAVASCRIPT_PACKAGES", ROOT / ".dev/javascript"))
TOKEN = "token-of-the-script"


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    """What the script saw, by step."""
    node = shutil.which("node")
    if node is None or not (PACKAGES / "node_modules/dynamics-web-api").exists():
        pytest.skip("needs Node.js and the npm package dynamics-web-api; `python dev.py` installs it")
    with part_running("dataverse", "--token", TOKEN) as facts:
        settings = {"SIMULATOR_URL": facts["url"], "SIMULATOR_TOKEN": TOKEN, "PACKAGES": str(PACKAGES)}
        run = subprocess.run(
            [node, str(SCRIPT)],
            env={**os.environ, **settings},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
    assert run.returncode == 0, run.stderr
    result: dict[str, Any] = json.loads(run.stdout)
    return result


EXPECTED = {
    "singleRows": {
        "name": "Çelik & Søn",
        "telephone": "1",
        "changed": "2",
        # The package itself turns a refused version into false.
        "stale": None,
        "gone": {"status": 404, "code": "0x80040217"},
    },
    "pages": {
        "first": ["page 6", "page 5", "page 4"],
        "second": ["page 3", "page 2", "page 1"],
        "all": 7,
        "count": 7,
    },
    "changes": {"changed": ["tracked", "deleted"], "ids": True, "again": True},
    "links": {"primary": "L", "members": ["L"], "cleared": None},
    "batch": {"bound": True, "found": 1, "refused": {"status": 400, "code": "0x80044331"}},
    "others": {"user": 36, "fetched": 6, "number": 1, "set": "accounts"},
}


@pytest.mark.parametrize("step", EXPECTED)
def test_the_package_sees_what_the_service_shows(seen: dict[str, Any], step: str) -> None:
    assert seen[step] == EXPECTED[step]
