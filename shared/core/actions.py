"""What a run sees of a pair, and what it may decide to do with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shared.core.coupling import Coupling
from shared.core.merge import FieldConflict
from shared.core.reasons import Reason
from shared.core.records import Record
from shared.core.references import Unresolved
from shared.core.sides import Side
from shared.core.tables import Values
from shared.core.transfer import FieldProblem


class Seen(StrEnum):
    """What a run knows of one side of a pair."""

    UNREAD = "unread"  # not in its side's feed: it is what the coupling remembers
    PRESENT = "present"
    GONE = "gone"  # deleted
    ABSENT = "absent"  # there is no counterpart


@dataclass(frozen=True, slots=True)
class View:
    """One side of a pair as a run sees it: `record` when present, and whether it passes the mapping's filter."""

    seen: Seen
    record: Record | None = None
    in_filter: bool = True


ABSENT = View(Seen.ABSENT)
UNREAD = View(Seen.UNREAD)
GONE = View(Seen.GONE)

type Views = Mapping[Side, View]


@dataclass(frozen=True, slots=True)
class Nothing:
    """Leave the pair alone."""

    reason: Reason
    left: tuple[Unresolved, ...] = ()


@dataclass(frozen=True, slots=True)
class Remember:
    """Both sides agree, but the coupling does not say so yet: store it."""

    coupling: Coupling
    reason: Reason = Reason.IN_STEP
    left: tuple[Unresolved, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """Write these columns on these sides; then the coupling is `coupling` (with the versions the services answer).

    `before` is the coupling as it holds until then. `overwrites` are columns whose own edits a full synchronization
    gives up.
    """

    before: Coupling
    coupling: Coupling
    writes: Mapping[Side, Values]
    reason: Reason = Reason.SOURCE_CHANGED
    left: tuple[Unresolved, ...] = ()
    overwrites: Mapping[Side, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Make:
    """Create the missing record on `side` from `source`.

    `base` is what both will hold then; `replaces` is the broken coupling of a restored record.
    """

    side: Side
    source: Record
    values: Values
    base: Mapping[Side, Values]
    reason: Reason = Reason.NEW_RECORD
    replaces: Coupling | None = None
    left: tuple[Unresolved, ...] = ()


@dataclass(frozen=True, slots=True)
class Uncouple:
    """Remove the coupling; no record is touched."""

    coupling: Coupling
    reason: Reason


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing may be written now; the record is remembered as a work item until it can be.

    `fields` has both values of a conflict, `waits` what it waits for, `problems` the values that do not fit.
    """

    reason: Reason
    message: str
    source: Side
    fields: tuple[FieldConflict, ...] = field(default=())
    waits: tuple[Unresolved, ...] = field(default=())
    problems: tuple[FieldProblem, ...] = field(default=())


type Action = Nothing | Remember | Change | Make | Uncouple | Hold
