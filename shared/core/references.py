"""What lookups mean on the other side: tables of answers, made before planning and asked during it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from shared.core.sides import Side
from shared.core.tables import Value


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A lookup whose target has no counterpart: `what` in words, `mappings` in which it would have to be coupled.

    `line` is the caption of the field mapping that asked.
    """

    side: Side
    value: Value
    what: str
    mappings: tuple[str, ...] = ()
    line: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Resolved:
    """The value that a lookup has on the other side."""

    value: Value


@dataclass(frozen=True, slots=True)
class ReferenceAnswers:
    """The answers for one kind of lookup.

    `answers[side]` maps a value found on `side` to its counterpart; `blanks[side]` is the counterpart of a blank there;
    `captions` names values for people. With `blank_is_unresolved` a blank without counterpart is an unresolved one.
    """

    what: str
    mappings: tuple[str, ...] = ()
    answers: Mapping[Side, Mapping[Value, Value]] = field(default_factory=dict)
    blanks: Mapping[Side, Value] = field(default_factory=dict)
    captions: Mapping[Value, str] = field(default_factory=dict)
    blank_is_unresolved: bool = False

    def resolve(self, side: Side, value: Value) -> Resolved | Unresolved:
        """What `value`, found on `side`, is on the other side."""
        known = self.blanks.get(side, self) if value is None else self.answers.get(side, {}).get(value, self)
        if known is not self:
            return Resolved(cast(Value, known))
        if value is None and not self.blank_is_unresolved:
            return Resolved(None)
        caption = self.captions.get(value, "" if value is None else str(value))
        return Unresolved(side, value, f"{self.what} {caption}".strip(), self.mappings)
