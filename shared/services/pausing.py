"""Pausing mappings and letting them go on: who, when and why is stored with the mapping's state.

While a mapping is paused no synchronization of it begins, and one that is on ends at its next checkpoint; the rest
waits. What people ask for with single records is done all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.core.schedule import Pause, shown
from shared.ports import StateConflict
from shared.services.problems import Problem
from shared.services.repositories.runs import MappingState

if TYPE_CHECKING:
    from shared.core.mapping import Mapping
    from shared.services.context import Services


async def pause(services: Services, mappings: Sequence[str], by: str, reason: str, until: datetime | None) -> None:
    """Pause these mappings; one that is paused already is paused anew. Raises Problem (400) for a time that is over."""
    now = services.clock.now()
    if until is not None and until <= now:
        raise Problem(400, "invalid_value", f"until: {shown(until)} is over.", field="until")
    for name in mappings:
        await _store(services, name, Pause(by, now, reason, until))


async def resume(services: Services, mappings: Sequence[str]) -> None:
    """Let these mappings go on: what waits is sent again, and what became due meanwhile is due now."""
    for name in mappings:
        state = await services.runs(name).state()
        if state.pause is not None:
            await _store(services, name, None)
            await _send_again(services, state)


async def unless_over(services: Services, state: MappingState) -> MappingState:
    """The state of a mapping whose pause is over by now without the pause; the timer asks."""
    if state.pause is None or state.pause.holds(services.clock.now()):
        return state
    await resume(services, [state.mapping])
    return await services.runs(state.mapping).state()


def is_paused(services: Services, state: MappingState) -> bool:
    """Whether no synchronization of a mapping may go on now."""
    return state.pause is not None and state.pause.holds(services.clock.now())


async def not_paused(services: Services, mappings: Sequence[Mapping]) -> list[Mapping]:
    """Those of the mappings that may be synchronized. Raises Problem (409) when there is none among them."""
    states = [await services.runs(mapping.name).state() for mapping in mappings]
    free = [one for one, state in zip(mappings, states, strict=True) if not is_paused(services, state)]
    if mappings and not free:
        names = ", ".join(mapping.name for mapping in mappings)
        text = (
            f"{names} is paused; resume it first." if len(mappings) == 1 else f"{names} are paused; resume them first."
        )
        raise Problem(409, "mapping_paused", text)
    return free


async def _store(services: Services, name: str, pause: Pause | None) -> None:
    runs = services.runs(name)
    while True:
        state = await runs.state()
        if pause is None and state.pause is not None and state.next_due_at is not None:
            state.next_due_at = max(state.next_due_at, services.clock.now())
        before, state.pause = state.pause, pause
        state.trouble, state.troubled_since = "", None
        try:
            await runs.save(state)
        except StateConflict:
            continue
        return await _record(services, name, before, pause)


async def _record(services: Services, name: str, before: Pause | None, after: Pause | None) -> None:
    """Pausing a mapping is a change of the configuration, too, though it is kept elsewhere."""
    from shared.core.configuration_diff import MemberChange
    from shared.services.configuration_changes import record_change

    values = [one and {"reason": one.reason, "until": one.until and one.until.isoformat()} for one in (before, after)]
    change = MemberChange("pause", *values)
    await record_change(services, name, (change,), "pause" if after else "resume")


async def _send_again(services: Services, state: MappingState) -> None:
    from shared.services.requests import put_off

    run = await services.runs(state.mapping).get(state.active or state.queued or "")
    if run is not None and not run.ended:
        await put_off(services, run, timedelta(0))
