"""The synchronization log of one record: what a coupling remembers of everything that was done to its two records.

It is kept as text, one JSON object a line, the newest first, and read only when somebody asks: a run appends to it
without looking into it, and a coupling that is merely read costs nothing for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.core.reasons import Reason
from shared.core.sides import Side
from shared.core.tables import Value, Values
from shared.core.values import from_document, to_document

MOST_TOUCHES = 20
LONGEST = 6_000  # characters of a whole history, all ASCII: a hundred couplings change in one transaction of 4 MiB
LONGEST_TEXT = 200  # characters of one value
SHORT_TEXT = 20  # where a single touch would fill the history
CUT = "…"


class What(StrEnum):
    """What was done to a pair."""

    COUPLED = "coupled"
    CREATED = "created"
    UPDATED = "updated"
    AGREED = "agreed"  # both records were found to hold the same; nothing was written
    LEFT_ALONE = "left_alone"  # a record has left the mapping's filter
    RESTORED = "restored"
    UNCOUPLED = "uncoupled"
    DELETED = "deleted"  # the record that was left of the pair, and the coupling with it


@dataclass(frozen=True, slots=True)
class Difference:
    """One column of the record on `side`: what it held before and what it holds now; long texts are cut."""

    side: Side
    column: str
    old: Value
    new: Value


@dataclass(frozen=True, slots=True)
class Touch:
    """One thing done to a pair: when, what, in which jobs (one for each direction), by which rule, and for whom.

    `rule` is the reason that the decision gave. `by` is the person or key that asked for the run, empty for the timer.
    `source` is the side from which a record was created. Of what was `agreed` the changes are those that people made.
    """

    at: datetime
    what: What
    rule: Reason
    jobs: tuple[str, ...]
    by: str = ""
    source: Side | None = None
    changes: tuple[Difference, ...] = ()


def with_touch(history: str, touch: Touch) -> str:
    """The history with one more touch; the oldest go when it grows too long, the newest is always kept."""
    line = _line(touch, LONGEST_TEXT)
    if len(line) > LONGEST:
        line = _line(touch, SHORT_TEXT)
    if len(line) > LONGEST:
        line = _line(replace(touch, changes=tuple(_fitting(touch, LONGEST - 500))), SHORT_TEXT)
    lines = [line, *history.split("\n", MOST_TOUCHES - 1)[: MOST_TOUCHES - 1]] if history else [line]
    text = "\n".join(lines)
    return text if len(text) <= LONGEST else text[: text.rfind("\n", 0, LONGEST + 1)]


def touches_in(history: str) -> list[Touch]:
    """The touches of a history, the newest first."""
    return [_touch(line) for line in history.splitlines()]


def newest_in(history: str) -> Touch | None:
    """The last thing that was done."""
    return _touch(history.partition("\n")[0]) if history else None


def differences(side: Side, before: Values, after: Values) -> Iterator[Difference]:
    """The columns known before that hold something else now."""
    for name, old in before.items():
        if (new := after.get(name)) != old:
            yield Difference(side, name, old, new)


def _fitting(touch: Touch, room: int) -> Iterable[Difference]:
    """As many of the changes as fit; what is left out can be seen in the records."""
    for change in touch.changes:
        room -= len(json.dumps(_packed(change, SHORT_TEXT))) + 1
        if room < 0:
            return
        yield change


def _line(touch: Touch, longest: int) -> str:
    document: dict[str, object] = {"at": touch.at.isoformat(), "what": touch.what, "rule": touch.rule}
    if touch.jobs:
        document["jobs"] = touch.jobs
    if touch.by:
        document["by"] = touch.by
    if touch.source:
        document["source"] = touch.source
    if touch.changes:
        document["changes"] = [_packed(change, longest) for change in touch.changes]
    return _swapped(json.dumps(document, separators=(",", ":")))


def _swapped(text: str) -> str:
    """Quotation marks and apostrophes change places: within a JSON document the text is read twice as fast then, for
    hardly anything in it needs a backslash."""
    return text.replace("'", "\0").replace('"', "'").replace("\0", '"')


def _packed(change: Difference, longest: int) -> list[object]:
    values = to_document({"old": _cut(change.old, longest), "new": _cut(change.new, longest)})
    return [change.side, change.column, values["old"], values["new"]]


def _cut(value: Value, longest: int) -> Value:
    return value[:longest] + CUT if isinstance(value, str) and len(value) > longest else value


def _touch(line: str) -> Touch:
    document: dict[str, Any] = json.loads(_swapped(line))
    return Touch(
        datetime.fromisoformat(document["at"]),
        What(document["what"]),
        Reason(document["rule"]),
        tuple(document.get("jobs", ())),
        document.get("by", ""),
        Side(document["source"]) if "source" in document else None,
        tuple(map(_difference, document.get("changes", ()))),
    )


def _difference(packed: list[Any]) -> Difference:
    side, column, old, new = packed
    values = from_document({"old": old, "new": new})
    return Difference(Side(side), column, values["old"], values["new"])
