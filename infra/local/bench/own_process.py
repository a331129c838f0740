"""A part of the bench in a process of its own that does nothing else: its peak of memory is the app's."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any

from infra.local.bench.simulators import BenchError, Simulator, Simulators
from infra.local.child import ROOT
from shared.core.sides import Side


async def in_a_process(module: str, simulators: Simulators, order: Mapping[str, Any]) -> dict[str, Any]:
    """What `module`, given an order, told about itself in JSON. Raises BenchError when it failed."""
    whole = {**order, "facts": {side: simulators.at(side).facts for side in Side}}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, json.dumps(whole)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    if process.returncode:
        raise BenchError(f"a run in a process of its own failed: {errors.decode(errors='replace')[-1000:]}")
    return dict(json.loads(out))


def simulators_of(order: Mapping[str, Any]) -> Simulators:
    """The simulators that an order names."""
    return Simulators(*(Simulator(side, order["facts"][side]) for side in Side))
