"""The whole stack, started anew for each file: host, broker, Azurite and both simulators, without sample data.

Files that shared a stack would see what others left behind, in an order that nobody chose.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from infra.local.stack import local_stack
from tests.e2e.guarded import Guarded, guarded_stack
from tests.e2e.people import Everything

# The timer is out of the way: these tests ask for each run, and some fire the timer themselves; the grid of the runs is
# 0.6 seconds. Sessions are released quickly so that mappings do not wait for each other.
SETTINGS = {
    "SYNC_SCHEDULE": "0 0 0 1 1 *",
    "SYNC_INTERVAL_MINUTES": "0.01",
    "AzureFunctionsJobHost__extensions__serviceBus__sessionIdleTimeout": "00:00:00.3",
    "AzureFunctionsJobHost__extensions__serviceBus__maxConcurrentSessions": "6",
}


@pytest.fixture(scope="module")
async def everything() -> AsyncIterator[Everything]:
    """The running stack with clients for all three addresses."""
    async with (
        local_stack(settings=SETTINGS, empty=True) as stack,
        Everything(stack.information(), stack.folder) as everything,
    ):
        yield everything


@pytest.fixture(scope="module")
async def guarded() -> AsyncIterator[Guarded]:
    """Another running stack, whose app checks by itself who asks."""
    async with guarded_stack() as guarded:
        yield guarded
