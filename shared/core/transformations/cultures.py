"""How cultures write numbers and dates: separators and the order of day, month and year; no names of months.

Read and written are numeric forms only. Two-digit years are 1950 to 2049, as in .NET.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

_SPACES = " \u00a0\u202f"  # the three spaces that systems put between groups of digits
_LONGEST = 64  # characters of a text that can be a number or a time
_ISO_OFFSET = r"(?P<zone>Z|[+-]\d\d:?\d\d)?"
_DATE = re.compile(r"(\d{1,4})\s*[-/.]\s*(\d{1,2})\s*[-/.]\s*(\d{1,4})\.?", re.ASCII)
_TIME = re.compile(
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,7}))?)?"
    rf"\s*(?P<half>[AaPp][Mm])?\s*{_ISO_OFFSET}",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Culture:
    """The spelling of one culture. `order` is of year, month, day; `half_days`: hours count to 12, with AM and PM."""

    decimal: str
    groups: str
    order: str
    separator: str
    half_days: bool = False


CULTURES: dict[str, Culture] = {
    "": Culture(".", ",", "mdy", "/"),  # .NET's invariant culture
    "cs-CZ": Culture(",", _SPACES, "dmy", "."),
    "da-DK": Culture(",", ".", "dmy", "-"),
    "de-AT": Culture(",", "." + _SPACES, "dmy", "."),
    "de-CH": Culture(".", "'’", "dmy", "."),
    "de-DE": Culture(",", ".", "dmy", "."),
    "en-AU": Culture(".", ",", "dmy", "/"),
    "en-CA": Culture(".", ",", "ymd", "-"),
    "en-GB": Culture(".", ",", "dmy", "/"),
    "en-US": Culture(".", ",", "mdy", "/", half_days=True),
    "es-ES": Culture(",", ".", "dmy", "/"),
    "fi-FI": Culture(",", _SPACES, "dmy", "."),
    "fr-FR": Culture(",", _SPACES, "dmy", "/"),
    "it-IT": Culture(",", ".", "dmy", "/"),
    "nb-NO": Culture(",", _SPACES, "dmy", "."),
    "nl-NL": Culture(",", ".", "dmy", "-"),
    "pl-PL": Culture(",", _SPACES, "dmy", "."),
    "sv-SE": Culture(",", _SPACES, "ymd", "-"),
}


def known(name: str) -> str:
    """`name`, if it is the name of a culture known here. Raises ValueError with a sentence."""
    if name not in CULTURES:
        raise ValueError(f"the culture {name} is not known; known are {', '.join(filter(None, CULTURES))}")
    return name


def read_number(text: str, culture: str = "") -> Decimal | None:
    """The number that `text` spells, or None. Groups have three digits: 1.5 in da-DK is none, where .NET reads 15."""
    spelling = CULTURES[culture]
    group, decimal = f"[{re.escape(spelling.groups)}]", re.escape(spelling.decimal)
    number = text.strip()
    if len(number) > _LONGEST:
        return None
    whole = rf"(?P<whole>[0-9]{{1,3}}(?:{group}[0-9]{{3}})+|[0-9]*)"
    found = re.fullmatch(rf"(?P<sign>[+-]?){whole}(?:{decimal}(?P<part>[0-9]*))?(?P<after>-?)", number)
    if found is None or not (found["whole"] or found["part"]) or (found["sign"] and found["after"]):
        return None
    digits = "".join(filter(str.isdigit, found["whole"]))
    return Decimal(f"{found['sign'] or found['after']}{digits or 0}.{found['part'] or 0}")


def write_number(text: str, culture: str) -> str:
    """A number in the standard spelling as `culture` writes it, without groups."""
    return text.replace(".", CULTURES[culture].decimal)


def read_time(text: str, culture: str) -> datetime | None:
    """The date, with or without a time, that `text` spells, or None. Without a time zone it is UTC.

    Slash, hyphen and point all separate; a year of four digits in front is followed by month and day in any culture.
    """
    found = _DATE.match(text.strip()) if len(text) <= _LONGEST else None
    if found is None:
        return None
    rest = text.strip()[found.end() :]
    clock = _TIME.fullmatch(rest.removeprefix("T").lstrip()) if rest else None
    if rest and (clock is None or rest[0] not in "T "):
        return None
    order = "ymd" if len(found[1]) > 2 else CULTURES[culture].order
    parts = dict(zip(order, found.groups(), strict=True))
    return moment(parts, clock.groupdict() if clock else {})


def moment(date: dict[str, str], clock: dict[str, str | None]) -> datetime | None:
    """The time made of year `y`, month `m`, day `d` and what the clock shows, or None if there is no such time."""
    year, hour = date["y"], int(clock.get("hour") or 0)
    if len(year) not in (2, 4):
        return None
    century = 0 if len(year) == 4 else 2000 if int(year) < 50 else 1900
    if half := clock.get("half"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.lower() == "pm" else 0)
    fraction = (clock.get("fraction") or "")[:6].ljust(6, "0")
    minute, second = int(clock.get("minute") or 0), int(clock.get("second") or 0)
    try:
        local = datetime(
            century + int(year), int(date["m"]), int(date["d"]), hour, minute, second, int(fraction), tzinfo=UTC
        )
        return local - _offset(clock.get("zone"))
    except (ValueError, OverflowError):
        return None


def _offset(zone: str | None) -> timedelta:
    if not zone or zone == "Z":
        return timedelta()
    sign = -1 if zone.startswith("-") else 1
    return sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))


def date_format(culture: str) -> str:
    """The format (see `data_formats`) in which `culture` writes a date."""
    spelling = CULTURES[culture]
    names = {"y": "yyyy", "m": "MM", "d": "dd"}
    return f"'{spelling.separator}'".join(names[part] for part in spelling.order)


def time_format(culture: str) -> str:
    """The format in which `culture` writes a date and a time."""
    clock = "h:mm:ss tt" if CULTURES[culture].half_days else "HH:mm:ss"
    return f"{date_format(culture)} {clock}"
