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

ADVICE = {
    Reason.UPDATE_CONFLICT: "The error's `fields` hold both values. Write the right value where it is wrong: equal "
    "values are no conflict. Or let one system win for the whole mapping with `update_conflict_resolution`: "
    "`SendUpdateToIntegration` for Business Central, `GetUpdateFromIntegration` for Dataverse.",
    Reason.DELETION_CONFLICT: "Delete the other record too; then the coupling goes as well. Or set the mapping's "
    "`deletion_conflict_resolution` to `RestoreRecords` or `RemoveCoupling`.",
    Reason.VALUE_REFUSED: "Change the value to what the other side can hold; the message says what that is.",
    Reason.SERVICE_REFUSED: "The message has the service's own words, `column` the field it names. Correct the value "
    "in the record, or add what the service misses over there: a country, say.",
    Reason.PERMISSION_MISSING: "Give the application user what the message names. `GET /api/health` tries every table.",
    Reason.CREATE_NOT_ALLOWED: "Create the record by hand on the other side; the next run couples it.",
    Reason.SEVERAL_MATCHES: "The message names the candidates. Change a match field in the wrong ones, or delete the "
    "duplicates: as soon as exactly one is left, it gets coupled.",
    Reason.WAITS_FOR_PARENT: "Nothing, if the record it refers to is about to be coupled: this one follows by itself. "
    "Else see why that one is not: is it an error itself, or does its mapping synchronize only coupled records?",
    Reason.SERVICE_BUSY: "Nothing. If it stays for long, `GET /api/health` tells which service cannot be reached.",
    Reason.CHANGED_MEANWHILE: "Nothing.",
}
"""What a person does about a record that is not in step, by the reason it is held for."""


DONE = (
    *(Reason.NOT_COUPLED, Reason.DIRECTION_FORBIDS, Reason.OUTSIDE_FILTER, Reason.LEFT_FILTER, Reason.IN_STEP),
    *(
        Reason.SOURCE_CHANGED,
        Reason.NEW_RECORD,
        Reason.RESTORED,
        Reason.MATCHED,
        Reason.BOTH_DELETED,
        Reason.COUPLING_REMOVED,
    ),
)
"""Reasons that call for nothing; every other one needs advice."""


def reasons_page() -> str:
    """The whole page."""
    person = [reason for reason in Reason if reason not in DONE and needs_person(reason)]
    passing = [reason for reason in Reason if reason not in DONE and not needs_person(reason)]
    parts = [
        INTRODUCTION,
        f"## Somebody has to act\n\nThese are the coupled data synchronization errors. {_pauses(person)}\n",
        table(("Code", "Sentence", "What to do"), _rows(person)),
        f"## It passes by itself\n\nShown with `GET /api/errors?waiting=true`. {_pauses(passing)}\n",
        table(("Code", "Sentence", "What to do"), _rows(passing)),
        "## Nothing to do\n\nWhat a run has done, or why it left a record alone.\n",
        table(("Code", "Sentence"), ((code(reason), reason.sentence) for reason in DONE)),
    ]
    return "\n".join(parts)


def _rows(reasons: Iterable[Reason]) -> Iterable[tuple[str, str, str]]:
    return ((code(reason), reason.sentence, ADVICE[reason]) for reason in reasons)


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
