"""The state store on Azure Table Storage (or Azurite): `ports.StateStore`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError, ServiceResponseError
from azure.data.tables import TableErrorCode, TableTransactionError, UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from shared.adapters.documents import check_changes, decode_key, encode_key, key_range, properties_of, text_of
from shared.adapters.table_failures import code_of, failure_of, fix_of, is_conflict, passes
from shared.core.failures import SyncFailure
from shared.ports import Check, Insert, Put, Remove, StateChange, StateConflict, StateRow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from azure.core.credentials_async import AsyncTokenCredential

type Entity = Mapping[str, Any]

_AT_ONCE = 32  # point reads in flight
_PAGE = 1000  # entities (Table service: query timeout and pagination)
_PAUSE = 0.25  # seconds before the second attempt, twice as long before each further one
_OVERWRITTEN = "W/\"datetime'0001-01-01T00%3A00%3A00.0000000Z'\""  # a version that no document has


class TableStorage:
    """Documents as entities, one Azure table for each `table` name: prefix `sync`, table `couplings`: `syncCouplings`.

    `scan` keeps the service's order of keys: ordinal for ASCII (and by UTF-16 unit for every script where seen).

    A transaction may be carried out and its answer be lost. It is then repeated, and the repetition can meet its own
    traces: the Insert a taken key, the Put another version. Equal content proves nothing, for two workers may insert
    the same; so every entity carries the id of the transaction that wrote it, and a conflict on a repetition is none
    when that id is found. A transaction of removals alone leaves no trace: there it counts as done when every key is
    gone. When every attempt loses its answer, `Passing` is raised and the transaction may have been done or not.
    """

    def __init__(
        self,
        *,
        connection_string: str | None = None,
        endpoint: str | None = None,
        credential: AsyncTokenCredential | None = None,
        prefix: str = "sync",
        attempts: int = 5,
    ) -> None:
        """With a connection string, or with an endpoint (https) and a credential; `attempts` for what may pass."""
        # One patience for everything: the SDK's own would repeat a transaction without telling.
        options: dict[str, Any] = {"retry_total": 0, "connection_timeout": 5, "read_timeout": 30}
        if connection_string is not None:
            self._service = TableServiceClient.from_connection_string(connection_string, **options)
        elif endpoint is not None and credential is not None:
            self._service = TableServiceClient(endpoint, credential=credential, **options)
        else:
            raise ValueError("give a connection string, or an endpoint and a credential")
        self._prefix = prefix
        self._attempts = attempts
        self._tables: dict[str, asyncio.Task[TableClient]] = {}

    async def get(self, table: str, partition: str, key: str) -> StateRow | None:
        """One document, or None."""
        return (await self.get_many(table, partition, [key])).get(key)

    async def get_many(self, table: str, partition: str, keys: Sequence[str]) -> dict[str, StateRow]:
        """Those of these documents that exist, by key: point reads, at most 32 in flight."""
        async with self._client(table) as client:
            found = await self._entities(client, partition, keys)
        return {key: _row(entity) for key, entity in found.items()}

    async def scan(
        self, table: str, partition: str, *, prefix: str = "", after: str | None = None, limit: int = 1000
    ) -> list[StateRow]:
        """Documents in key order whose key starts with `prefix` and lies beyond `after`, at most `limit`."""
        conditions, parameters = ["PartitionKey eq @partition"], {"partition": encode_key(partition)}
        if bounds := key_range(prefix):
            conditions += ["RowKey ge @first", "RowKey lt @end"]
            parameters |= {"first": bounds[0], "end": bounds[1]}
        if after is not None:
            conditions.append("RowKey gt @after")
            parameters["after"] = encode_key(after)
        rows: list[StateRow] = []
        async with self._client(table) as client:
            size = min(limit, _PAGE)
            query = client.query_entities(" and ".join(conditions), parameters=parameters, results_per_page=size)
            pages = query.by_page()
            while len(rows) < limit and (page := await self._patiently(lambda: anext(pages, None))) is not None:
                rows += [row async for row in _rows(page) if row.key.startswith(prefix)]
        return rows[:limit]

    async def transact(self, table: str, partition: str, changes: Sequence[StateChange]) -> dict[str, str]:
        """Do all of these changes or none, as one entity group transaction; see the class for a lost answer.

        Raises StateConflict, and ValueError for over 100 changes, 4 MiB, or a key that occurs twice.
        """
        check_changes(changes)
        async with self._client(table) as client:
            return await self._transact(client, partition, list(changes))

    async def check(self) -> list[Check]:
        """Write and read one document of a table of its own."""
        try:
            await self.transact("health", "", [Put("check", {})])
            await self.get("health", "", "check")
        except SyncFailure as failure:
            return [Check("Table Storage", False, str(failure), fix_of(failure))]
        except Exception as error:
            return [Check("Table Storage", False, f"{type(error).__name__}: {error}", "Look into the log.")]
        return [Check("Table Storage", True, f"Documents can be written and read ({self._service.account_name}).")]

    async def aclose(self) -> None:
        """Close the connections."""
        await self._service.close()

    @asynccontextmanager
    async def _client(self, table: str) -> AsyncIterator[TableClient]:
        """The client of an existing table; what the service refuses inside becomes a failure of ours."""
        if not (table.isascii() and table.isalnum()):
            raise ValueError(f"a table's name has letters and digits only: {table!r}")
        name = self._prefix + table[:1].upper() + table[1:]
        try:
            yield await self._existing(name)
        except AzureError as error:
            if code_of(error) == TableErrorCode.TABLE_NOT_FOUND:
                self._tables.pop(name, None)
            if failure := failure_of(error):
                raise failure from error
            raise

    async def _existing(self, name: str) -> TableClient:
        """The client of a table that this process has seen or made; callers at the same time share one attempt."""
        if name not in self._tables:
            self._tables[name] = asyncio.create_task(self._created(name))
        try:
            return await asyncio.shield(self._tables[name])
        except AzureError:
            self._tables.pop(name, None)
            raise

    async def _created(self, name: str) -> TableClient:
        client = self._service.get_table_client(name)
        try:
            await self._patiently(client.create_table)
        except ResourceExistsError as error:
            if code_of(error) != TableErrorCode.TABLE_ALREADY_EXISTS:
                raise
        return client

    async def _entities(self, client: TableClient, partition: str, keys: Sequence[str]) -> dict[str, Entity]:
        gate = asyncio.Semaphore(_AT_ONCE)
        encoded = encode_key(partition)

        async def read(key: str) -> Entity | None:
            async with gate:
                try:
                    return await self._patiently(lambda: client.get_entity(encoded, encode_key(key)))
                except ResourceNotFoundError as error:
                    if code_of(error) == TableErrorCode.TABLE_NOT_FOUND:
                        raise
                    return None

        unique = list(dict.fromkeys(keys))
        found = await asyncio.gather(*(read(key) for key in unique))
        return {key: entity for key, entity in zip(unique, found, strict=True) if entity is not None}

    async def _transact(self, client: TableClient, partition: str, changes: list[StateChange]) -> dict[str, str]:
        transaction, repeated = uuid4().hex, False
        for attempt in count(1):
            if not changes:
                break
            try:
                return await _submit(client, partition, changes, transaction)
            except AzureError as error:
                if passes(error) and attempt < self._attempts:
                    repeated = True
                    await _pause(attempt)
                    continue
                if not isinstance(error, TableTransactionError) or not is_conflict(error):
                    raise
                guilty = changes[error.index]
                if repeated and (etags := await self._done(client, partition, changes, transaction)) is not None:
                    return etags
                if not (isinstance(guilty, Remove) and guilty.etag is None):
                    raise StateConflict(guilty.key) from error
                changes = await self._without_absent(client, partition, changes)
        return {}

    async def _done(
        self, client: TableClient, partition: str, changes: list[StateChange], transaction: str
    ) -> dict[str, str] | None:
        """The etags when an earlier attempt was carried out after all, else None."""
        stored = await self._entities(client, partition, [change.key for change in changes])
        written = [change.key for change in changes if not isinstance(change, Remove)]
        if not written:
            return None if stored else {}
        ours = {key: _etag(entity) for key, entity in stored.items() if entity.get("transaction") == transaction}
        # What somebody wrote over ours since must not be taken for ours.
        return {key: ours.get(key, _OVERWRITTEN) for key in written} if ours else None

    async def _without_absent(
        self, client: TableClient, partition: str, changes: list[StateChange]
    ) -> list[StateChange]:
        """The changes without those that remove what is not there: the service would refuse all for them."""
        removed = [change.key for change in changes if isinstance(change, Remove) and change.etag is None]
        absent = set(removed) - (await self._entities(client, partition, removed)).keys()
        return [change for change in changes if change.key not in absent]

    async def _patiently[T](self, call: Callable[[], Awaitable[T]]) -> T:
        for attempt in count(1):
            try:
                return await call()
            except AzureError as error:
                if attempt >= self._attempts or not passes(error):
                    raise
                await _pause(attempt)
        raise AssertionError


async def _pause(attempt: int) -> None:
    await asyncio.sleep(_PAUSE * 2 ** (attempt - 1))


async def _rows(page: AsyncIterator[Entity]) -> AsyncIterator[StateRow]:
    async for entity in page:
        yield _row(entity)


def _row(entity: Entity) -> StateRow:
    return StateRow(decode_key(entity["RowKey"]), text_of(entity), _etag(entity))


def _etag(entity: Any) -> str:
    return str(entity.metadata["etag"])


async def _submit(
    client: TableClient, partition: str, changes: Sequence[StateChange], transaction: str
) -> dict[str, str]:
    operations = [_operation(encode_key(partition), change, transaction) for change in changes]
    answers = await client.submit_transaction(operations)
    try:
        return {
            change.key: str(answer["etag"])
            for change, answer in zip(changes, answers, strict=True)
            if not isinstance(change, Remove)
        }
    except (KeyError, ValueError) as error:
        raise ServiceResponseError("A transaction was answered unreadably.") from error


def _operation(partition: str, change: StateChange, transaction: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    entity: dict[str, Any] = {"PartitionKey": partition, "RowKey": encode_key(change.key)}
    if not isinstance(change, Remove):
        entity |= {"transaction": transaction, **properties_of(change.body)}
    if isinstance(change, Insert):
        return ("create", entity, {})
    condition = {"etag": change.etag, "match_condition": MatchConditions.IfNotModified} if change.etag else {}
    if isinstance(change, Remove):
        return ("delete", entity, condition)
    return ("update" if change.etag else "upsert", entity, {"mode": UpdateMode.REPLACE, **condition})
