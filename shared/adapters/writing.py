"""Writes in chunks: several under way at once, one result per write in the order given, one refusal for one write."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shared.adapters.batch_size import BatchSize
from shared.adapters.http import Answer, Call, LostAnswer, Service
from shared.adapters.wire import WireError
from shared.core.failures import NeedsPerson, SyncFailure
from shared.core.records import RefusalKind, Refused, Write, WriteResult
from shared.core.tables import Table

TOO_LARGE = 413  # the status of a request of which nothing was done

type Send = Callable[[Sequence[Write]], Awaitable[list[WriteResult]]]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Writes, by their positions among those asked for, that travel together by `send`."""

    positions: Sequence[int]
    send: Send


def chunks[T](items: Sequence[T], most: int) -> list[Sequence[T]]:
    """The items in as few pieces of at most `most` as there can be, evenly filled."""
    pieces = -(-len(items) // most)
    size = -(-len(items) // pieces) if pieces else 1
    return [items[at : at + size] for at in range(0, len(items), size)]


async def together[T](work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run all of this at once; the results in order. The first failure stops the rest and is raised itself."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in work]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from failures
    return [task.result() for task in tasks]


async def write_in_chunks(writes: Sequence[Write], cut: Iterable[Chunk]) -> list[WriteResult]:
    """Send these chunks, which hold every write once, and put the results in order.

    Raises the SyncFailure that stopped every chunk; one that stopped only some becomes a refusal of their writes, so
    that the results of the others are not lost.
    """
    sent = list(cut)
    outcomes = await together(_outcome(chunk.send([writes[at] for at in chunk.positions])) for chunk in sent)
    failures = [outcome for outcome in outcomes if isinstance(outcome, SyncFailure)]
    if failures and len(failures) == len(outcomes):
        raise next((failure for failure in failures if isinstance(failure, NeedsPerson)), failures[0])
    results: dict[int, WriteResult] = {}
    for chunk, outcome in zip(sent, outcomes, strict=True):
        results.update(zip(chunk.positions, _spread(outcome, len(chunk.positions)), strict=True))
    return [results[at] for at in range(len(writes))]


async def send_sized(service: Service, call: Call, operations: int, size: BatchSize) -> Answer:
    """Send a call with so many operations in it; `size` learns from what becomes of it."""
    strains = 0

    def strained() -> None:
        nonlocal strains
        strains += 1
        size.too_much(operations)

    answer = await service.send(replace(call, strained=strained))
    if answer.response.status_code == TOO_LARGE:
        strained()
    elif answer.response.status_code < 300 and not strains:
        size.answered(operations, answer.seconds)
    return answer


def belong_together(table: Table, writes: Iterable[Write], outcomes: Iterable[object]) -> bool:
    """Whether each row that came back is that of its write: what stands in another order tells of no write at all."""
    return all(
        write.id is None or not isinstance(outcome, dict) or str(outcome.get(table.key, write.id)).lower() == write.id
        for write, outcome in zip(writes, outcomes, strict=False)
    )


def is_cut_short(outcomes: Sequence[object], count: int) -> bool:
    """Whether answers to some of `count` operations are missing although none failed, at which a service may stop."""
    return len(outcomes) < count and not (outcomes and isinstance(outcomes[-1], WireError))


async def in_halves(writes: Sequence[Write], send: Send) -> list[WriteResult]:
    """Send a chunk that was too large, and of which nothing was done, as two."""
    middle = len(writes) // 2
    return [*await send(writes[:middle]), *await send(writes[middle:])]


async def _outcome(sent: Awaitable[list[WriteResult]]) -> list[WriteResult] | LostAnswer | SyncFailure:
    try:
        return await sent
    except (LostAnswer, SyncFailure) as failure:
        return failure


def _spread(outcome: list[WriteResult] | LostAnswer | SyncFailure, count: int) -> list[WriteResult]:
    match outcome:
        case LostAnswer():
            message = f"{outcome}; the record may have been created or not."
            return [Refused(RefusalKind.UNKNOWN, message, status=outcome.status)] * count
        case NeedsPerson():
            return [Refused(RefusalKind.FORBIDDEN, str(outcome), outcome.code)] * count
        case SyncFailure():
            return [Refused(RefusalKind.PASSING, str(outcome), outcome.code)] * count
        case _:
            return outcome
