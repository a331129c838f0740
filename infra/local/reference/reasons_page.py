"""docs/reasons.md, from the reasons and their retry rules."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from infra.local.reference.markdown import code, table
from shared.core.error_actions import ErrorAction, ErrorState, enabled_actions
from shared.core.reasons import Reason
from shared.core.retry import needs_person, next_attempt
from shared.core.sides import Side

ACTIONS = """## What can be done about an error

Every row of [`GET /api/errors`](http.md) lists the `actions` that it offers; each takes a list of errors or a filter,
and becomes a job. What cannot be had for one of them is refused for that one, with a code and a sentence, and the rest
is done. [`GET /api/errors/causes`](http.md) groups the errors by what causes them: one cause cured, and the next run
takes along everything that it held, with nobody touching the records.
"""

DIFFERENCES = """Other than in Microsoft's feature:

- Find for Deleted looks through any mapping, not only unidirectional ones, and on both sides; each deletion is
  confirmed by a direct read, and a record that is only outside the mapping's filter does not count as deleted.
- Records are restored only the way that the mapping's direction lets data travel.
- A record that was edited since its error was looked at is not deleted.
- Records that are not coupled can be errors, too.
"""

_CALLS = {
    ErrorAction.RETRY: "errors/retry",
    ErrorAction.SYNCHRONIZE: "errors/synchronize",
    ErrorAction.RESTORE: "errors/restore",
    ErrorAction.DELETE_RECORDS: "errors/delete-records",
    ErrorAction.DELETE_COUPLING: "errors/delete-couplings",
    ErrorAction.SET_UP_COUPLING: "errors/set-up-coupling",
    ErrorAction.SYNCHRONIZATION_LOG: "records/log",
}
_BC, _DV = frozenset({Side.BUSINESS_CENTRAL}), frozenset({Side.DATAVERSE})
_STATES = {
    "Both records exist": ErrorState("", frozenset(Side)),
    "The BC record was deleted": ErrorState("", _DV),
    "The Dataverse row was deleted": ErrorState("", _BC),
    "A BC record that is not coupled": ErrorState("", _BC, coupled=False),
    "A Dataverse row that is not coupled": ErrorState("", _DV, coupled=False),
    "A value without a choice": ErrorState("", frozenset(), coupled=False, is_record=False),
    "Kept out of synchronization": ErrorState("", frozenset(Side), held=True),
}

INTRODUCTION = """# Reasons

Whatever happens to a record, or does not, has a reason: a code for programs, which stays, and a sentence for people.
[`GET /api/errors`](http.md) shows both (`reason`, `explanation`) for what is not in step, beside a `message` that names
the record, the field and the values. An error goes away by itself with the first run that brings its record in step;
nobody has to tick it off.
"""


def reasons_page() -> str:
    """The whole page."""
    person = [reason for reason in Reason if reason.advice and needs_person(reason)]
    passing = [reason for reason in Reason if reason.advice and not needs_person(reason)]
    parts = [
        INTRODUCTION,
        f"## Somebody has to act\n\nThese are the coupled data synchronization errors. {_pauses(person)}\n",
        table(("Code", "Sentence", "What to do"), _rows(person)),
        f"## It passes by itself\n\nShown with `GET /api/errors?waiting=true`. {_pauses(passing)}\n",
        table(("Code", "Sentence", "What to do"), _rows(passing)),
        "## Nothing to do\n\nWhat a run has done, or why it left a record alone.\n",
        table(("Code", "Sentence"), ((code(reason), reason.sentence) for reason in Reason if not reason.advice)),
        ACTIONS,
        _actions(),
        DIFFERENCES,
    ]
    return "\n".join(parts)


def _actions() -> str:
    """Which action is offered for what there is of an error's records, from the rule itself."""
    offered = [enabled_actions(state) for state in _STATES.values()]
    rows = (
        (action.replace("_", " ").capitalize(), code(call), *("yes" if action in found else "" for found in offered))
        for action, call in _CALLS.items()
    )
    return table(("Action", "Call", *_STATES), rows)


def _rows(reasons: Iterable[Reason]) -> Iterable[tuple[str, str, str]]:
    return ((code(reason), reason.sentence, reason.advice) for reason in reasons)


def _pauses(reasons: Iterable[Reason]) -> str:
    """How long the app waits between attempts, told from the rule itself; the reasons of a group share it."""
    start = datetime(2000, 1, 1, tzinfo=UTC)
    told = set()
    for reason in reasons:
        minutes = [
            int((next_attempt(reason, attempt, start) - start).total_seconds() // 60) for attempt in range(1, 99)
        ]
        told.add(f"{', '.join(map(str, minutes[:4]))} ... minutes, at most {max(minutes)}")
    (pauses,) = told
    return f"The app tries again\nafter {pauses}; a run that a person asks for tries at once."
