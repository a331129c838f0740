"""Rows by a template: any number of them, each from its number `n` alone, so that a bench can work out the same values.

A value of a template is the same in every row, unless it is a text with `{n}` in it (a Python format field, such as
`{n:06d}` or `{n:08x}`) or one of these objects:

    {"text": "C{n:05d}"}                                      the same as the bare text
    {"cycle": ["Berlin", "Hamburg"]}                          one after the other
    {"number": 1000, "step": 10}                              1000 + 10 n
    {"moment": "2025-01-01T00:00:00Z", "step_ms": 1000}       n seconds after a moment

Each of them may also have `divide` and `modulo`: then n is `n // divide % modulo`, as in the company of a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.local.simulator.wrong_body import (
    WrongBodyError,
    a_list,
    a_number,
    a_text,
    a_whole_number,
    an_object,
    known_fields,
)

Row = dict[str, Any]
Maker = Callable[[int], Any]
_SHARED = {"divide", "modulo"}


@dataclass(frozen=True)
class Template:
    """What all rows have, and what is made for each of them."""

    fixed: Mapping[str, Any]
    varying: tuple[tuple[str, Maker], ...]

    def row(self, n: int) -> Row:
        """Answer the row of a number."""
        row = dict(self.fixed)
        for name, make in self.varying:
            row[name] = make(n)
        return row

    def rows(self, numbers: range) -> Iterator[Row]:
        """Answer the rows of some numbers."""
        return map(self.row, numbers)


def template_from(body: object, where: str) -> Template:
    """Read a template from JSON, and try it; raises WrongBodyError."""
    values = an_object(body, where)
    makers = {name: _maker(value, f"{where}.{name}") for name, value in values.items()}
    fixed = {name: values[name] for name, make in makers.items() if make is None}
    return Template(fixed, tuple((name, make) for name, make in makers.items() if make is not None))


def _maker(value: Any, where: str) -> Maker | None:
    if isinstance(value, str):
        return _text(value, where) if "{n" in value else None
    if not isinstance(value, dict):
        return None
    kind = next((name for name in _KINDS if name in value), None)
    if kind is None:
        raise WrongBodyError(where, f"must have one of {', '.join(_KINDS)}")
    fields, read = _KINDS[kind]
    known_fields(value, {kind, *fields, *_SHARED}, f"{where}.")
    return _of_part(read(value, where), value, where)


def _of_part(make: Maker, value: Mapping[str, Any], where: str) -> Maker:
    divide = a_whole_number(value.get("divide", 1), f"{where}.divide", least=1)
    modulo = a_whole_number(value.get("modulo", 0), f"{where}.modulo")
    if modulo:
        return lambda n: make(n // divide % modulo)
    return make if divide == 1 else lambda n: make(n // divide)


def _text(text: str, where: str) -> Maker:
    try:
        text.format(n=0)
    except (LookupError, ValueError, AttributeError) as error:
        raise WrongBodyError(where, f"is no format with n alone: {error!r}") from error
    return lambda n: text.format(n=n)


def _cycle(value: Mapping[str, Any], where: str) -> Maker:
    listed = a_list(value["cycle"], f"{where}.cycle")
    if not listed:
        raise WrongBodyError(f"{where}.cycle", "must not be empty")
    return lambda n: listed[n % len(listed)]


def _number(value: Mapping[str, Any], where: str) -> Maker:
    first = a_number(value["number"], f"{where}.number")
    step = a_number(value.get("step", 1), f"{where}.step")
    return lambda n: first + step * n


def _moment(value: Mapping[str, Any], where: str) -> Maker:
    text = a_text(value["moment"], f"{where}.moment")
    step = a_number(value.get("step_ms", 0), f"{where}.step_ms")
    try:
        first = datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as error:
        raise WrongBodyError(f"{where}.moment", "is no date-time") from error
    return lambda n: (first + timedelta(milliseconds=step * n)).isoformat(timespec="milliseconds")[:23] + "Z"


_KINDS: dict[str, tuple[set[str], Callable[[Mapping[str, Any], str], Maker]]] = {
    "text": (set(), lambda value, where: _text(a_text(value["text"], f"{where}.text"), f"{where}.text")),
    "cycle": (set(), _cycle),
    "number": ({"step"}, _number),
    "moment": ({"step_ms"}, _moment),
}
