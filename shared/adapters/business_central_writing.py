"""Writing to Business Central: batches of operations that run one after the other, several batches at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shared.adapters.batch_size import BatchSize
from shared.adapters.business_central_batch import HEADERS, MOST, batch_answers, batch_of_writes
from shared.adapters.business_central_errors import refusal_of
from shared.adapters.http import WRITE_SECONDS, Call, LostAnswer, Service
from shared.adapters.rows import record_reader
from shared.adapters.wire import Row, WireError
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

_WORTH_A_REQUEST = 20  # writes, where there are lanes to spare


class BusinessCentralWriting:
    """Writes records of `company` through `service`, `lanes` batches at once; `who` is the caller."""

    def __init__(self, service: Service, company: str, who: str, lanes: int) -> None:
        self._service = service
        self._company = company
        self._who = who
        self._lanes = lanes
        self._size = BatchSize(MOST, MOST)

    async def write(self, table: Table, writes: Sequence[Write], returning: Sequence[str]) -> list[WriteResult]:
        """See RowStore."""
        return await write_in_chunks(writes, self._cut(table, writes, returning))

    def _cut(self, table: Table, writes: Sequence[Write], returning: Sequence[str]) -> Iterator[Chunk]:
        """The chunks to send: creates apart, which may not be repeated, so that a lost answer leaves only them unknown.

        The operations of a batch run one after the other, so they are spread over the lanes.
        """

        async def safely(chunk: Sequence[Write]) -> list[WriteResult]:
            return await self._batch(table, chunk, returning, repeatable=True)

        async def once(chunk: Sequence[Write]) -> list[WriteResult]:
            return await self._batch(table, chunk, returning, repeatable=False)

        for send, creates in ((safely, False), (once, True)):
            positions = [at for at, write in enumerate(writes) if isinstance(write, Create) is creates]
            even = -(-len(positions) // self._lanes)
            for piece in chunks(positions, min(self._size.now, max(_WORTH_A_REQUEST, even))):
                yield Chunk(piece, send)

    async def _batch(
        self, table: Table, writes: Sequence[Write], returning: Sequence[str], *, repeatable: bool
    ) -> list[WriteResult]:
        content = batch_of_writes(self._company, table, writes)
        call = Call("POST", "$batch", HEADERS, content, repeatable, WRITE_SECONDS)
        answer = await send_sized(self._service, call, len(writes), self._size)
        status = answer.response.status_code
        if status == TOO_LARGE and len(writes) > 1:

            async def again(half: Sequence[Write]) -> list[WriteResult]:
                return await self._batch(table, half, returning, repeatable=repeatable)

            return await in_halves(writes, again)
        outcomes = batch_answers(answer.response.content, len(writes)) if status < 300 else None
        if outcomes is not None and belong_together(table, writes, outcomes):
            return self._results(table, writes, returning, outcomes)
        if not repeatable and (status < 300 or status >= 500):
            raise LostAnswer("Business Central answered a batch unreadably")
        if status == 400 and answer.error.code:  # else it is not the service that refuses
            return [refusal_of(answer.error, table, write, self._who) for write in writes]
        raise self._service.failure(answer)

    def _results(
        self,
        table: Table,
        writes: Sequence[Write],
        returning: Sequence[str],
        outcomes: Sequence[Row | WireError | None],
    ) -> list[WriteResult]:
        record_of = record_reader(table, returning)
        answered = [outcome for outcome in outcomes if outcome is not None]
        stopped = outcomes[: len(answered)] == answered and not is_cut_short(answered, len(outcomes))

        def result(write: Write, outcome: Row | WireError | None) -> WriteResult:
            if outcome is None and stopped:
                return Refused(RefusalKind.NOT_RUN, "Business Central stopped before it came to this record.")
            if outcome is None:
                kind = RefusalKind.UNKNOWN if isinstance(write, Create) else RefusalKind.PASSING
                return Refused(kind, "Business Central's answer does not tell what became of this record.")
            if isinstance(outcome, WireError):
                self._service.pause(outcome)
                return refusal_of(outcome, table, write, self._who)
            if isinstance(write, Delete):
                return Written(Record(write.id, {}))
            if table.key in outcome:
                return Written(record_of(outcome))
            if isinstance(write, Create):
                return Refused(RefusalKind.UNKNOWN, "Business Central did not say which record it created.")
            return Written(Record(write.id, {}))

        return [result(*pair) for pair in zip(writes, outcomes, strict=True)]
