"""The real app as Microsoft's worker library indexes it: without a warning, with the functions of the golden list."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shared.services.connections import QUEUE

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).parent / "golden" / "functions.json"
SERVICE_BUS = ROOT / "infra/local/service-bus-config.json"
SECRET = "hush-no-log-may-say-this"
HARMLESS = {
    "BUSINESS_CENTRAL_URL": "http://127.0.0.1:9/v2.0/tenant/production",
    "BUSINESS_CENTRAL_COMPANY_ID": "2a601998-480d-51e2-b41a-32326d131495",
    "BUSINESS_CENTRAL_TOKEN": SECRET,
    "DATAVERSE_URL": "http://127.0.0.1:9",
    "DATAVERSE_TOKEN": SECRET,
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "ServiceBusConnection": "Endpoint=sb://localhost;SharedAccessKeyName=Root;"
    f"SharedAccessKey={SECRET};UseDevelopmentEmulator=true;",
}
ENTRA = {
    "API_ACCESS": "entra",
    "TENANT_ID": "72f988bf-86f1-41af-91ab-2d7cd011db47",
    "API_CLIENT_ID": "9ee4af1b-7e4f-4c2a-8a3c-2f3b1d6f0c11",
}

INDEX = """
import asyncio, json, sys
from contextlib import redirect_stdout
from pathlib import Path
from infra.local.functions_host.errors import AppError
from infra.local.functions_host.worker import Worker

async def index():
    try:
        with redirect_stdout(sys.stderr):
            worker = await Worker.start(Path.cwd())
    except AppError as error:
        return {"refusal": str(error)}
    worker.stop()
    functions = {one.name: [dict(binding.settings) for binding in one.bindings] for one in worker.functions}
    return {"warnings": worker.warnings, "functions": functions}

print(json.dumps(asyncio.run(index())))
"""


@dataclass(frozen=True)
class Indexed:
    """What indexing came to, and everything that was printed meanwhile."""

    facts: dict[str, Any]
    printed: str


async def index(**changes: str) -> Indexed:
    """Index the app in a process of its own: the worker library's registry is process-wide."""
    names = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "HOME", "USERPROFILE", "LANG")
    environment = {name: os.environ[name] for name in names if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "default",
        "-c",
        INDEX,
        cwd=ROOT,
        env={**environment, **HARMLESS, **changes},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return Indexed(json.loads(output), (output + errors).decode())


CONTRACT = (
    *("type", "route", "methods", "authLevel"),
    *("schedule", "runOnStartup", "useMonitor"),
    *("queueName", "connection", "isSessionsEnabled", "cardinality"),
)
"""The keys of a trigger that callers and operators rely on."""


def _trigger(bindings: list[dict[str, Any]]) -> dict[str, Any]:
    trigger = next(binding for binding in bindings if binding["type"].lower().endswith("trigger"))
    return {name: trigger[name] for name in CONTRACT if name in trigger}


@pytest.fixture(scope="module")
async def app() -> Indexed:
    """The app with settings that are right."""
    return await index()


async def test_the_app_is_indexed_without_a_warning(app: Indexed) -> None:
    assert app.facts["warnings"] == []
    assert "Warning" not in app.printed


async def test_the_functions_are_those_of_the_golden_list(app: Indexed) -> None:
    """A trigger, route or key that changes is a change for callers: change golden/functions.json along with it."""
    found = {name: _trigger(bindings) for name, bindings in app.facts["functions"].items()}
    assert found == json.loads(GOLDEN.read_text("utf-8"))


async def test_every_http_function_answers_and_is_closed_to_strangers(app: Indexed) -> None:
    assert _levels(app) == {"FUNCTION"}
    for bindings in app.facts["functions"].values():
        if _trigger(bindings)["type"] == "httpTrigger":
            assert {"type": "http", "name": "$return", "direction": "OUT"} in bindings


async def test_where_the_app_checks_tokens_the_host_lets_everybody_through_to_it() -> None:
    assert _levels(await index(**ENTRA)) == {"ANONYMOUS"}


def _levels(app: Indexed) -> set[str]:
    triggers = [_trigger(bindings) for bindings in app.facts["functions"].values()]
    return {trigger["authLevel"] for trigger in triggers if trigger["type"] == "httpTrigger"}


async def test_the_trigger_reads_the_queue_that_the_app_sends_to_and_the_stack_provides(app: Indexed) -> None:
    triggers = [_trigger(bindings) for bindings in app.facts["functions"].values()]
    read = {one["queueName"]: one for one in triggers if one["type"] == "serviceBusTrigger"}
    namespaces = json.loads(SERVICE_BUS.read_text("utf-8"))["UserConfig"]["Namespaces"]
    provided = {queue["Name"]: queue["Properties"] for space in namespaces for queue in space["Queues"]}

    assert set(read) == {QUEUE} == set(provided)
    assert read[QUEUE]["isSessionsEnabled"] is provided[QUEUE]["RequiresSession"] is True
    assert provided[QUEUE]["RequiresDuplicateDetection"] is True


async def test_the_timer_follows_its_setting() -> None:
    indexed = await index(SYNC_SCHEDULE="30 */5 * * * *")
    assert _trigger(indexed.facts["functions"]["enqueue_due_jobs"])["schedule"] == "30 */5 * * * *"


REFUSED = [
    ("BUSINESS_CENTRAL_URL", ""),
    ("BUSINESS_CENTRAL_COMPANY_ID", "CRONUS"),
    ("DATAVERSE_URL", "http://contoso.crm4.dynamics.com"),
    ("DATAVERSE_TOKEN", "https://contoso.crm4.dynamics.com"),
    ("AzureWebJobsStorage", ""),
    ("ServiceBusConnection", ""),
    ("CLIENT_SECRET", SECRET),
]
"""One of each kind; every setting's own sentence is in tests/unit/test_settings.py."""


@pytest.mark.parametrize(("setting", "value"), REFUSED)
async def test_a_wrong_setting_stops_the_app_with_one_sentence_that_names_it(setting: str, value: str) -> None:
    # A fixed token beside an address in the world: the token is what is wrong.
    changes = {"DATAVERSE_URL": value} if setting == "DATAVERSE_TOKEN" else {setting: value}

    refused = await index(**changes)

    sentence = refused.facts["refusal"].removeprefix("SettingsError: ")
    assert setting in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert SECRET not in refused.printed
