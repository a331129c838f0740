"""What a cold start pays for: only what the trigger at hand needs is imported, told by name and not by time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from functions.routes import ROUTES

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {
    "BUSINESS_CENTRAL_URL": "http://127.0.0.1:9",
    "BUSINESS_CENTRAL_COMPANY_ID": "9ee4af1b-7e4f-4c2a-8a3c-2f3b1d6f0c11",
    "BUSINESS_CENTRAL_TOKEN": "token",
    "DATAVERSE_URL": "http://127.0.0.1:9",
    "DATAVERSE_TOKEN": "token",
    "ServiceBusConnection": "Endpoint=sb://127.0.0.1;SharedAccessKeyName=Name;SharedAccessKey=a2V5",
}
HEAVY = (
    "httpx",
    "msal",
    "aiohttp",
    "azure.core",
    "azure.data.tables",
    "azure.servicebus",
    "azure.identity",
    "jwt",
    "re2",
)
FAMILIES = sorted({f"functions.{route.module}" for route in ROUTES})
OWN = ("shared.wiring", "shared.ports", "shared.core.mapping", "shared.services.context", "functions.api.operation")
"""What use cases and forms are made of; whoever imports one of them has imported half of the app."""

STORY = """
import asyncio, json, os, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

from azure.functions import HttpRequest

class Refusing(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(403)
    def log_message(self, *_):
        pass

storage = HTTPServer(("127.0.0.1", 0), Refusing)
threading.Thread(target=storage.serve_forever, daemon=True).start()
endpoint = f"http://127.0.0.1:{storage.server_port}/account"
os.environ["AzureWebJobsStorage"] = f"AccountName=account;AccountKey=a2V5;TableEndpoint={endpoint}"

def loaded():
    return [name for name in json.loads(sys.argv[1]) if name in sys.modules]

import function_app
found = {"start": loaded()}
functions = {each.get_function_name(): each.get_user_function() for each in function_app.app.get_functions()}
request = HttpRequest("GET", "https://sync.example/api/notifications?tea=1", params={"tea": "1"}, body=b"")
found["status"] = asyncio.run(functions["list_notifications"](request)).status_code
found["http"] = loaded()
try:
    asyncio.run(functions["enqueue_due_jobs"](SimpleNamespace(past_due=False)))
except Exception as error:
    found["failure"] = str(error)
found["timer"] = loaded()
print(json.dumps(found))
"""


def run(code: str, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter with the app's settings, where only these modules have been imported that `code` needs."""
    environment = {**os.environ, **SETTINGS, **settings, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def told() -> dict[str, list[str]]:
    """Which heavy modules are there when the app has started, after the first HTTP call, and after the timer's."""
    done = run(STORY, json.dumps([*HEAVY, *OWN, *FAMILIES]))
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_the_start_imports_no_sdk_no_use_case_and_no_declaration(told: dict[str, list[str]]) -> None:
    assert told["start"] == []


def test_a_call_imports_the_family_that_is_called_and_no_sdk(told: dict[str, list[str]]) -> None:
    assert told["status"] == 400
    assert set(told["http"]) == {*OWN, "functions.notifications"}


def test_the_first_tick_imports_what_reads_the_state_and_nothing_else(told: dict[str, list[str]]) -> None:
    assert "failure" in told, "the storage of this test refuses everybody: the timer must have asked it"
    assert set(told["timer"]) & set(HEAVY) == {"azure.core", "azure.data.tables", "aiohttp"}


def test_a_wrong_setting_stops_the_app_when_it_starts() -> None:
    done = run("import function_app", AzureWebJobsStorage="AccountName=a;AccountKey=a2V5", SYNC_PAGE_SIZE="many")
    assert done.returncode != 0
    assert "The setting SYNC_PAGE_SIZE is wrong: it must be a whole number." in done.stderr
