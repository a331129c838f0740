"""A row as it was read, a write as it is wished, and what a service answered to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.core.tables import Values


@dataclass(frozen=True, slots=True)
class Record:
    """One row of one side: its id (lower case), canonical values by column, its version, when it was modified."""

    id: str
    values: Values
    etag: str | None = None
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Create:
    """Make a new row. `id` is chosen by us where the service allows it (Dataverse), else None (BC)."""

    values: Values
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """Change these columns of a row, if its version still is `etag` (None: whatever its version is)."""

    id: str
    values: Values
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete a row, if its version still is `etag` (None: whatever its version is)."""

    id: str
    etag: str | None = None


type Write = Create | Update | Delete


class RefusalKind(StrEnum):
    """Why a service did not do one write, as far as it decides what happens next."""

    CHANGED = "changed"  # the version moved: read again, plan again
    GONE = "gone"  # the row does not exist (any more)
    EXISTS = "exists"  # a row with this id or number exists already
    INVALID = "invalid"  # the service refuses the values: a person has to look
    FORBIDDEN = "forbidden"  # the application user lacks a permission for this row
    PASSING = "passing"  # busy, locked, throttled: the same write may go through later
    UNKNOWN = "unknown"  # the answer was lost: it may have been done or not
    NOT_RUN = "not_run"  # the service stopped before it came to this write


@dataclass(frozen=True, slots=True)
class Written:
    """A write that was done, with the row as the service now has it (values of the columns asked for)."""

    record: Record


@dataclass(frozen=True, slots=True)
class Refused:
    """A write that was not done. `code` and `message` are the service's own; `column` where the message names one."""

    kind: RefusalKind
    message: str
    code: str = ""
    status: int = 0
    column: str | None = None


type WriteResult = Written | Refused


@dataclass(frozen=True, slots=True)
class ChangePage:
    """One page of a side's feed.

    `position` is opaque text to store and to continue from; `more` says whether further pages wait right now. A feed
    read from position None begins with every row of the table.
    """

    records: tuple[Record, ...]
    position: str
    more: bool
    deleted: tuple[str, ...] = field(default=())
