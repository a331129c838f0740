"""A feed by time of modification, for tables that keep no list of changes: what changed at or after a moment.

A scan pages through the rows by their key, which a change of a row does not move, and only a scan that was completed
moves the moment. Deletions are never told.

**What is told once.** Scans overlap, so that none misses a row. The rows of a short scan are remembered, by id and
version: the next scan does not tell them again.

**Where the next scan begins.** A row's time is stamped when it is modified, and the row is seen once its transaction
has committed: a scan may miss a stamp that is older than itself, by as long as a transaction lasts. (A request of
Business Central ends after 8 minutes: page "Operational limits".) So the next scan begins at the later of

- the newest row that was seen, less OVERLAP. This alone would do, and tells the same newest rows for ever;
- the moment at which the completed scan began, less MARGIN. Whatever was stamped after that comes in the next scan;
  what was stamped before that had committed when the scan read: the margin holds the longest request, the two minutes
  that the first page may take until it is answered, and some minutes between the clocks of the service's machines.

That moment is the service's own (the Date of the first answer); ours is never asked. It says nothing about a replica,
which may lag by any time. So only scans that read the primary have one: all but those that read the whole table, which
a replica serves, and after which the newest row that it had shown is what counts.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, NamedTuple

from shared.adapters.rows import record_reader, selection, shows
from shared.adapters.wire import Row, moment_literal, next_link, query, rows_of
from shared.core.failures import FeedExpired
from shared.core.records import ChangePage, Record
from shared.core.tables import Table

OVERLAP = timedelta(minutes=10)
MARGIN = timedelta(minutes=15)
MOST_TOLD = 200  # rows that are remembered: a position is stored often
KIND = "modified"
_VERSION = 1
_MOMENTS = ("since", "scanned", "begun", "newest")


class Dated(NamedTuple):
    """An answer, and when the service says that it gave it."""

    page: Row
    date: datetime | None


type Fetch = Callable[[str, bool], Awaitable[Dated]]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a feed stands: the completed scans reached `since`, the last of them began at `scanned`.

    The present one began at `begun`, has reached `newest` and goes on at `next`. `select` is what its rows show: a link
    goes on with the columns it began with. `told` stands for the rows of the last completed scan, if they were few.
    """

    select: str
    since: datetime | None = None
    scanned: datetime | None = None
    begun: datetime | None = None
    newest: datetime | None = None
    next: str | None = None
    told: frozenset[str] = frozenset()

    @property
    def start(self) -> datetime | None:
        """Where the next scan begins; None: with every row."""
        if self.since is None:
            return None
        overlapping = self.since - OVERLAP
        return max(overlapping, self.scanned - MARGIN) if self.scanned else overlapping

    def text(self) -> str:
        """The position as text to store."""
        moments = {name: getattr(self, name) for name in _MOMENTS}
        given = {name: moment.isoformat() for name, moment in moments.items() if moment is not None}
        told = {"told": sorted(self.told)} if self.told else {}
        return position_text({"feed": KIND, "select": self.select, **given, "next": self.next, **told})


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
    """The next page of the rows of `table` that changed since `position`.

    `fetch(path, latest)` answers a path with its page, from the primary where `latest`.
    """
    at = _position(table, columns, position)
    latest, is_first = at.since is not None, at.next is None
    try:
        page, date = await fetch(at.next or _first(table, at), latest)
    except FeedExpired:
        if at.next is None:
            raise
        # The link died; whatever this scan told stays true, but only a new one can be completed.
        at, is_first = replace(at, next=None), True
        page, date = await fetch(_first(table, at), latest)
    if at.next is None:
        at = replace(at, begun=date if latest else None)
    record_of = record_reader(table, columns)
    records = tuple([record_of(row) for row in rows_of(page, table.side)])
    moments = [record.modified_at for record in records if record.modified_at is not None]
    newest = _latest(at.newest, max(moments, default=None))
    news = tuple([one for one in records if _version(one) not in at.told]) if at.told else records
    link = next_link(page, at.next or "", table.side)
    if link is not None:
        return ChangePage(news, replace(at, newest=newest, next=link).text(), more=True)
    after = Position(
        at.select,
        since=_latest(at.since, newest),
        scanned=_latest(at.scanned, at.begun),
        told=frozenset(map(_version, records)) if is_first and len(records) <= MOST_TOLD else frozenset(),
    )
    return ChangePage(news, after.text(), more=False)


async def modified_news(table: Table, position: str | None, fetch: Fetch) -> bool:
    """Whether a row was modified after the newest that a completed scan has seen."""
    at = _stored(position)
    if at is None or at.next is not None or not table.modified:
        return True
    condition = f"{table.modified} gt {moment_literal(at.since)}" if at.since else None
    options = query(select=selection(table, []), filter=condition, orderby=f"{table.modified} desc", top="1")
    try:
        page, _ = await fetch(table.entity_set + options, True)
    except FeedExpired:
        return True
    read = record_reader(table, [])
    moments = [read(row).modified_at for row in rows_of(page, table.side)]
    # The filter has milliseconds, what is stored may have more: the newest row itself may come back.
    return any(moment is None or at.since is None or moment > at.since for moment in moments)


def is_settled(position: str | None) -> bool:
    """Whether no row can turn up any more whose time is not after the newest that was seen; see MARGIN."""
    at = _stored(position)
    if at is None or at.next is not None:
        return False
    return at.since is None or (at.scanned is not None and at.scanned - at.since >= MARGIN)


def _version(record: Record) -> str:
    """A version of a row in few characters."""
    text = f"{record.id} {record.etag} {record.modified_at}"
    return b64encode(blake2b(text.encode(), digest_size=9).digest()).decode()


def _first(table: Table, at: Position) -> str:
    start = at.start
    condition = f"{table.modified} ge {moment_literal(start)}" if start and table.modified else None
    return table.entity_set + query(select=at.select, filter=condition)


def _position(table: Table, columns: Sequence[str], text: str | None) -> Position:
    select = selection(table, columns)
    if text is None:
        return Position(select)
    fields = read_position(text)
    if fields.get("feed") != KIND:
        raise FeedExpired("The stored position belongs to another kind of feed.", side=table.side, code="position")
    at = _position_of(fields)
    if not shows(at.select, select):
        # A link cannot be asked for more columns: such a scan begins again. Nobody has been told of them, either.
        return replace(at, select=select, next=None, told=frozenset())
    return at if at.next is not None else replace(at, select=select)


def _stored(text: str | None) -> Position | None:
    """A stored position as it is; None where it is none of this kind."""
    try:
        fields = read_position(text or "")
    except FeedExpired:
        return None
    if fields.get("feed") != KIND:
        return None
    return _position_of(fields)


def _position_of(fields: dict[str, Any]) -> Position:
    moments = {name: _moment(fields.get(name)) for name in _MOMENTS}
    told = frozenset(fields.get("told") or ())
    return Position(str(fields.get("select")), **moments, next=fields.get("next"), told=told)


def _latest(*moments: datetime | None) -> datetime | None:
    return max(filter(None, moments), default=None)


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
