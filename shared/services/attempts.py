"""Writes that were sent and not answered: how long they may still land, and what has to wait for them."""

from __future__ import annotations

from collections.abc import Mapping as ReadOnly
from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

from shared.core.actions import Change, Hold
from shared.core.plan import without_attempt
from shared.core.reasons import Reason
from shared.core.sides import Side
from shared.core.tables import Values
from shared.services.pass_context import Slice
from shared.services.settled import Settled

NOT_ANSWERED = "An earlier write has not been answered and may still be done; that is waited for."


def wait_for_answers(work: Slice, decided: Sequence[Settled]) -> None:
    """What was sent and not answered may still land: until then nothing else is sent to the same columns.

    It could land just before the new write; nobody could tell it from a person's edit then.
    """
    for settled in decided:
        if isinstance(settled.action, Change) and may_still_land(work, settled, settled.action.writes):
            settled.action = Hold(Reason.SERVICE_BUSY, NOT_ANSWERED, next(iter(work.sources)))
            settled.finish(held=settled.action)


def forget_attempts(work: Slice, decided: Sequence[Settled], *, refused: bool) -> None:
    """A write that was refused, or not answered for long, will not land any more.

    If its pair is held now, it must not explain a later edit that happens to have the same value.
    """
    for settled in decided:
        coupling = settled.pair.coupling
        if not isinstance(settled.action, Hold) or coupling is None or coupling.attempt is None:
            continue
        is_old = work.now - coupling.attempt.begun_at > work.services.policy.in_doubt
        if is_old or (refused and not settled.in_doubt):
            known = without_attempt(work.mapping, settled.pair.views, coupling, work.tables)
            settled.pair.coupling = replace(known, attempt=None if is_old else settled.earlier)
            settled.kept = settled.pair.coupling


def note_unanswered(work: Slice, settled: Settled) -> None:
    """Keep in mind what may still land: that the same is refused when it is sent once more says nothing of it."""
    if settled.pair.coupling is not None and may_still_land(work, settled):
        settled.earlier = settled.pair.coupling.attempt


def forget_unanswered(settled: Settled, side: Side) -> None:
    """The row on `side` has moved past the version that an earlier write names: that one will not land any more."""
    if settled.earlier is not None:
        left = {each: values for each, values in settled.earlier.writes.items() if each is not side}
        settled.earlier = replace(settled.earlier, writes=left) if left else None


def may_still_land(work: Slice, settled: Settled, anew: ReadOnly[Side, Values] = MappingProxyType({})) -> bool:
    """Whether an earlier write of ours is on its way perhaps: agreed is only what it cannot change any more.

    What is sent `anew` with the same value need not be waited for.
    """
    attempt = settled.pair.coupling.attempt if settled.pair.coupling else None
    if attempt is None or settled.is_attempted or work.now - attempt.begun_at > work.services.policy.in_doubt:
        return False
    held = {side: record.values for side in Side if (record := settled.pair.views[side].record) is not None}
    open_ones = (
        (name, value, anew.get(side, {}))
        for side, written in attempt.writes.items()
        if side in held
        for name, value in written.items()
        if held[side].get(name) != attempt.base[side].get(name)
    )
    return any(name not in again or again[name] != value for name, value, again in open_ones)
