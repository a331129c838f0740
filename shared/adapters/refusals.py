"""What both services' refusals have in common: finding the column that a message speaks of."""

from __future__ import annotations

import re
from collections.abc import Mapping

from shared.core.records import Create, Update, Write
from shared.core.tables import Table

_QUOTED = re.compile(r"""(['"])(.+?)\1""")
_FIELD = re.compile(r"\bfield (.+?) of table\b", re.IGNORECASE)
_MUST_HAVE = re.compile(r"^(.+?) must have a value in\b")
_VALUE = re.compile(r"\bValue: (.*)$", re.DOTALL)


def column_named(table: Table, write: Write, message: str, captions: Mapping[str, str]) -> str | None:
    """The column of `table` that the message of a refusal speaks of, or None.

    A message names a column by itself, by its caption (`captions`: from a caption without blanks and signs, in lower
    case, to the column), by its navigation property, or only by the value that was sent.
    """
    quoted = [found[2] for found in _QUOTED.finditer(message)]
    phrases = [found[1] for pattern in (_FIELD, _MUST_HAVE) if (found := pattern.search(message))]
    for phrase in (*quoted, *phrases):
        if name := _by_name(table, phrase, captions):
            return name
    found = _VALUE.search(message)
    return _by_value(write, [*([found[1].strip()] if found else []), *quoted])


def referenced(write: Write, message: str) -> str | None:
    """The column whose value, an id, stands in a message about a row that is not there; None for the row itself."""
    if isinstance(write, Create | Update):
        for name, value in write.values.items():
            if isinstance(value, str) and len(value) == 36 and value in message.lower():
                return name
    return None


def _by_name(table: Table, phrase: str, captions: Mapping[str, str]) -> str | None:
    plain = re.sub(r"\W", "", phrase).lower()
    for column in table.columns:
        if phrase in (column.name, column.navigation) or plain == column.name.lower():
            return column.name
    named = captions.get(plain)
    return named if any(column.name == named for column in table.columns) else None


def _by_value(write: Write, texts: list[str]) -> str | None:
    if not isinstance(write, Create | Update):
        return None
    for text in texts:
        names = [name for name, value in write.values.items() if text and value == text]
        if len(names) == 1:
            return names[0]
    return None
