"""A column in a few words: how a configuration file tells what a mapping was made for, and how two are compared."""

from __future__ import annotations

from shared.core.tables import Column


def words_of(column: Column) -> str:
    """Everything about a column on which the transfer of its values depends: `text 20, new rows only`."""
    kind = column.kind.value if column.max_length is None else f"{column.kind} {column.max_length}"
    target = f" of {one}" if (one := column.target or column.target_set) else ""
    choices = [*(f"{value} {label}" for value, label in sorted(column.options.items())), *column.members]
    among = f" ({', '.join(choices)})" if choices else ""
    writing = ", read-only" if column.read_only else ", new rows only" if column.create_only else ""
    return f"{kind}{target}{among}{writing}"
