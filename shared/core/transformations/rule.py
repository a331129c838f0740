"""What all transformation rules have in common.

Names, members and behaviour follow Microsoft's table Transformation Rule (1237) as Integration Field Mapping uses it. A
member that the table calls Start Position is `start_position` here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar

from shared.core.model import Model
from shared.core.tables import Value

LONGEST_SETTING = 250  # characters of Find Value, Replace Value, Starting Text and Ending Text in table 1237
_SHOWN = 40
_WRITTEN_OUT = 100  # a number beyond so many digits is written with an exponent instead


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a rule cannot be applied to a value, as a sentence."""

    sentence: str


class Rule(Model):
    """One transformation rule. `always_loses`: different texts become the same, so that no other rule leads back."""

    always_loses: ClassVar[bool] = False

    def apply(self, value: Value) -> Value | Refusal:
        """The value that takes the place of `value`, or why there is none. Never raises."""
        raise NotImplementedError

    def examples(self) -> tuple[Value, ...]:
        """Values that tell whether this rule loses something; see `round_trip`."""
        return ()


class TextRule(Rule):
    """A rule on text. Other values are written as text first; the empty text is a blank, before and after."""

    def apply(self, value: Value) -> Value | Refusal:
        changed = self.change(as_text(value))
        return changed if isinstance(changed, Refusal) else changed or None

    def change(self, text: str) -> str | Refusal:
        """The text that takes the place of `text`."""
        raise NotImplementedError


def as_text(value: Value) -> str:
    """`value` in the spelling that belongs to no culture (Format of AL with number 9, XML); a blank is ''.

    Decimal("1.50") is 1.5, True is true, a time is 2024-01-31T13:14:15Z with a fraction only where it has one.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return _number_text(value)
    if isinstance(value, datetime):
        return time_text(value)
    return str(value)


def _number_text(number: Decimal) -> str:
    if not number.is_finite() or abs(number.adjusted()) > _WRITTEN_OUT:
        return str(number)
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def time_text(moment: datetime) -> str:
    """`moment` as 2024-01-31T13:14:15Z; one without a time zone is UTC."""
    utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    whole = utc.replace(microsecond=0, tzinfo=None).isoformat()
    fraction = f".{utc.microsecond:06}".rstrip("0") if utc.microsecond else ""
    return f"{whole}{fraction}Z"


def shown(value: Value) -> str:
    """`value` as a sentence quotes it: short, and a blank as a word."""
    text = as_text(value)
    if not text:
        return "a blank"
    return f'"{text}"' if len(text) <= _SHOWN else f'"{text[:_SHOWN]}…" ({len(text):,} characters)'
