"""What became of a pair, and how that counts in the job log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.core.actions import Change, Hold, Make, Nothing, Remember, Uncouple
from shared.core.jobs import Counters
from shared.core.reasons import Reason
from shared.core.retry import WAITING
from shared.core.sides import Side

IGNORED = (Reason.NOT_COUPLED, Reason.DIRECTION_FORBIDS, Reason.OUTSIDE_FILTER, Reason.NOT_DUE)


@dataclass(slots=True)
class Outcome:
    """The last word on one pair in one slice.

    `action` is what was decided last, `written` the sides that were really written, `held` why it is not in step,
    `seen` the sides whose record this run looked at, `coupled` and `created` what happened besides. `skips` marks the
    failure that makes a record Skipped: it counts as skipped, not as failed.
    """

    action: Nothing | Remember | Change | Make | Uncouple | Hold
    seen: frozenset[Side] = frozenset()
    written: set[Side] = field(default_factory=set)
    held: Hold | None = None
    coupled: bool = False
    created: Side | None = None
    skips: bool = False


def count(outcome: Outcome, sources: Iterable[Side]) -> dict[Side, Counters]:
    """The counters that an outcome adds to the passes, by source side (as table 5338 counts).

    A coupling that came or went is counted once, in the pass that saw a record of it.
    """
    passes = {source: Counters() for source in sources}
    if not passes:
        return passes
    first = passes[next((source for source in passes if source in outcome.seen), next(iter(passes)))]
    if outcome.coupled:
        first.coupled += 1
    if isinstance(outcome.action, Uncouple) and outcome.held is None:
        first.uncoupled += 1
        return passes
    for source, counters in passes.items():
        _count_pass(outcome, source, counters)
    return passes


def _count_pass(outcome: Outcome, source: Side, counters: Counters) -> None:
    if outcome.created is source.other:
        counters.inserted += 1
    elif source.other in outcome.written:
        counters.modified += 1
    elif outcome.held is not None and _concerns(outcome.held, source, outcome.seen):
        if outcome.held.reason in WAITING or outcome.skips:
            counters.skipped += 1
        else:
            counters.failed += 1
    elif source in outcome.seen and _rests(outcome):
        counters.skipped += 1
    elif source in outcome.seen and not _is_ignored(outcome):
        counters.unchanged += 1


def _concerns(held: Hold, source: Side, seen: frozenset[Side]) -> bool:
    """A conflict fails in every pass that saw the record; anything else in the pass whose source could not be sent."""
    return source in seen if held.reason is Reason.UPDATE_CONFLICT else source is held.source


def _rests(outcome: Outcome) -> bool:
    return isinstance(outcome.action, Nothing) and outcome.action.reason in (Reason.SKIPPED, Reason.HELD)


def _is_ignored(outcome: Outcome) -> bool:
    return isinstance(outcome.action, Nothing) and outcome.action.reason in IGNORED
