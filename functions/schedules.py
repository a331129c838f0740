"""When mappings run over HTTP: the schedule, pause and resume, and records kept out of synchronization.

The use cases are imported where they are called: a first call waits for its own alone.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from functions.api.operation import Call, NoQuery, Reply, operation
from functions.queries import PageQuery
from shared.core.access import Role
from shared.core.schedule import ScheduleStatus
from shared.services.forms.schedules import (
    HeldRecordsAnswer,
    HoldAnswer,
    HoldRequest,
    PauseRequest,
    ReleaseRequest,
    ScheduleAnswer,
    ScheduleLineAnswer,
)
from shared.services.mapping_settings import mapping_named

WHICH = ("unknown_mapping", "unknown_table", "ambiguous_table", "which_mapping")


class ScheduleQuery(PageQuery):
    """Which mappings."""

    status: ScheduleStatus | None = Field(None, description="Only those that stand so.")


class HeldQuery(PageQuery):
    """Which records."""

    mapping: str | None = Field(None, max_length=20, description="Only this mapping's.")


@operation(Role.READER, {200: ScheduleAnswer})
async def schedule(call: Call[ScheduleQuery]) -> Reply:
    """When each mapping runs next, where it stands and why, by name.

    `status` is one of `ready`, `in process`, `on hold` (paused), `on hold due to inactivity`, `waiting for parents`,
    `disabled`, `late` (it should have run, or its run does not come on) and `failed`. See [schedules](schedules.md).
    """
    from shared.services.schedule_page import ScheduleFilter, schedule_page

    query = call.query
    return Reply(await schedule_page(call.services, ScheduleFilter(query.status, query.continuation, query.limit)))


@operation(Role.OPERATOR, {200: ScheduleLineAnswer}, problems=("unknown_mapping",))
async def pause_mapping(call: Call[NoQuery, PauseRequest]) -> Reply:
    """Pauses a mapping: no synchronization of it begins, and one that is on ends at its next checkpoint.

    The rest of that one waits. What people ask for with single records (synchronize now, couple, uncouple) is done all
    the same. With `until` the mapping goes on by itself. Nothing is lost: what changes meanwhile is read afterwards.
    """
    from shared.services.pausing import pause

    stored = await mapping_named(call.services, call.path["mapping"])
    await pause(call.services, [stored.mapping.name], call.caller.label, call.body.reason, call.body.until)
    return await _line(call, stored.mapping.name)


@operation(Role.OPERATOR, {200: ScheduleLineAnswer}, problems=("unknown_mapping",))
async def resume_mapping(call: Call) -> Reply:
    """Lets a paused mapping go on, at once where a run waits or is due. Any other mapping stays as it is."""
    from shared.services.pausing import resume

    stored = await mapping_named(call.services, call.path["mapping"])
    await resume(call.services, [stored.mapping.name])
    return await _line(call, stored.mapping.name)


@operation(Role.OPERATOR, {200: ScheduleAnswer})
async def pause_all(call: Call[NoQuery, PauseRequest]) -> Reply:
    """Pauses all mappings that there are now, as the same for one."""
    from shared.services.pausing import pause

    await pause(call.services, await _names(call), call.caller.label, call.body.reason, call.body.until)
    return await _all(call)


@operation(Role.OPERATOR, {200: ScheduleAnswer})
async def resume_all(call: Call) -> Reply:
    """Lets all paused mappings go on, as the same for one."""
    from shared.services.pausing import resume

    await resume(call.services, await _names(call))
    return await _all(call)


@operation(Role.OPERATOR, {200: HoldAnswer}, problems=WHICH)
async def hold_records(call: Call[NoQuery, HoldRequest]) -> Reply:
    """Keeps records, each with its partner, out of synchronization until they are released.

    Nothing is written for them, neither by runs nor by what people ask for; they are no errors, and an error that
    there was is closed. Of records that are not coupled none is coupled or created either. A run that is on may still
    write what it has read before.
    """
    from shared.services.held_records import hold

    return Reply(await hold(call.services, call.body, call.caller))


@operation(Role.OPERATOR, {200: HoldAnswer}, problems=WHICH)
async def release_records(call: Call[NoQuery, ReleaseRequest]) -> Reply:
    """Releases records that were kept out: the mapping runs at the next tick and merges what was edited meanwhile."""
    from shared.services.held_records import release

    return Reply(await release(call.services, call.body))


@operation(Role.READER, {200: HeldRecordsAnswer}, problems=("unknown_mapping",))
async def list_held_records(call: Call[HeldQuery]) -> Reply:
    """The records that are kept out of synchronization, the newest first: by whom, since when and why."""
    from shared.services.held_records import held_page

    query = call.query
    page = await held_page(call.services, mapping=query.mapping, after=query.continuation, limit=query.limit)
    return Reply(page)


async def _line(call: Call[Any, Any], name: str) -> Reply:
    from shared.services.schedule_page import schedule_line

    return Reply(await schedule_line(call.services, await mapping_named(call.services, name)))


async def _names(call: Call[Any, Any]) -> list[str]:
    return [stored.mapping.name for stored in await call.services.mappings.all()]


async def _all(call: Call[Any, Any]) -> Reply:
    from shared.services.schedule_page import ScheduleFilter, schedule_page

    return Reply(await schedule_page(call.services, ScheduleFilter(limit=1000)))
