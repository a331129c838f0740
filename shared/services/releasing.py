"""Working off a run, and in the same run all that a cause has held which turned out to be cured."""

from __future__ import annotations

from shared.services.cured_causes import release
from shared.services.pass_context import Slice
from shared.services.pipeline import work_off


async def work_off_and_release(work: Slice) -> bool:
    """Work off the run, and once more what cured causes have held; whether all is done.

    Raises what `work_off` raises.
    """
    while await work_off(work):
        if not await release(work):
            return True
        work.run.retried, work.run.finished_feeds = False, []
        await work.ledger.write()
        if work.turns.is_over:
            return False
    await release(work)
    return False
