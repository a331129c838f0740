"""The planted faults can be planted; whether the tests find them is for `dev.py mutants` to say."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import dev
from infra.local.mutants.__main__ import main
from infra.local.mutants.fault import Fault, Stale
from infra.local.mutants.faults import FAULTS
from infra.local.mutants.trial import NO_END, Result, copy_of, first_failure

ROOT = Path(__file__).resolve().parents[2]
FAULT = Fault("wrong-sum", "sum.py", "left + right", "left - right", "Everything is less than it was.")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of one file."""
    (tmp_path / "shared").mkdir()
    (tmp_path / FAULT.path).write_text("def add(left, right):\n    return left + right\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_fits_its_file_and_leaves_it_python_that_does_something_else(fault: Fault) -> None:
    right = ast.parse((ROOT / fault.path).read_text(encoding="utf-8"))
    wrong = ast.parse(fault.planted_in(ROOT))
    assert ast.dump(wrong) != ast.dump(right)


def test_faults_have_names_that_can_be_typed_and_tell_them_apart() -> None:
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names)
    assert not [name for name in names if not name.replace("-", "").isalpha() or not name.islower()]


def test_a_fault_is_planted_where_it_is_told_and_shown_as_a_difference(project: Path) -> None:
    difference = FAULT.difference(project).splitlines()
    assert "-    return left + right" in difference
    assert "+    return left - right" in difference
    FAULT.plant(project)
    assert (project / FAULT.path).read_text(encoding="utf-8").endswith("return left - right\n")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"old": "left * right"}, "occurs 0 times in shared/sum.py"),
        ({"old": "left"}, "occurs 2 times in shared/sum.py"),
        ({"file": "product.py"}, "no file shared/product.py"),
    ],
)
def test_a_fault_whose_text_is_gone_is_named(project: Path, changes: dict[str, str], said: str) -> None:
    with pytest.raises(Stale, match=f"wrong-sum: .*{said}"):
        replace(FAULT, **changes).planted_in(project)


def test_the_copy_has_what_the_tests_need_and_the_project_stays_as_it_is(tmp_path: Path) -> None:
    copy = copy_of(ROOT, tmp_path / "copy")
    fault = FAULTS[0]
    before = (ROOT / fault.path).read_bytes()
    fault.plant(copy)
    assert (ROOT / fault.path).read_bytes() == before != (copy / fault.path).read_bytes()
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/unit/core/test_order.py"]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("output", "failed", "useless"),
    [
        ("..F\nFAILED tests/a.py::test_b[x y] - assert 1\n1 failed\n", "tests/a.py::test_b[x y]", False),
        ("ERROR tests/a.py::test_b - KeyError\n", "tests/a.py::test_b", False),
        ("ERROR tests/a.py\n!!! Interrupted\n", "tests/a.py", True),
        ("usage: pytest\nunknown option\n\n", "unknown option", True),
        ("", "pytest did not start", True),
    ],
)
def test_the_first_failing_test_is_read_from_pytests_summary(output: str, failed: str, useless: bool) -> None:
    assert first_failure(output) == failed
    assert Result(failed, 1.0).is_useless is useless


@pytest.mark.parametrize(("failed", "useless"), [(None, False), (NO_END, False)])
def test_passing_and_never_ending_are_no_failures_to_load(failed: str | None, useless: bool) -> None:
    assert Result(failed, 1.0).is_useless is useless


def test_the_list_names_every_fault_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list", "delete-beats-edit"]) == 0
    shown = capsys.readouterr().out
    assert "delete-beats-edit" in shown
    assert "field-group-split" not in shown


@pytest.mark.parametrize("arguments", [[], ["--list"], ["--list", "delete-beats-edit"], ["delete-beats-edit"]])
def test_the_developer_command_hands_on_what_it_is_told(arguments: list[str]) -> None:
    assert dev.parse(["mutants", *arguments]) == ("infra.local.mutants", arguments)


def test_an_unknown_fault_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["no-such-fault"])
    assert ended.value.code == 2
    assert "no-such-fault" in capsys.readouterr().err
