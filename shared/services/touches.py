"""Telling a coupling's history what was done to its pair. Looking at a pair without doing anything is not told.

What is written is noted when the service answers; the coupling that is stored for it anyway takes the note along.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from shared.core.actions import Change, Make, Remember, Uncouple
from shared.core.coupling import Coupling
from shared.core.history import Difference, Touch, What, differences, touches_in, with_touch
from shared.core.reasons import Reason
from shared.core.sides import Side
from shared.core.values import same
from shared.services.pass_context import Slice
from shared.services.settled import Settled


def with_note(
    work: Slice,
    coupling: Coupling,
    what: What,
    rule: Reason,
    *,
    source: Side | None = None,
    changes: Iterable[Difference] = (),
) -> Coupling:
    """The coupling with a note that this run did something to it now."""
    touch = note_of(work, what, rule, source=source, changes=changes)
    return replace(coupling, history=with_touch(coupling.history, touch))


def note_of(
    work: Slice, what: What, rule: Reason, *, source: Side | None = None, changes: Iterable[Difference] = ()
) -> Touch:
    """The note that this run did something now."""
    told = tuple(changes)
    sources = {source} if source else {change.side.other for change in told if what is What.UPDATED}
    jobs = dict.fromkeys(work.run.jobs[side] for side in Side if side in sources and side in work.run.jobs)
    jobs = jobs or dict.fromkeys(work.run.jobs.values())
    return Touch(work.now, what, rule, tuple(jobs), work.run.requested_by, source, told)


def note_written(one: Settled, side: Side) -> None:
    """Note which columns of `side` were just written, with what they held before."""
    action, record = one.action, one.pair.views[side].record
    assert isinstance(action, Change)
    held = record.values if record is not None else action.before.at(side).base or {}
    one.rule = one.rule or action.reason
    for name, new in action.writes[side].items():
        old = one.changes[(side, name)].old if (side, name) in one.changes else held.get(name)
        one.changes[(side, name)] = Difference(side, name, old, new)


def note_landed(work: Slice, one: Settled) -> None:
    """Note what an earlier attempt has written whose answer nobody heard, unless it is told already."""
    coupling = one.pair.coupling
    if coupling is None or coupling.attempt is None:
        return
    attempt = coupling.attempt
    late = (touch for touch in touches_in(coupling.history) if touch.at >= attempt.begun_at)
    told = {(change.side, change.column) for touch in late for change in touch.changes}
    for side, writes in attempt.writes.items():
        record, before = one.pair.views[side].record, coupling.at(side).base or {}
        for name, new in writes.items() if record is not None else ():
            column = work.tables[side].column(name)
            if (side, name) not in told and record is not None and same(column, record.values.get(name), new):
                one.changes[(side, name)] = Difference(side, name, before.get(name), new)


def noted(work: Slice, one: Settled, coupling: Coupling) -> Coupling:
    """The coupling to be stored for a pair, with what became of it."""
    if one.changes:
        return with_note(work, coupling, What.UPDATED, one.rule or Reason.SOURCE_CHANGED, changes=one.changes.values())
    before, action = one.pair.coupling, one.action
    if not isinstance(action, Remember) or before is None or before.attempt is not None:
        return coupling
    if action.reason is Reason.OUTSIDE_FILTER:
        has_left = any(coupling.at(side).outside and not before.at(side).outside for side in Side)
        return with_note(work, coupling, What.LEFT_ALONE, action.reason) if has_left else coupling
    moved = [change for side in Side for change in _moved(before, coupling, side)]
    is_first = before.synchronized_at is None and coupling.synchronized_at is not None
    return with_note(work, coupling, What.AGREED, action.reason, changes=moved) if moved or is_first else coupling


def noted_create(work: Slice, one: Settled, coupling: Coupling) -> Coupling:
    """The coupling of a record that was created; what is known of the record that it stands for goes on with it."""
    action = one.action
    assert isinstance(action, Make)
    history = action.replaces.history if action.replaces is not None else ""
    what = What.CREATED if action.replaces is None else What.RESTORED
    return with_note(work, replace(coupling, history=history), what, action.reason, source=action.side.other)


def noted_end(work: Slice, one: Settled, coupling: Coupling) -> Coupling:
    """A coupling that is removed, with the rule that removes it."""
    rule = one.action.reason if isinstance(one.action, Uncouple) else Reason.COUPLING_REMOVED
    return with_note(work, coupling, What.UNCOUPLED, rule)


async def remove_noted(work: Slice, couplings: Sequence[Coupling], rule: Reason, what: What = What.UNCOUPLED) -> None:
    """Remove couplings with a note of it; their history stays. Raises StateConflict."""
    await work.couplings.remove([with_note(work, one, what, rule) for one in couplings])


def _moved(before: Coupling, after: Coupling, side: Side) -> Iterable[Difference]:
    return differences(side, before.at(side).base or {}, after.at(side).base or {})
