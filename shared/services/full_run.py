"""What a full synchronization does otherwise than a scheduled one, as a run of its mapping.

It begins both feeds anew and goes on from its checkpoints like any other run. The positions it reaches are kept, for
it has looked at all that a run of coupled records only would have looked at: nothing is compared once more afterwards.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from shared.core.actions import Action, Change
from shared.core.failures import Passing
from shared.core.full_decision import decide_fully, in_full_run
from shared.core.reasons import Reason
from shared.core.sides import Side
from shared.core.transfer import References
from shared.services.pass_context import Pair, Slice
from shared.services.repositories.runs import Run

MOST_TRIES = 5
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
        state.positions, state.sweep_dataverse, state.next_sweep_at = {}, True, None


def come_back_for_the_busy(work: Slice) -> None:
    """Before it ends, a full run tries again what a busy service has refused: later runs may not be meant to.

    Raises Passing.
    """
    if work.run.full is None or work.run.tries >= MOST_TRIES:
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
