"""Data Format of the formatting rules: the numeric part of .NET's custom date and time formats.

Known are yyyy yy, MM M, dd d, HH H hh h, mm m, ss s, f to ffffff, tt, texts in quotes and characters behind a
backslash. Other characters stand for themselves, letters included where .NET gives them no meaning (the T in
yyyy-MM-ddTHH:mm). Names of days and months, eras, time zones and standard formats of one letter are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from shared.core.transformations.cultures import moment

_TOKEN = re.compile(
    r"'(?P<quoted>[^']*)'|\"(?P<double>[^\"]*)\"|\\(?P<escaped>.)|(?P<field>([dfFghHKmMstyz])\5*)|(?P<plain>.)",
    re.DOTALL,
)
_FIELDS: dict[str, tuple[str, str]] = {  # field: what it is of a moment, and the digits it reads
    "yyyy": ("y", r"\d{4}"),
    "yy": ("y", r"\d{2}"),
    "MM": ("m", r"\d{2}"),
    "M": ("m", r"\d{1,2}"),
    "dd": ("d", r"\d{2}"),
    "d": ("d", r"\d{1,2}"),
    "HH": ("hour", r"\d{2}"),
    "H": ("hour", r"\d{1,2}"),
    "hh": ("hour", r"\d{2}"),
    "h": ("hour", r"\d{1,2}"),
    "mm": ("minute", r"\d{2}"),
    "m": ("minute", r"\d{1,2}"),
    "ss": ("second", r"\d{2}"),
    "s": ("second", r"\d{1,2}"),
    "tt": ("half", "[AaPp][Mm]"),
    **{"f" * count: ("fraction", rf"\d{{{count}}}") for count in range(1, 7)},
}


@dataclass(frozen=True, slots=True)
class DataFormat:
    """A format ready to read and write by. `tokens` are pairs of field and literal text, one of them empty."""

    tokens: tuple[tuple[str, str], ...]
    pattern: re.Pattern[str]

    def read(self, text: str) -> datetime | None:
        """The time that `text` spells exactly, in UTC, or None. Without a time it is midnight."""
        found = self.pattern.fullmatch(text)
        if found is None:
            return None
        parts = {"m": "1", "d": "1", **found.groupdict()}
        return moment(parts, dict(parts))

    def write(self, time: datetime) -> str:
        """`time` in this format."""
        return "".join(_written(field, time) if field else literal for field, literal in self.tokens)


@lru_cache(maxsize=128)
def parse_format(text: str) -> DataFormat:
    """Read a data format. Raises ValueError with a sentence."""
    if len(text) == 1:
        raise ValueError(f"{text} is a standard format, which is not supported; write it out, as in yyyy-MM-dd")
    tokens = tuple(_token(found) for found in _TOKEN.finditer(text))
    fields = [_FIELDS[field][0] for field, _ in tokens if field]
    if "y" not in fields:
        raise ValueError(f"the format {text} has no year (yyyy or yy)")
    for part in fields:
        if fields.count(part) > 1:
            raise ValueError(f"the format {text} says one part of a date or time twice")
    if ("half" in fields) != any(field in ("h", "hh") for field, _ in tokens):
        raise ValueError(f"the format {text} needs tt with h, and h with tt; hours up to 23 are H")
    pattern = "".join(_read_by(field) if field else re.escape(literal) for field, literal in tokens)
    return DataFormat(tokens, re.compile(pattern, re.ASCII))


def _token(found: re.Match[str]) -> tuple[str, str]:
    field = found["field"]
    if field is None:
        return "", next(part for part in found.group("quoted", "double", "escaped", "plain") if part is not None)
    if field not in _FIELDS:
        raise ValueError(f"the format has {field}, which is not supported; put letters that mean themselves in quotes")
    return field, ""


def _read_by(field: str) -> str:
    part, digits = _FIELDS[field]
    return f"(?P<{part}>{digits})"


def _written(field: str, time: datetime) -> str:
    if field == "tt":
        return "AM" if time.hour < 12 else "PM"
    if field.startswith("f"):
        return f"{time.microsecond:06}"[: len(field)]
    numbers = {
        "y": time.year if field == "yyyy" else time.year % 100,
        "M": time.month,
        "d": time.day,
        "H": time.hour,
        "h": (time.hour - 1) % 12 + 1,
        "m": time.minute,
        "s": time.second,
    }
    return str(numbers[field[0]]).zfill(len(field))
