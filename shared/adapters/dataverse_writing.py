"""Writing to Dataverse: batches of independent operations, and CreateMultiple for many new rows at once.

CreateMultiple (page "Use bulk operation messages") is one transaction: it makes all of its rows or none, names one
problem only, and answers ids without versions. So what it made is read back in bulk, and what it refuses travels again
as a `$batch`, where one bad row costs only itself. Rows get ids of ours: repeating it never makes a row twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shared.adapters.batch_size import BatchSize
from shared.adapters.dataverse_batch import MOST, batch_answers, batch_of_writes, headers_of, new_boundary
from shared.adapters.dataverse_errors import refusal_of
from shared.adapters.dataverse_reading import DataverseReading
from shared.adapters.http import WRITE_SECONDS, Answer, Call, LostAnswer, Service, is_strain
from shared.adapters.rows import body_writer, record_reader
from shared.adapters.wire import Row, WireError, json_object, json_text
from shared.adapters.writing import (
    TOO_LARGE,
    Chunk,
    belong_together,
    chunks,
    in_halves,
    is_cut_short,
    send_sized,
    write_in_chunks,
)
from shared.core.records import Create, Delete, Record, RefusalKind, Refused, Write, WriteResult, Written
from shared.core.tables import Table

_FIRST = 500  # operations of one request, until the service has shown how fast it is
_WORTH_OWN_REQUESTS = 100  # new rows; fewer travel with the other writes
_TYPE = "Microsoft.Dynamics.CRM."
_NO_SUCH_MESSAGE = {"0x80040800", "0x8006088a"}  # the table does not support it; no such segment of an address
_WITHOUT_BULK = ("systemuser", "transactioncurrency")  # by their pages in the table reference


class DataverseWriting:
    """Writes rows through `service`, the path of whose root on its host is `root_path`; `who` is the caller."""

    def __init__(self, service: Service, root_path: str, reading: DataverseReading, who: str) -> None:
        self._service = service
        self._root_path = root_path
        self._reading = reading
        self._who = who
        self._batch_size = BatchSize(_FIRST, MOST)
        self._bulk_size = BatchSize(_FIRST, MOST)
        self._without_bulk = set(_WITHOUT_BULK)

    async def write(self, table: Table, writes: Sequence[Write], returning: Sequence[str]) -> list[WriteResult]:
        """See RowStore."""
        return await write_in_chunks(writes, self._cut(table, writes, returning))

    def _cut(self, table: Table, writes: Sequence[Write], returning: Sequence[str]) -> Iterator[Chunk]:
        """The chunks to send. What may not be repeated travels apart, so that a lost answer leaves only it unknown."""

        async def create(chunk: Sequence[Write]) -> list[WriteResult]:
            return await self._create(table, [write for write in chunk if isinstance(write, Create)], returning)

        async def safely(chunk: Sequence[Write]) -> list[WriteResult]:
            return await self._batch(table, chunk, returning)

        async def once(chunk: Sequence[Write]) -> list[WriteResult]:
            return await self._batch(table, chunk, returning, repeatable=False)

        unsafe = [at for at, write in enumerate(writes) if isinstance(write, Create) and write.id is None]
        new = [at for at, write in enumerate(writes) if isinstance(write, Create) and write.id is not None]
        if len(new) < _WORTH_OWN_REQUESTS or table.name in self._without_bulk:
            new = []
        apart = {*unsafe, *new}
        safe = [at for at in range(len(writes)) if at not in apart]
        for positions, size, send in (
            (new, self._bulk_size, create),
            (safe, self._batch_size, safely),
            (unsafe, self._batch_size, once),
        ):
            for piece in chunks(positions, size.for_next(len(positions))):
                yield Chunk(piece, send)

    # Batches

    async def _batch(
        self,
        table: Table,
        writes: Sequence[Write],
        returning: Sequence[str],
        *,
        repeatable: bool = True,
        begun: bool = False,
    ) -> list[WriteResult]:
        """Do these writes in one batch. `begun`: an earlier request may have done some of them already."""
        boundary = new_boundary()
        content = batch_of_writes(self._root_path, boundary, table, writes, returning)
        call = Call("POST", "$batch", headers_of(boundary), content, repeatable, WRITE_SECONDS)
        answer = await send_sized(self._service, call, len(writes), self._batch_size)
        if answer.response.status_code == TOO_LARGE and len(writes) > 1:

            async def again(half: Sequence[Write]) -> list[WriteResult]:
                return await self._batch(table, half, returning, repeatable=repeatable, begun=begun)

            return await in_halves(writes, again)
        results = self._results(table, writes, returning, answer, repeatable)
        return await self._settled(table, writes, results, returning) if begun or answer.repeated else results

    def _results(
        self, table: Table, writes: Sequence[Write], returning: Sequence[str], answer: Answer, repeatable: bool
    ) -> list[WriteResult]:
        response = answer.response
        outcomes = batch_answers(response.headers.get("Content-Type", ""), response.content)
        unclear = outcomes is not None and is_cut_short(outcomes, len(writes))
        if outcomes is not None and not unclear and belong_together(table, writes, outcomes):
            return self._read(table, writes, returning, outcomes)
        if not repeatable and (outcomes is not None or response.status_code < 300 or response.status_code >= 500):
            raise LostAnswer("Dataverse answered a batch unreadably")
        if response.status_code == 400 and answer.error.code:  # else it is not the service that refuses
            return [refusal_of(answer.error, table, write, self._who) for write in writes]
        raise self._service.failure(answer)

    def _read(
        self, table: Table, writes: Sequence[Write], returning: Sequence[str], outcomes: Sequence[Row | WireError]
    ) -> list[WriteResult]:
        record_of = record_reader(table, returning)

        def result(write: Write, outcome: Row | WireError) -> WriteResult:
            if isinstance(outcome, WireError):
                self._heed(outcome, len(writes))
                return refusal_of(outcome, table, write, self._who)
            if isinstance(write, Delete):
                return Written(Record(write.id, {}))
            if table.key in outcome:
                return Written(record_of(outcome))
            if write.id is None:
                return Refused(RefusalKind.UNKNOWN, "Dataverse did not say which row it created.")
            return Written(Record(write.id, {}))

        results = [result(*pair) for pair in zip(writes, outcomes, strict=False)]
        not_run = Refused(RefusalKind.NOT_RUN, "Dataverse stopped before it came to this row.")
        return [*results, *[not_run] * (len(writes) - len(results))]

    async def _settled(
        self, table: Table, writes: Sequence[Write], results: list[WriteResult], returning: Sequence[str]
    ) -> list[WriteResult]:
        """After a repeated request: a row that exists under the id that we made is the one that we created."""
        doubtful = [
            write.id
            for write, result in zip(writes, results, strict=True)
            if isinstance(write, Create) and write.id and _exists(result)
        ]
        found = await self._reading.by_ids(table, returning, doubtful) if doubtful else {}
        return [
            Written(found[write.id]) if isinstance(write, Create) and write.id in found else result
            for write, result in zip(writes, results, strict=True)
        ]

    # CreateMultiple

    async def _create(self, table: Table, creates: Sequence[Create], returning: Sequence[str]) -> list[WriteResult]:
        body_of, kind = body_writer(table), {"@odata.type": _TYPE + table.name}
        targets = [{**kind, table.key: create.id, **body_of(create)} for create in creates]
        content = json_text({"Targets": targets}).encode("ascii")
        path, headers = f"{table.entity_set}/{_TYPE}CreateMultiple", {"Content-Type": "application/json"}
        call = Call("POST", path, headers, content, seconds=WRITE_SECONDS)
        answer = await send_sized(self._service, call, len(creates), self._bulk_size)
        status = answer.response.status_code
        ids = _ids_in(answer, len(creates)) if status < 300 else None
        if ids is not None:
            ours = [str(create.id) for create in creates]
            return await self._read_back(table, ours if set(ids) == set(ours) else ids, returning)
        if status == TOO_LARGE and len(creates) > 1:
            middle = len(creates) // 2
            halves = [creates[:middle], creates[middle:]]
            return [result for half in halves for result in await self._create(table, half, returning)]
        if _is_unsupported(answer, status):
            self._without_bulk.add(table.name)
        doubtful = answer.repeated or status < 300 or status >= 500
        return await self._one_by_one(table, creates, returning, begun=doubtful)

    async def _one_by_one(
        self, table: Table, creates: Sequence[Create], returning: Sequence[str], *, begun: bool
    ) -> list[WriteResult]:
        """What was refused as a whole: each on its own now, in as few batches as the size of a batch allows."""
        results: list[WriteResult] = []
        for piece in chunks(creates, self._batch_size.now):
            results += await self._batch(table, piece, returning, begun=begun)
        return results

    async def _read_back(self, table: Table, ids: Sequence[str], returning: Sequence[str]) -> list[WriteResult]:
        found = await self._reading.by_ids(table, returning, ids)
        gone = Refused(RefusalKind.PASSING, "The row was created, and then it was not there any more.")
        return [Written(found[id]) if id in found else gone for id in ids]

    def _heed(self, error: WireError, operations: int) -> None:
        """What one operation's refusal means for those to come."""
        self._service.pause(error)
        if is_strain(error):
            self._batch_size.too_much(operations)


def _ids_in(answer: Answer, count: int) -> list[str] | None:
    """The ids of the created rows, in the order of their targets; None when the answer does not tell them."""
    ids = (json_object(answer.response.content) or {}).get("Ids")
    if not isinstance(ids, list) or len(ids) != count:
        return None
    return [str(one).lower() for one in ids]


def _is_unsupported(answer: Answer, status: int) -> bool:
    code = answer.error.code.lower()
    return code in _NO_SUCH_MESSAGE or (status == 404 and not code)


def _exists(result: WriteResult) -> bool:
    return isinstance(result, Refused) and result.kind is RefusalKind.EXISTS
