"""Writes in chunks: several under way at once, one result per write in the order given, one refusal for one write."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any

from shared.adapters.http import LostAnswer
from shared.core.failures import NeedsPerson, SyncFailure
from shared.core.records import RefusalKind, Refused, Write, WriteResult

LEAST = 20  # writes that are worth a request of their own, when there are lanes to spare

type SendChunk = Callable[[Sequence[Write], bool], Awaitable[list[WriteResult]]]


def chunks[T](items: Sequence[T], most: int) -> list[Sequence[T]]:
    """The items in pieces of at most `most`."""
    return [items[at : at + most] for at in range(0, len(items), most)]


async def together[T](work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run all of this at once; the results in order. The first failure stops the rest and is raised itself."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in work]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from failures
    return [task.result() for task in tasks]


async def write_in_chunks(
    writes: Sequence[Write], *, repeatable: Callable[[Write], bool], most: int, lanes: int, send: SendChunk
) -> list[WriteResult]:
    """Send these writes by `send(chunk, repeatable)` and put the results in order.

    What may not be repeated travels apart from what may, so that a lost answer leaves only those creates unknown.
    Raises the SyncFailure that stopped every chunk; one that stopped only some becomes a refusal of their writes, so
    that the results of the others are not lost.
    """
    pieces = [(safe, piece) for safe in (True, False) for piece in _pieces(writes, repeatable, safe, most, lanes)]
    work = [_outcome(send([writes[at] for at in piece], safe)) for safe, piece in pieces]
    outcomes = await together(work)
    failures = [outcome for outcome in outcomes if isinstance(outcome, SyncFailure)]
    if failures and len(failures) == len(outcomes):
        raise next((failure for failure in failures if isinstance(failure, NeedsPerson)), failures[0])
    results: dict[int, WriteResult] = {}
    for (_, piece), outcome in zip(pieces, outcomes, strict=True):
        results.update(zip(piece, _spread(outcome, len(piece)), strict=True))
    return [results[at] for at in range(len(writes))]


def _pieces(
    writes: Sequence[Write], repeatable: Callable[[Write], bool], safe: bool, most: int, lanes: int
) -> list[Sequence[int]]:
    positions = [at for at, write in enumerate(writes) if repeatable(write) is safe]
    even = -(-len(positions) // lanes)  # one after the other within a chunk, so spread them over the lanes
    return chunks(positions, min(most, max(LEAST, even)))


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
