"""docs/reasons.md, from the reasons and their retry rules."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from infra.local.reference.markdown import code, table
from shared.core.reasons import Reason
from shared.core.retry import needs_person, next_attempt

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
    ]
    return "\n".join(parts)


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
