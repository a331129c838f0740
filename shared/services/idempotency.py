"""Doing once what somebody asks for twice: the header `Idempotency-Key`.

A document is inserted before the work, so of two at once only one does it; afterwards it holds the answer for a day.
Keys are hashes, so the documents beside a new one are a random sample: the old ones among them are removed, and the
table stays as small as a day's requests.
"""

from __future__ import annotations

import hashlib
import logging
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zlib import compress, decompress

from shared.core.failures import Passing
from shared.ports import Insert, Put, Remove, StateChange, StateConflict
from shared.services.context import Services
from shared.services.problems import Problem
from shared.services.repositories.documents import Shape

log = logging.getLogger(__name__)
TABLE = "idempotency"
KEPT = timedelta(hours=24)
LONGEST_WORK = timedelta(minutes=10)
"""After this a first attempt without an answer is taken for dead: functionTimeout in host.json."""
TIDIED = 5
RETRY_AFTER = 2  # seconds


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer as it was sent."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)
    media: str = "application/json"


def _compressed(text: str) -> str:
    return b64encode(compress(text.encode())).decode()


def _decompressed(text: str) -> str:
    return decompress(b64decode(text)).decode()


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was asked under a key, when, and what was answered; None while it is worked on.

    The body of the answer is compressed: an answer about a thousand pairs is longer than a document may be.
    """

    fingerprint: str
    begun_at: datetime
    answer: StoredAnswer | None = None


ATTEMPT = Shape(Attempt, "answer to an idempotent request")


async def once(
    services: Services, key: str, fingerprint: str, work: Callable[[], Awaitable[StoredAnswer]]
) -> tuple[StoredAnswer, bool]:
    """The answer under this key, by doing the work or from memory (then True comes with it).

    `key` names the caller and the key they gave, `fingerprint` what they asked for. Work that raises is forgotten, so
    it can be asked for again. Raises Problem: 422 asked for something else under this key, 409 still worked on.
    """
    name = hashlib.sha256(key.encode()).hexdigest()
    attempt = Attempt(hashlib.sha256(fingerprint.encode()).hexdigest(), services.clock.now())
    answered = await _begin(services, name, attempt)
    if answered is not None:
        return answered, True
    try:
        answer = await work()
    except BaseException:
        await services.state.transact(TABLE, services.connection, [Remove(name)])
        raise
    await _remember(services, name, replace(attempt, answer=replace(answer, body=_compressed(answer.body))))
    return answer, False


async def _remember(services: Services, name: str, done: Attempt) -> None:
    """Keep the answer. When that fails the work is done all the same, so its answer goes out and is not kept."""
    try:
        await services.state.transact(TABLE, services.connection, [Put(name, ATTEMPT.pack(done))])
    except Passing:
        log.warning("An answer under an Idempotency-Key could not be kept; it will be in progress for a while.")


async def _begin(services: Services, name: str, attempt: Attempt) -> StoredAnswer | None:
    """Take the key, or the answer it has. Raises Problem (409, 422)."""
    row = await services.state.get(TABLE, services.connection, name)
    change: StateChange = Insert(name, ATTEMPT.pack(attempt))
    if row is not None:
        before = ATTEMPT.unpack(row.body)
        if not _is_over(before, attempt.begun_at):
            return _remembered(before, attempt)
        change = Put(name, ATTEMPT.pack(attempt), row.etag)
    try:
        await services.state.transact(TABLE, services.connection, [change])
    except StateConflict:
        raise _in_progress() from None
    await _tidy(services, name, attempt.begun_at)
    return None


def _remembered(before: Attempt, attempt: Attempt) -> StoredAnswer:
    if before.fingerprint != attempt.fingerprint:
        raise Problem(
            422,
            "idempotency_key_reused",
            "Idempotency-Key: this key was used for another request; take a new one.",
            field="Idempotency-Key",
        )
    if before.answer is None:
        raise _in_progress()
    return replace(before.answer, body=_decompressed(before.answer.body))


def _in_progress() -> Problem:
    return Problem(409, "request_in_progress", "The first request with this key is still on.", retry_after=RETRY_AFTER)


def _is_over(attempt: Attempt, now: datetime) -> bool:
    return now - attempt.begun_at >= (LONGEST_WORK if attempt.answer is None else KEPT)


async def _tidy(services: Services, name: str, now: datetime) -> None:
    rows = await services.state.scan(TABLE, services.connection, after=name, limit=TIDIED)
    over = [Remove(row.key, row.etag) for row in rows if _is_over(ATTEMPT.unpack(row.body), now)]
    if over:
        try:
            await services.state.transact(TABLE, services.connection, over)
        except StateConflict:  # used again at this moment
            return
