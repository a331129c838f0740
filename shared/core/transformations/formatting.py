"""Rules on numbers, dates and times.

Microsoft's formatting rules read a text in a format or culture and write it in the standard spelling (XML: 1234.5,
2024-01-31, 2024-01-31T13:14:15Z). `reverse` is ours: from the standard spelling to the format or culture, so that a
Bidirectional line can have both ways. Values that are numbers or times already are never read again by a culture.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, localcontext
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from shared.core.tables import Value
from shared.core.transformations import cultures
from shared.core.transformations.data_formats import DataFormat, parse_format
from shared.core.transformations.rule import Refusal, Rule, as_text, shown, time_text

_SAMPLE = datetime(2024, 1, 31, 13, 14, 15, tzinfo=UTC)
_STANDARD_TIMES = ("yyyy-MM-ddTHH:mm:ssZ", "yyyy-MM-ddTHH:mm:ss.fffZ", "yyyy-MM-ddTHH:mm:ss.ffffffZ", "yyyy-MM-dd")
_MOST_DIGITS = 28  # of a .NET decimal, before and behind the point

type CultureName = Annotated[str, AfterValidator(cultures.known)]


class _TimeRule(Rule):
    """Exactly one of `data_format` and `data_formatting_culture` says how the text is written.

    A text that cannot be read is kept as it is (Microsoft's behaviour): the destination decides what to make of it.
    """

    data_format: str = Field(default="", max_length=100)
    data_formatting_culture: CultureName = ""
    reverse: bool = False

    @model_validator(mode="after")
    def _one_format(self) -> Self:
        if bool(self.data_format) == bool(self.data_formatting_culture):
            raise ValueError("give data_format or data_formatting_culture, and not both")
        if self.data_format:
            parse_format(self.data_format)
        return self

    def apply(self, value: Value) -> Value | Refusal:
        time = value if isinstance(value, datetime) else self._read(as_text(value))
        if time is None:
            return value
        if time.tzinfo is None:
            time = time.replace(tzinfo=UTC)
        return self._format().write(time.astimezone(UTC)) if self.reverse else self._standard(time)

    def examples(self) -> tuple[Value, ...]:
        return (self._standard(_SAMPLE) if self.reverse else self._format().write(_SAMPLE),)

    def _read(self, text: str) -> datetime | None:
        if self.reverse:
            times = (parse_format(standard).read(text) for standard in _STANDARD_TIMES)
            return next((time for time in times if time is not None), None)
        if self.data_format:
            return parse_format(self.data_format).read(text)
        return cultures.read_time(text, self.data_formatting_culture)

    def _format(self) -> DataFormat:
        return parse_format(self.data_format or self._culture_format(self.data_formatting_culture))

    def _culture_format(self, culture: str) -> str:
        raise NotImplementedError

    def _standard(self, time: datetime) -> str:
        raise NotImplementedError


class DateFormatting(_TimeRule):
    """A date as yyyy-MM-dd. A time of day is left out; of a time with a zone it is the date in UTC."""

    type: Literal["Date Formatting"] = "Date Formatting"

    def _culture_format(self, culture: str) -> str:
        return cultures.date_format(culture)

    def _standard(self, time: datetime) -> str:
        return time.date().isoformat()


class DateTimeFormatting(_TimeRule):
    """A date and time as yyyy-MM-ddTHH:mm:ssZ. One without a time zone is taken as UTC."""

    type: Literal["Date and Time Formatting"] = "Date and Time Formatting"

    def _culture_format(self, culture: str) -> str:
        return cultures.time_format(culture)

    def _standard(self, time: datetime) -> str:
        return time_text(time)


class DecimalFormatting(Rule):
    """A number written by the culture (none: point, and commas between groups) in the standard spelling, as 1234.5.

    A text that is no number is refused (Microsoft's rule writes 0 for it).
    """

    type: Literal["Decimal Formatting"] = "Decimal Formatting"
    data_formatting_culture: CultureName = ""
    reverse: bool = False

    def apply(self, value: Value) -> Value | Refusal:
        number = _number(value, "" if self.reverse else self.data_formatting_culture)
        if number is None or isinstance(number, Refusal):
            return number
        return cultures.write_number(as_text(number), self.data_formatting_culture) if self.reverse else as_text(number)

    def examples(self) -> tuple[Value, ...]:
        return ("1234.5" if self.reverse else cultures.write_number("1234.5", self.data_formatting_culture),)


class Round(Rule):
    """A number as the multiple of `precision` that is nearest (a half goes up), or next up or down.

    Up and down are away from zero and towards it: -1.1 rounds up to -2 (AL method Round). A Decimal stays one; an int
    stays one where the result is whole; a text holds a number in the standard spelling and stays a text.
    """

    type: Literal["Round"] = "Round"
    precision: Decimal = Field(gt=0, max_digits=20, decimal_places=10)
    direction: Literal["nearest", "up", "down"] = "nearest"
    always_loses: ClassVar[bool] = True

    def apply(self, value: Value) -> Value | Refusal:
        number = _number(value, "")
        if number is None or isinstance(number, Refusal):
            return number
        rounded = self._rounded(number)
        if isinstance(value, str):
            return as_text(rounded)
        return int(rounded) if isinstance(value, int) and rounded == rounded.to_integral_value() else rounded

    def _rounded(self, number: Decimal) -> Decimal:
        with localcontext(prec=4 * _MOST_DIGITS):
            steps, rest = divmod(abs(number), self.precision)
            if self.direction == "up":
                steps += bool(rest)
            elif self.direction == "nearest":
                steps += 2 * rest >= self.precision
            return (steps * self.precision).copy_sign(number) + 0

    def examples(self) -> tuple[Value, ...]:
        between = self.precision + self.precision / 4
        return (between, as_text(between))


def _number(value: Value, culture: str) -> Decimal | Refusal | None:
    """The number that `value` is or spells; None for a blank."""
    if isinstance(value, (bool, datetime)):
        return Refusal(f"{shown(value)} is not a number.")
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    number = cultures.read_number(value, culture) if isinstance(value, str) else Decimal(value)
    if number is None or not number.is_finite():
        return Refusal(f"{shown(value)} is not a number{_as_written_in(culture)}.")
    if number.adjusted() >= _MOST_DIGITS or int(number.as_tuple().exponent) < -2 * _MOST_DIGITS:
        return Refusal(f"{shown(value)} has more digits than a number may have.")
    return number


def _as_written_in(culture: str) -> str:
    return f" as {culture} writes one" if culture else ""
