"""Change tracking: all rows first, then, from a delta link on, what has changed since.

A token holds the version up to which its reader knows everything. Rows come in the order of their versions, deletions
last; what changes while the pages are read is left to the next delta (page "Use change tracking to synchronize data").
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.local.dataverse.errors import Refusal, not_allowed, wrong_argument
from infra.local.dataverse.query.collection import context
from infra.local.dataverse.query.cookie import Cookie, encoded, inner_cookie, read_skip_token, skip_token
from infra.local.dataverse.query.options import Options
from infra.local.dataverse.query.selection import selection_for
from infra.local.dataverse.schema.model import Kind, Table
from infra.local.dataverse.session import Session

_FORBIDDEN = ("$filter", "$orderby", "$expand", "$top", "$apply")
_TOKEN_DATE = "%m/%d/%Y %H:%M:%S"


@dataclass(frozen=True)
class _Window:
    """Versions from `since` (excluded) to `until` (included)."""

    since: int
    until: int


def is_tracking(session: Session, options: Options) -> bool:
    """Tell whether a read of a collection is one of change tracking."""
    if "$deltatoken" in options or session.preferences.track_changes:
        return True
    return 'istracking="True"' in options["$skiptoken"]


def read_changes(session: Session, table: Table, options: Options, address: str) -> dict[str, Any]:
    """Answer one page of the rows, or of the changes; the last one has the delta link. Raises Refusal."""
    _check(session, table, options)
    reader = _Reader(session, table, options, address)
    if "$skiptoken" in options:
        return reader.next_page(options["$skiptoken"])
    if "$deltatoken" in options:
        return reader.changes(_Window(_version_in(session, options["$deltatoken"]), session.storage.version), None)
    return reader.all_rows(session.storage.version, None)


def present_link(session: Session, table: Table, options: Options) -> str:
    """Answer the delta link that a reader would have now who has read all rows. Raises Refusal."""
    _check(session, table, options)
    return _Reader(session, table, options, table.set_name).delta_link(session.storage.version)


def count_changes(session: Session, table: Table, options: Options) -> int:
    """Answer how many rows have changed or gone since a token."""
    _check(session, table, options)
    since = _version_in(session, options["$deltatoken"])
    changed = session.storage.one(f'SELECT count(*) FROM "{table.name}" WHERE versionnumber > ?', [since])
    gone = session.storage.one("SELECT count(*) FROM deleted WHERE entity = ? AND version > ?", [table.name, since])
    return int(changed[0] if changed else 0) + int(gone[0] if gone else 0)


def tracks(session: Session, table: Table) -> bool:
    """Tell whether change tracking is enabled for a table."""
    return table.change_tracking and table.name not in session.settings.untracked


def _check(session: Session, table: Table, options: Options) -> None:
    session.may("read", table)
    if not tracks(session, table):
        raise Refusal(400, "0x80072491", f"Change tracking is not enabled for the entity {table.name}.")
    for name in _FORBIDDEN:
        if name in options:
            raise not_allowed(f'The "{name}" query parameter isn\'t supported when Change Tracking is enabled.')


class _Reader:
    def __init__(self, session: Session, table: Table, options: Options, address: str) -> None:
        self._session = session
        self._table = table
        self._options = options
        self._address = address
        self._size = session.preferences.page_size
        self._selection = selection_for(table, options["$select"], session.preferences)

    def next_page(self, token: str) -> dict[str, Any]:
        """Go on where a page ended."""
        cookie = read_skip_token(token, [Kind.STRING])
        marks = cookie.marks
        if "start" in marks:
            return self.all_rows(int(marks["start"]), cookie)
        return self.changes(_Window(int(marks["since"]), int(marks["until"])), cookie)

    def all_rows(self, start: int, cookie: Cookie | None) -> dict[str, Any]:
        """The first synchronization: every row, in the order of the ids."""
        last = cookie.last[0] if cookie else ""
        found = self._rows(f't."{self._table.id}" > ?', f't."{self._table.id}"', [last], self._size + 1)
        page = found[: self._size]
        body = self._body([self._selection.row(values) for values in page])
        if len(found) > len(page):
            return self._with_next(body, cookie, self._table.id, page[-1][0], start=str(start))
        return self._with_delta(body, start)

    def changes(self, window: _Window, cookie: Cookie | None) -> dict[str, Any]:
        """What has changed within the window: rows, then deletions."""
        in_deletions = cookie is not None and cookie.marks.get("part") == "deleted"
        after = int(cookie.last[0]) if cookie else window.since
        rows = [] if in_deletions else self._changed(after, window.until)
        page: list[dict[str, Any]] = [self._selection.row(values) for values in rows[: self._size]]
        marks = {"since": str(window.since), "until": str(window.until)}
        if len(rows) > self._size:
            return self._with_next(self._body(page), cookie, "versionnumber", rows[self._size - 1][1], **marks)
        room = self._size - len(page)
        gone = self._gone(after if in_deletions else window.since, window.until, room + 1)
        page += [self._deletion(row_id) for row_id, _ in gone[:room]]
        if len(gone) > room:
            last = gone[room - 1][1] if room else window.since
            return self._with_next(self._body(page), cookie, "versionnumber", last, part="deleted", **marks)
        return self._with_delta(self._body(page), window.until)

    def _changed(self, after: Any, until: int) -> list[tuple[Any, ...]]:
        where = "t.versionnumber > ? AND t.versionnumber <= ?"
        return self._rows(where, "t.versionnumber", [after, until], self._size + 1)

    def _rows(self, where: str, order: str, parameters: list[Any], limit: int) -> list[tuple[Any, ...]]:
        sql = f'SELECT {self._selection.sql} FROM "{self._table.name}" t WHERE {where} ORDER BY {order} LIMIT {limit}'
        return self._session.storage.all(sql, parameters)

    def _gone(self, after: Any, until: int, limit: int) -> list[tuple[Any, ...]]:
        sql = (
            "SELECT id, version FROM deleted WHERE entity = ? AND version > ? AND version <= ? "
            f"ORDER BY version LIMIT {limit}"
        )
        return self._session.storage.all(sql, [self._table.name, after, until])

    def _deletion(self, row_id: str) -> dict[str, Any]:
        kind = f"{self._session.base}$metadata#{self._table.set_name}/$deletedEntity"
        return {"@odata.context": kind, "id": row_id, "reason": "deleted"}

    def _body(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        return {"@odata.context": context(self._session, self._table, self._options) + "/$delta", "value": rows}

    def _with_next(
        self, body: dict[str, Any], cookie: Cookie | None, key: str, last: Any, **marks: str
    ) -> dict[str, Any]:
        page = cookie.page if cookie else 1
        token = skip_token(page + 1, inner_cookie(page, [key], [last], [last], **marks), tracking=True)
        return body | {"@odata.nextLink": self._link("$skiptoken", token)}

    def _with_delta(self, body: dict[str, Any], version: int) -> dict[str, Any]:
        return {"@odata.context": body["@odata.context"], "@odata.deltaLink": self.delta_link(version)} | body

    def delta_link(self, version: int) -> str:
        """The link to what changes after a version."""
        token = encoded(f"{version}!{self._session.clock().strftime(_TOKEN_DATE)}")
        return self._link("$deltatoken", token)

    def _link(self, name: str, value: str) -> str:
        query = self._options.with_option(name, value, without=("$skiptoken", "$deltatoken"))
        return f"{self._session.base}{self._address}?{query}"


def _version_in(session: Session, token: str) -> int:
    """Read a delta token; raises Refusal where it is none or has expired."""
    version, _, date = token.partition("!")
    try:
        number, moment = int(version), datetime.strptime(date, _TOKEN_DATE).replace(tzinfo=UTC)
    except ValueError as error:
        raise wrong_argument(f"The delta token '{token}' is not valid.") from error
    row = session.storage.one("SELECT expirechangetrackingindays FROM organization")
    oldest = session.clock() - timedelta(days=int(row[0]) if row and row[0] is not None else 7)
    if number <= session.settings.expired_version or number > session.storage.version or moment < oldest:
        message = "Version stamp associated with the client has expired. Please perform a full sync."
        raise Refusal(400, "0x80044352", message)
    return number
