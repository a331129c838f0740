"""Cold start: importing `function_app` in a fresh interpreter, beside importing the libraries that it cannot lack.

Both are timed in turns, each in interpreters of their own; the best of the repeats counts, for what disturbs only adds.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections import Counter

from infra.local.bench.results import Measure, Target
from infra.local.bench.simulators import BenchError
from infra.local.child import ROOT

TIMES_THE_LIBRARIES = 1.2
REPEATS, SHOWN = 7, 14
APP = ("function_app",)
LIBRARIES = ("azure.functions", "httpx", "msal", "azure.data.tables.aio", "azure.servicebus.aio")

SETTINGS = {
    "BUSINESS_CENTRAL_URL": "https://api.businesscentral.dynamics.com/v2.0/contoso/production",
    "BUSINESS_CENTRAL_COMPANY_ID": "9ee4af1b-7e4f-4c2a-8a3c-2f3b1d6f0c11",
    "DATAVERSE_URL": "https://contoso.crm4.dynamics.com",
    "TENANT_ID": "contoso.onmicrosoft.com",
    "CLIENT_ID": "9ee4af1b-7e4f-4c2a-8a3c-2f3b1d6f0c12",
    "CLIENT_SECRET": "none",
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "ServiceBusConnection": "Endpoint=sb://localhost;SharedAccessKeyName=bench;SharedAccessKey=none",
}
"""As in production: a client secret, so that nothing is left out because a simulator stands there."""

_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|(\s+)(\S+)")


async def measure(repeats: int = REPEATS) -> Measure:
    """Measure; times are in seconds. Raises BenchError when `function_app` cannot be imported."""
    times: dict[tuple[str, ...], list[float]] = {APP: [], LIBRARIES: []}
    for _ in range(repeats):
        for modules, measured in times.items():
            measured.append(float((await _python("-c", _timed(modules)))[0]))
    app, libraries = (min(measured) for measured in times.values())
    _, told = await _python("-X", "importtime", "-c", "import function_app")
    own, cumulative = _by_package(told), _largest(told)
    return Measure(
        "cold-start",
        "Cold start: import in a fresh interpreter",
        {
            "function_app, seconds": app,
            "azure.functions, httpx, msal and the two Azure SDKs, seconds": libraries,
        },
        [Target("function_app, times the libraries", TIMES_THE_LIBRARIES, app / libraries)],
        tables={
            "Milliseconds by package, its own modules": own,
            "Milliseconds by module, with all it imports": cumulative,
        },
    )


def _timed(modules: tuple[str, ...]) -> str:
    """A program that imports modules and prints how many seconds that took."""
    imported = "".join(f"import {module}\n" for module in modules)
    return f"import time\nstarted = time.perf_counter()\n{imported}print(time.perf_counter() - started)\n"


async def _python(*arguments: str) -> tuple[str, str]:
    """What a program prints. The app's modules are compiled once, as the libraries' are: hosts keep both compiled."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=ROOT,
        env=environment | SETTINGS,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = (piece.decode(errors="replace") for piece in await process.communicate())
    if process.returncode:
        raise BenchError(f"function_app cannot be imported: {errors[-500:]}")
    return out, errors


def _by_package(told: str) -> list[tuple[str, float]]:
    """Milliseconds of each package's own modules, the largest first."""
    spent: Counter[str] = Counter()
    for line in _LINE.finditer(told):
        spent[_package(line[4])] += int(line[1])
    return [(name, microseconds / 1000) for name, microseconds in spent.most_common(SHOWN)]


def _package(module: str) -> str:
    parts = module.split(".")
    return ".".join(parts[:3] if parts[0] == "azure" else parts[:1])


def _largest(told: str) -> list[tuple[str, float]]:
    """Milliseconds of the modules that cost most, with what they import."""
    spent = {line[4]: int(line[2]) / 1000 for line in _LINE.finditer(told)}
    return sorted(spent.items(), key=lambda one: -one[1])[:SHOWN]
