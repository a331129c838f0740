"""What the use cases need from outside, as protocols. Adapters and the in-memory versions implement them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from shared.core.budget import Share
from shared.core.notifications import Card
from shared.core.records import ChangePage, Record, Write, WriteResult
from shared.core.sides import Side
from shared.core.tables import Table, TableName


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the health report: what was tried, whether it works, and what a person does if it does not."""

    name: str
    ok: bool
    message: str
    fix: str = ""


class RowStore(Protocol):
    """The tables of one side. Every method obeys the service's throttling by itself, within reason.

    All raise `failures.Passing` when the service stays busy or unreachable beyond the adapter's patience, and
    `failures.NeedsPerson` when the token or a table-wide permission is missing. Ids are lower-case GUID texts.
    """

    side: Side

    @property
    def account(self) -> str:
        """Whom the service's limits hold for: its address and its user. Companies of one environment share one."""
        ...

    async def changes(self, table: Table, columns: Sequence[str], position: str | None, page_size: int) -> ChangePage:
        """The next page of what changed since `position` (None: every row). Raises FeedExpired when it is too old."""
        ...

    async def has_news(self, table: Table, position: str | None) -> bool:
        """Whether the feed may tell anything new beyond this position: one small call, which does not move it.

        What the feed would only repeat is no news. True for a position that is none (any more), and in doubt.
        """
        ...

    def is_settled(self, position: str | None) -> bool:
        """Whether nothing can escape `has_news` that the feed itself would still tell from this position."""
        ...

    async def read(self, table: Table, columns: Sequence[str], ids: Sequence[str]) -> dict[str, Record]:
        """These rows as they are now, read from the primary and not from a lagging replica.

        An id that is missing from the answer does not exist.
        """
        ...

    async def find(self, table: Table, columns: Sequence[str], column: str, values: Sequence[str]) -> list[Record]:
        """Rows whose `column` (text, code or guid) equals one of `values`; case is the service's own affair."""
        ...

    async def beginning(self, table: Table, columns: Sequence[str], column: str, text: str, most: int) -> list[Record]:
        """At most `most` rows whose `column` (text or code) begins with `text`, however either is capitalized.

        What a service compares with regard to case is asked for as people write it.
        """
        ...

    async def all(self, table: Table, columns: Sequence[str]) -> list[Record]:
        """Every row of a small table."""
        ...

    def pages(self, table: Table, columns: Sequence[str]) -> AsyncIterator[list[Record]]:
        """Every row once, in pages as large as the service allows: for comparing whole tables in memory."""
        ...

    def ids(self, table: Table) -> AsyncIterator[list[str]]:
        """The id of every row, page by page, as far as a replica knows: what is missing here may exist all the same.

        An id may come twice.
        """
        ...

    async def write(self, table: Table, writes: Sequence[Write], returning: Sequence[str]) -> list[WriteResult]:
        """Do these writes, each on its own: one result per write in the same order; one refusal costs only itself."""
        ...

    async def tables(self, api: str | None = None) -> list[TableName]:
        """The tables that could be mapped, by name; of Business Central those of one API, the standard one if None.

        A custom API is "publisher/group/version"; one that does not exist has no tables.
        """
        ...

    async def describe(self, name: str) -> Table | None:
        """A table as the service itself describes it (a custom API page is "publisher/group/version/entitySet").

        None when there is none, or its rows have no id.
        """
        ...

    async def refusal_of(self, table: Table, condition: str) -> str | None:
        """What the service says against a filter; None when it takes it."""
        ...

    def allow(self, share: Share, paused_until: datetime | None) -> None:
        """From now on take this share of what the service grants us, and ask nothing before `paused_until`.

        Called while the event loop runs that the store is used in. Whoever asks sooner waits, or meets Passing where
        the wait is beyond patience. A later call takes the place of an earlier one.
        """
        ...

    def paused_until(self) -> datetime | None:
        """Until when the service itself has told this process to pause; None when it may be asked."""
        ...

    async def check(self) -> list[Check]:
        """Whether the service can be reached and authorizes us, as lines for the health report; never raises."""
        ...


class BusinessCentralStore(RowStore, Protocol):
    """What only Business Central has."""

    async def company_contacts(self, table: Table, ids: Sequence[str]) -> dict[str, str]:
        """The number of the company contact of each customer or vendor (API sub-page contactsInformation).

        Those without one are left out.
        """
        ...

    async def count(self, table: Table) -> int:
        """How many rows the table has, in one small call."""
        ...


class DataverseStore(RowStore, Protocol):
    """What only Dataverse has."""

    async def choices(self, table: Table, column: str) -> dict[int, str]:
        """The labels of a choice column by value."""
        ...


class StateRow:
    """One stored document: addressed by partition and key, with the version that a conditional change must name.

    Its body is given as an object or as JSON text, which is only read when somebody asks for the object.
    """

    __slots__ = ("_body", "_text", "etag", "key")

    def __init__(self, key: str, body: dict[str, object] | str, etag: str) -> None:
        self.key = key
        self.etag = etag
        self._text = body if isinstance(body, str) else None
        self._body = None if isinstance(body, str) else body

    @property
    def body(self) -> dict[str, object]:
        """The document as an object."""
        if self._body is None:
            self._body = json.loads(self.text)
        return self._body

    @property
    def text(self) -> str:
        """The document as JSON text."""
        return json.dumps(self._body) if self._text is None else self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StateRow) and (self.key, self.body, self.etag) == (other.key, other.body, other.etag)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"StateRow({self.key!r}, {self.text}, {self.etag!r})"


@dataclass(frozen=True, slots=True)
class Insert:
    """Add a document; refused when the key is taken."""

    key: str
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Put:
    """Store a document; with `etag` only over exactly that version, without one over anything or nothing."""

    key: str
    body: Mapping[str, object]
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove a document (absent is fine); with `etag` only exactly that version."""

    key: str
    etag: str | None = None


type StateChange = Insert | Put | Remove

MAX_CHANGES = 100  # of one transaction (Table service: entity group transactions)


class StateConflict(Exception):
    """A conditional change met another version, or an Insert a taken key; nothing of the transaction was stored.

    `key` is the guilty one.
    """

    def __init__(self, key: str) -> None:
        super().__init__(f"the stored document {key} is not the one expected")
        self.key = key


class StateStore(Protocol):
    """Documents in named tables, partitioned; transactions within one partition; keys in ordinal order.

    Bodies are JSON objects (str, int, float, bool, None, lists, objects) of at most 400,000 characters of JSON;
    partitions and keys may be any text up to 250 characters. All raise `failures.Passing` when the storage stays
    unreachable and `failures.NeedsPerson` when it refuses us.
    """

    async def get(self, table: str, partition: str, key: str) -> StateRow | None:
        """One document, or None."""
        ...

    async def get_many(self, table: str, partition: str, keys: Sequence[str]) -> dict[str, StateRow]:
        """Those of these documents that exist, by key."""
        ...

    async def scan(
        self, table: str, partition: str, *, prefix: str = "", after: str | None = None, limit: int = 1000
    ) -> list[StateRow]:
        """Documents in key order whose key starts with `prefix` and lies beyond `after`.

        Fewer than `limit` means that there are no more.
        """
        ...

    async def transact(self, table: str, partition: str, changes: Sequence[StateChange]) -> dict[str, str]:
        """Do all of these changes (at most MAX_CHANGES, each key once) or none; the new etags by key.

        Raises StateConflict.
        """
        ...

    async def check(self) -> list[Check]:
        """Whether the storage can be reached and authorizes us; never raises."""
        ...


@dataclass(frozen=True, slots=True)
class JobMessage:
    """A pointer to work: which slice of which run.

    `id` makes a repeated send the same message; `session` keeps the runs of one mapping in order.
    """

    id: str
    session: str
    body: Mapping[str, object] = field(default_factory=dict)


class JobQueue(Protocol):
    """The queue that fans out the jobs."""

    async def send(self, message: JobMessage, *, not_before: datetime | None = None) -> None:
        """Send one message, now or at a time. Raises Passing.

        Sending the same id twice within five minutes is one message.
        """
        ...

    async def check(self) -> list[Check]:
        """Whether the queue can be reached and authorizes us; never raises."""
        ...


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """Aware, UTC."""
        ...


class Ids(Protocol):
    """New ids."""

    def new(self) -> str:
        """A GUID text, lower case, never given out before."""
        ...


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that the queue has set aside: after too many deliveries, or because its time was over.

    `number` is its place in the queue of dead letters; `reason` and `description` are the queue's own words.
    """

    number: int
    message: JobMessage
    reason: str
    description: str
    enqueued_at: datetime
    deliveries: int


class DeadLetters(Protocol):
    """The messages that a queue has set aside for a person."""

    async def page(self, after: int | None, limit: int) -> list[DeadLetter]:
        """Dead letters in the order of their numbers, beyond `after`. Raises Passing, NeedsPerson."""
        ...

    async def resubmit(self, numbers: Collection[int]) -> list[DeadLetter]:
        """Send these to the queue again and remove them here; answers those that were there.

        One at a time, each sent before it is removed: what dies in between sends it twice, never not at all. Raises
        Passing, NeedsPerson.
        """
        ...


class Notifier(Protocol):
    """Where the app tells people what needs them."""

    async def send(self, card: Card) -> None:
        """Deliver one message. Raises Passing when that may work later, NeedsPerson when the address refuses it."""
        ...


class NoDeadLetters:
    """A queue that never sets a message aside."""

    async def page(self, after: int | None, limit: int) -> list[DeadLetter]:
        """None."""
        return []

    async def resubmit(self, numbers: Collection[int]) -> list[DeadLetter]:
        """None."""
        return []
