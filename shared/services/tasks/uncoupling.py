"""Deleting couplings as a task (Delete Coupling): of certain records, of a filter's records, or all.

Source: the uncoupling of tables with a company id (codeunit CDS Int. Table Uncouple). No record is changed. With a
customer go the couplings of the persons under it, as a task of their own mapping.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.core.coupling import Coupling
from shared.core.filters import parse_filter
from shared.core.jobs import Counters
from shared.core.reasons import Reason
from shared.core.sides import Side
from shared.services.pass_context import Slice
from shared.services.record_outcomes import forget
from shared.services.tasks.cascade import uncouple_persons_under
from shared.services.tasks.frame import AtWork, TaskKind
from shared.services.tasks.kinds import UNCOUPLE, UncoupleTask
from shared.services.touches import remove_noted

CHUNK = 400  # couplings of one step


async def step(at_work: AtWork[UncoupleTask]) -> bool:
    """Choose the next couplings, write them down, and delete them."""
    task = at_work.task
    if not task.begun:
        task.begun = [_ids(coupling) for coupling in await _next(at_work)]
        await at_work.store()
    await delete_couplings(at_work, task.begun)
    task.begun = []
    return task.is_read


async def _next(at_work: AtWork[UncoupleTask]) -> list[Coupling]:
    task, couplings = at_work.task, at_work.work.couplings
    if task.listed:
        wanted = await at_work.part(task.part)
        task.part += 1
        task.is_read = not wanted
        return await couplings.concerning({Side.BUSINESS_CENTRAL: wanted}) if wanted else []
    page, task.after = await couplings.page(task.after, CHUNK)
    task.is_read = task.after is None
    return await _passing(at_work.work, task, page) if task.filter.strip() else page


async def _passing(work: Slice, task: UncoupleTask, couplings: list[Coupling]) -> list[Coupling]:
    """Those whose record on the filter's side exists and passes it."""
    filter, table = parse_filter(task.filter), work.tables[task.side]
    ids = [coupling.at(task.side).id for coupling in couplings]
    found = await work.services.rows(task.side).read(table, list(filter.columns), ids) if ids else {}
    passing = {one for one, record in found.items() if filter.passes(record.values)}
    return [coupling for coupling in couplings if coupling.at(task.side).id in passing]


async def delete_couplings(at_work: AtWork[Any], begun: Sequence[tuple[str, str]]) -> None:
    """Delete the couplings of these pairs (BC id, Dataverse id), and count them.

    Those that are gone already went when this was tried before: the pairs are stored before the first is deleted.
    """
    work = at_work.work
    if not begun:
        return
    found = await work.couplings.concerning({Side.BUSINESS_CENTRAL: [one for one, _ in begun]})
    await remove_noted(work, [coupling for coupling in found if _ids(coupling) in begun], Reason.CHOSEN)
    await forget(work, (f"{side}|{pair[at]}" for pair in begun for at, side in enumerate(Side)))
    if (job := await uncouple_persons_under(work, dict(begun))) is not None:
        at_work.say([f"Contacts under uncoupled records are uncoupled too: job {job}."])
    at_work.count(Counters(uncoupled=len(begun)))
    work.state.coupled = max(0, work.state.coupled - len(begun))


def _ids(coupling: Coupling) -> tuple[str, str]:
    return coupling.business_central.id, coupling.dataverse.id


KIND = TaskKind(UNCOUPLE, step)
