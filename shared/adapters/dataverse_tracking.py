"""Dataverse's change tracking (page "Use change tracking to synchronize data with external systems") as a feed.

The links are opaque and kept as they came. Where tracking is not enabled for a table, the feed goes by time of
modification instead and tells no deletions; its positions say so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from shared.adapters.dataverse_errors import NOT_TRACKED
from shared.adapters.feeds import KIND, Dated, modified_news, modified_page, position_text, read_position
from shared.adapters.feeds import is_settled as is_modified_settled
from shared.adapters.rows import record_reader, selection, shows
from shared.adapters.wire import Explained, Row, next_link, path_of, query, rows_of
from shared.core.failures import FeedExpired, NeedsPerson
from shared.core.records import ChangePage
from shared.core.tables import Table

_TRACKING = "tracking"
_REFUSED_LINK = {NOT_TRACKED, "0x80040203"}  # tracking was switched off; InvalidArgument: the token is none (any more)

type Get = Callable[[str, Mapping[str, str]], Awaitable[Dated]]


async def changed_page(
    table: Table, columns: Sequence[str], position: str | None, page_size: int, get: Get
) -> ChangePage:
    """The next page of a table's changes; `get` answers a path with the JSON there. Raises FeedExpired."""
    # The page size is not remembered from page to page. No annotations: with them the delta link stays away.
    paging = {"Prefer": f"odata.maxpagesize={page_size}"}

    async def fetch(path: str, latest: bool) -> Dated:
        return await get(path, paging)

    if position is not None and read_position(position).get("feed") == KIND:
        return await modified_page(table, columns, position, fetch)
    try:
        return await _tracked_page(table, columns, position, paging, get)
    except NeedsPerson as failure:
        if position is not None and failure.code in _REFUSED_LINK:
            raise FeedExpired(str(failure), side=table.side, code=failure.code) from failure
        if failure.code != NOT_TRACKED:
            raise
        return await modified_page(table, columns, None, fetch)


async def has_changed(table: Table, position: str | None, get: Get) -> bool:
    """Whether a table has changes beyond a position; the link stays as good as it was."""
    paging = {"Prefer": "odata.maxpagesize=1"}

    async def fetch(path: str, latest: bool) -> Dated:
        return await get(path, paging)

    if _is_modified(position):
        return await modified_news(table, position, fetch)
    try:
        _, link = _select_and_link(table, selection(table, []), position or "")
        page, _ = await get(link, paging)
    except FeedExpired:
        return True
    except NeedsPerson as failure:
        if failure.code not in _REFUSED_LINK:
            raise
        return True
    return bool(_rows(page, table, position)) or isinstance(page.get("@odata.nextLink"), str)


def is_settled(position: str | None) -> bool:
    """Whether `has_changed` tells all that the feed would tell: change tracking does, times of modification may not."""
    return is_modified_settled(position) if _is_modified(position) else position is not None


def _is_modified(position: str | None) -> bool:
    try:
        return position is not None and read_position(position).get("feed") == KIND
    except FeedExpired:
        return False


async def _tracked_page(
    table: Table, columns: Sequence[str], position: str | None, paging: Mapping[str, str], get: Get
) -> ChangePage:
    link: str | None = None
    if position is None:
        select = selection(table, columns)
        tracking = {"Prefer": f"odata.track-changes,{paging['Prefer']}"}
        page, _ = await get(table.entity_set + query(select=select), tracking)
    else:
        select, link = _select_and_link(table, selection(table, columns), position)
        page, _ = await get(link, paging)
    following = next_link(page, link or "", table.side)
    return _page(table, columns, page, select, position, following)


def _select_and_link(table: Table, wanted: str, position: str) -> tuple[str, str]:
    fields = read_position(position)
    select, link = fields.get("select"), fields.get("link")
    if fields.get("feed") != _TRACKING or not isinstance(link, str) or not shows(select, wanted):
        # The columns are part of the link: more columns need another feed.
        raise FeedExpired(f"The feed of {table.name} shows other columns.", side=table.side, code="position")
    return str(select), link


def _page(
    table: Table, columns: Sequence[str], page: Row, select: str, position: str | None, following: str | None
) -> ChangePage:
    rows = _rows(page, table, position)
    deleted = tuple(str(row.get("id", "")).lower() for row in rows if _is_deleted(row))
    record_of = record_reader(table, columns)
    records = tuple([record_of(row) for row in rows if not _is_deleted(row)])
    delta = page.get("@odata.deltaLink")
    link = following or delta
    if isinstance(link, str):
        fields = {"feed": _TRACKING, "select": select, "link": path_of(link)}
        return ChangePage(records, position_text(fields), following is not None, deleted)
    if position is not None and not rows:
        return ChangePage((), position, more=False)  # nothing changed: the link of last time stays good
    raise Explained(
        f"Dataverse's last page of the changes of {table.name} names no place to go on from.",
        "Look whether something between the app and Dataverse rewrites the answers.",
        side=table.side,
        code="delta_link",
    )


def _rows(page: Row, table: Table, position: str | None) -> list[Row]:
    """The rows of a page. No changes may be told by an object without any: so the page on change tracking says."""
    is_empty = position is not None and all(name.startswith("@odata.") for name in page)
    return [] if is_empty else rows_of(page, table.side)


def _is_deleted(row: Row) -> bool:
    return str(row.get("@odata.context", "")).endswith("/$deletedEntity") or row.get("reason") == "deleted"
