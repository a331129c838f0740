"""What a full synchronization does otherwise than a scheduled one, as a run of its mapping.

It begins both feeds anew and goes on from its checkpoints like any other run. The positions it reaches are kept, for
it has looked at all that a run of coupled records only would have looked at: nothing is compared once more afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from shared.core.actions import Action, Change
from shared.core.coupling import Coupling
from shared.core.failures import Passing
from shared.core.full_decision import decide_fully, in_full_run
from shared.core.reasons import Reason
from shared.core.sides import Side
from shared.core.transfer import References
from shared.services.pass_context import Pair, Slice
from shared.services.repositories.runs import Run
from shared.services.settled import Settled

MOST_TRIES = 5
MOST_ROUNDS = 3
LONGEST_PAUSE = timedelta(minutes=5)
PASSING = (Reason.SERVICE_BUSY, Reason.CHANGED_MEANWHILE)


def take_up(work: Slice) -> None:
    """Set a slice up for its full run; nothing happens to other runs.

    The first slice begins the feeds anew and looks for deletions on both sides.
    """
    run, full = work.run, work.run.full
    if full is None:
        return
    own = work.mapping = in_full_run(work.mapping, full)

    def rules(pair: Pair, references: References, now: datetime) -> Action:
        return decide_fully(full, own, pair.views, pair.coupling, work.tables, references, now)

    work.rules = rules
    if not run.began:
        state = work.state
        run.began = True
        state.positions, state.next_sweep_at = {}, None  # a feed of Dataverse that begins has its ids compared anyway


def goes_on(work: Slice) -> bool:
    """Whether a full run that has read both feeds has more to do.

    It tries again what a busy service has refused, for later runs may not be meant to. And it reads on where a service
    has completed what it was sent, an address for example. Raises Passing.
    """
    run = work.run
    if run.full is None:
        return False
    _come_back_for_the_busy(work)
    for side, before in run.before_round.items():  # its own writes were told to it: that is no news to anybody
        run.counters[side].unchanged, run.counters[side].skipped = before.unchanged, before.skipped
    if run.rounds >= MOST_ROUNDS or not run.unsettled:
        return False
    run.rounds, run.unsettled = run.rounds + 1, 0
    run.before_round = {side: replace(counters) for side, counters in run.counters.items()}
    run.finished_feeds = []
    return True


def unsettled(chunk: Iterable[Settled]) -> int:
    """How many records are not known to hold just what was written to them."""
    return sum(1 for one in chunk if (one.added or one.written) and _is_unsure(one.added or one.kept))


def _is_unsure(coupling: Coupling | None) -> bool:
    return coupling is not None and any(coupling.at(side).etag is None for side in Side)


def _come_back_for_the_busy(work: Slice) -> None:
    if work.run.tries >= MOST_TRIES:
        return
    due = [item.next_at for item in work.items.values() if item.reason in PASSING]
    if due:
        work.run.tries += 1
        work.run.retried = False
        wait = min(max(min(due) - work.now, timedelta(seconds=1)), LONGEST_PAUSE)
        raise Passing(
            "Some records were refused by a busy service; they are tried again.", retry_after=wait.total_seconds()
        )


def releases_guard(run: Run) -> bool:
    """Whether the run may do what the plausibility guard would stop."""
    return run.full is not None and run.full.release_guard


def overwriting(action: Action | None, side: Side) -> list[str]:
    """Sentences about the columns of `side` that a full synchronization overwrites; the same for every record."""
    columns = action.overwrites.get(side, ()) if isinstance(action, Change) else ()
    return [
        f"{one} differed: the value in {side.product} was overwritten by {side.other.product}'s." for one in columns
    ]
