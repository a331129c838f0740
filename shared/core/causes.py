"""What keeps records out of step: many errors often have one cause, and curing that releases all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.core.reasons import Reason
from shared.core.references import Unresolved
from shared.core.sides import Side
from shared.core.tables import Value

OUTSIDE = frozenset({Reason.PERMISSION_MISSING, Reason.SERVICE_REFUSED})
"""Reasons that something outside the record can cure, of which no feed tells."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why records are held: the reason, and what they share.

    `side` is where something is missing or was refused; of a parent, the side it is on, with its `value` (id or number)
    and the mappings it could be coupled in. `mapping` is empty where records of several mappings may share the cause.
    `line` is the caption of the field mapping that asked for the parent first.
    """

    reason: Reason
    side: Side
    mapping: str = ""
    what: str = ""
    code: str = ""
    value: Value = None
    parents: tuple[str, ...] = ()
    line: str = field(default="", compare=False)

    @property
    def id(self) -> str:
        """A short name that stays: the same cause has the same tomorrow."""
        parts = (self.reason, self.side, self.mapping, self.what, self.code, self.value, *self.parents)
        return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]


def causes_of(
    reason: Reason,
    mapping: str,
    source: Side,
    *,
    waits: Sequence[Unresolved] = (),
    waits_for: tuple[str, ...] = (),
    column: str | None = None,
    code: str = "",
    value: str | None = None,
    what: str | None = None,
    message: str = "",
) -> tuple[Cause, ...]:
    """The causes of one held record; several when it waits for several parents."""
    there = source.other
    match reason:
        case Reason.WAITS_FOR_PARENT if waits:
            return tuple(
                dict.fromkeys(
                    Cause(reason, one.side, what=one.what, value=one.value, parents=one.mappings, line=one.line)
                    for one in waits
                )
            )
        case Reason.WAITS_FOR_PARENT:
            return (Cause(reason, source, mapping, parents=waits_for),)
        case Reason.OPTION_NOT_MAPPED:
            return (Cause(reason, there, mapping, what or "", column or "", value),)
        case Reason.SERVICE_REFUSED:
            return (Cause(reason, there, mapping, column or ("" if code else message), code),)
        case Reason.VALUE_REFUSED:
            return (Cause(reason, there, mapping, column or ""),)
        case _:
            return (Cause(reason, there, mapping),)


def sentence_of(cause: Cause, holds: Mapping[str, int], name: str = "") -> str:
    """The cause for a person; `holds` tells how many records of which mapping, `name` what the parent is called."""
    held = holds_of(holds)
    match cause.reason:
        case Reason.WAITS_FOR_PARENT:
            parent = name or cause.what or f"A record of {' or '.join(cause.parents)}"
            return f"{parent} is not coupled: holds {held}."
        case Reason.OPTION_NOT_MAPPED:
            return f"{cause.what} has no choice in {cause.side.product}: records keep the value they have."
        case Reason.SERVICE_REFUSED:
            of_column = f" {cause.what}" if cause.code and cause.what else " the data"
            code = f" ({cause.code})" if cause.code else ""
            return f"{cause.side.product} refuses{of_column}{code}: holds {held}."
        case Reason.VALUE_REFUSED if cause.what:
            return f"Values do not fit {cause.what} in {cause.side.product}: holds {held}."
        case Reason.PERMISSION_MISSING:
            return f"The application user lacks a permission in {cause.side.product}: holds {held}."
        case _:
            return f"{cause.reason.sentence.rstrip('.')}: {held}."


def holds_of(holds: Mapping[str, int]) -> str:
    """How many records of which mapping, in words."""
    parts = [f"{count:,} {'record' if count == 1 else 'records'} of {mapping}" for mapping, count in holds.items()]
    return " and ".join(parts)
