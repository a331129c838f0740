"""Filters that find rows by many values of one column, in as many pieces as fit into URLs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import quote

from shared.adapters.rows import column_of, wire_name
from shared.adapters.wire import text_literal
from shared.core.tables import ColumnKind, Table

_OR = " or "


def equal_to_any(table: Table, column: str, values: Sequence[str], *, most: int, longest: int) -> list[str]:
    """Filters that together match every row whose column equals one of the values.

    Each has at most `most` conditions, joined by `or`, and is at most `longest` characters long once encoded.
    """
    name, kind = wire_name(table, column), column_of(table, column).kind
    bare = kind in (ColumnKind.GUID, ColumnKind.LOOKUP)
    conditions = [f"{name} eq {value if bare else text_literal(value)}" for value in dict.fromkeys(values)]
    return [_OR.join(piece) for piece in _pieces(conditions, most, longest)]


def _pieces(conditions: Iterable[str], most: int, longest: int) -> Iterable[list[str]]:
    piece: list[str] = []
    length = 0
    for condition in conditions:
        size = len(quote(condition)) + len(quote(_OR))
        if piece and (len(piece) >= most or length + size > longest):
            yield piece
            piece, length = [], 0
        piece.append(condition)
        length += size
    if piece:
        yield piece
