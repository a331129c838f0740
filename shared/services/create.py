"""Creating counterparts so that a crash, a lost answer or a repeated message never makes two.

A create is announced in the journal before it is sent. In Dataverse the new row's id is chosen here: a repeated create
is the same row. Business Central gives its own ids: while the outcome of a create is in doubt it is not repeated;
`recover` looks for what it may have made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.core.actions import Make
from shared.core.coupling import Coupling, coupling_of
from shared.core.numbers import free_numbers
from shared.core.records import Create, Record, RefusalKind, Refused, WriteResult, Written
from shared.core.remember import base_after_create
from shared.core.sides import Side
from shared.services.pass_context import Slice
from shared.services.repositories.coupling_documents import Intent

NOT_AT_WORK = (429, 503)  # the request was turned away: looking once is enough
_CERTAIN = (RefusalKind.INVALID, RefusalKind.NOT_RUN)  # nothing was made, by no earlier attempt either
DOUBT = Refused(
    RefusalKind.UNKNOWN,
    "an earlier attempt to create it has not been answered; it is looked for, and created again if it does not appear",
)


@dataclass(frozen=True, slots=True)
class Creation:
    """A record to be created, as decided, and the intent that stands for it; `in_doubt` must not be sent now."""

    action: Make
    intent: Intent
    in_doubt: bool = False

    @property
    def write(self) -> Create:
        """What is sent."""
        return Create(self.intent.values, self.intent.target_id)


async def prepare(work: Slice, side: Side, actions: Sequence[Make]) -> list[Creation]:
    """What stands for these creates. An attempt that was begun before and may still land is made again as it was."""
    numbers = await _numbers(work, side, actions)
    return [_creation(work, side, action, numbers) for action in actions]


def _creation(work: Slice, side: Side, action: Make, numbers: dict[str, str]) -> Creation:
    now, before = work.now, work.intents.get((side.other, action.source.id))
    until = now + work.services.policy.in_doubt
    if before is not None and before.target_id is None and now < before.in_doubt_until:
        return Creation(action, before, in_doubt=True)
    if before is not None and before.target_id is not None:
        # Whichever attempt lands, it must be the same row: what has changed since is carried over afterwards.
        again = replace(action, values=before.values, base=before.base)
        return Creation(again, replace(before, in_doubt_until=until))
    number, values = work.tables[side].number, action.values
    if number is not None and (given := numbers.get(action.source.id)) is not None:
        values = {number: given, **values}
    target_id = work.services.ids.new() if side is Side.DATAVERSE else None
    replaces = (action.replaces.business_central.id, action.replaces.dataverse.id) if action.replaces else None
    intent = Intent(side.other, action.source.id, target_id, values, action.base, now, until, replaces)
    return Creation(action, intent)


async def _numbers(work: Slice, side: Side, actions: Sequence[Make]) -> dict[str, str]:
    """Numbers of ours for new BC records of a table without a number series of its own, by source id."""
    table = work.tables[side]
    if work.mapping.number_series is None or table.number is None or not actions or side is Side.DATAVERSE:
        return {}
    existing = await work.services.rows(side).all(table, [table.number])
    free = free_numbers(work.mapping.number_series, (str(record.values.get(table.number)) for record in existing))
    return {action.source.id: next(free) for action in actions}


def coupling_after(work: Slice, creation: Creation, result: WriteResult) -> Coupling | None:
    """The coupling of what was created, None when nothing was."""
    return _coupling(work, creation.action, result.record) if isinstance(result, Written) else None


def intent_after(work: Slice, creation: Creation, result: WriteResult) -> Intent | None:
    """What is left to be looked for when a create was not answered with a record; None when nothing is.

    A refusal says nothing of an earlier attempt that is still in doubt.
    """
    intent, earlier = creation.intent, work.intents.get((creation.intent.source, creation.intent.source_id))
    if isinstance(result, Written):
        return None
    if creation.in_doubt:
        return intent
    if result.kind is RefusalKind.UNKNOWN and result.status in NOT_AT_WORK and intent.target_id is None:
        return earlier or replace(intent, in_doubt_until=work.now)
    if result.kind is RefusalKind.UNKNOWN or (intent.target_id is not None and result.kind not in _CERTAIN):
        return intent
    return earlier if earlier is not None and earlier.in_doubt_until > work.now else None


def _coupling(work: Slice, action: Make, created: Record) -> Coupling:
    ends = base_after_create(work.mapping, action, created, work.tables)
    return replace(coupling_of(ends, work.now, work.run.requested_by), synchronized_at=work.now)
