"""A feed by time of modification, for tables that keep no list of changes: what changed at or after a moment.

A scan pages through the rows by their key, which a change of a row does not move, and only a scan that was completed
moves the moment: to the newest row seen in it. The next scan begins an overlap before it, because a time is stamped
before its transaction commits. Rows are told again, then; deletions are never told.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared.adapters.rows import record_from, selection, shows
from shared.adapters.wire import Row, moment_literal, path_of, query, rows_of
from shared.core.failures import FeedExpired
from shared.core.records import ChangePage
from shared.core.tables import Table

OVERLAP = timedelta(minutes=10)
KIND = "modified"
_VERSION = 1

type Fetch = Callable[[str], Awaitable[Row]]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a feed stands: the last completed scan reached `since`, the present one `newest` and goes on at `next`.

    `select` is what the rows of the scan under way show: a link goes on with the columns it began with.
    """

    select: str
    since: datetime | None = None
    newest: datetime | None = None
    next: str | None = None

    def text(self) -> str:
        """The position as text to store."""
        moments = {"since": _text(self.since), "newest": _text(self.newest)}
        return position_text({"feed": KIND, "select": self.select, **moments, "next": self.next})


def position_text(fields: dict[str, Any]) -> str:
    """A position as text to store, with the version of its shape."""
    return json.dumps({"v": _VERSION, **fields}, separators=(",", ":"))


def read_position(text: str) -> dict[str, Any]:
    """The fields of a stored position. Raises FeedExpired when its shape is not ours: the feed begins again."""
    try:
        fields = json.loads(text)
    except ValueError:
        fields = None
    if not isinstance(fields, dict) or fields.get("v") != _VERSION:
        raise FeedExpired("The stored position of the feed cannot be read.", code="position")
    return fields


async def modified_page(table: Table, columns: Sequence[str], position: str | None, fetch: Fetch) -> ChangePage:
    """The next page of the rows of `table` that changed since `position`; `fetch` answers a path with its page."""
    at = _position(table, columns, position)
    try:
        page = await fetch(at.next or _first(table, at))
    except FeedExpired:
        if at.next is None:
            raise
        # The link died; whatever this scan told stays true, but only a new one can be completed.
        at = replace(at, next=None)
        page = await fetch(_first(table, at))
    records = tuple(record_from(table, columns, row) for row in rows_of(page))
    newest = max(filter(None, [at.newest, *(record.modified_at for record in records)]), default=None)
    link = page.get("@odata.nextLink")
    if isinstance(link, str):
        return ChangePage(records, replace(at, newest=newest, next=path_of(link)).text(), more=True)
    reached = max(filter(None, [at.since, newest]), default=None)
    return ChangePage(records, Position(at.select, since=reached).text(), more=False)


def _first(table: Table, at: Position) -> str:
    condition = f"{table.modified} ge {moment_literal(at.since - OVERLAP)}" if at.since and table.modified else None
    return table.entity_set + query(select=at.select, filter=condition)


def _position(table: Table, columns: Sequence[str], text: str | None) -> Position:
    select = selection(table, columns)
    if text is None:
        return Position(select)
    fields = read_position(text)
    if fields.get("feed") != KIND:
        raise FeedExpired("The stored position belongs to another kind of feed.", side=table.side, code="position")
    at = Position(str(fields.get("select")), _moment(fields.get("since")))
    if fields.get("next") is None or not shows(at.select, select):
        return replace(at, select=select)  # a link cannot be asked for more columns: such a scan begins again
    return replace(at, newest=_moment(fields.get("newest")), next=fields["next"])


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
