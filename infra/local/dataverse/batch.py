"""`$batch`: operations in order, change sets all or nothing (page "Execute batch operations using the Web API")."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import batched
from typing import Any
from urllib.parse import urlsplit

from infra.local.dataverse.address import ROOT, parse_path
from infra.local.dataverse.answers import Answer, Operation, refused
from infra.local.dataverse.errors import Refusal, no_such_segment, not_allowed
from infra.local.dataverse.multipart import ChangeSet, Part, Writer, read_batch, unreadable
from infra.local.dataverse.operations import answer, route_of
from infra.local.dataverse.query.preferences import parse_preferences
from infra.local.dataverse.schema.model import Table
from infra.local.dataverse.session import Session
from infra.local.dataverse.writing.references import content_reference
from infra.local.simulator.gate import Gate

MOST_OPERATIONS = 1000
MOST_URL = 65_536
SLICE = 20
"""After so many operations outside change sets a batch lets other requests go on."""


class Headers(dict[str, str]):
    """Headers whose names know no case."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__({name.lower(): value for name, value in headers.items()})

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())


@dataclass
class Outcome:
    """The answer of a whole batch."""

    status: int
    content_type: str
    body: bytes


class _Failed(Exception):
    """An operation of a change set was refused: nothing of the set remains."""

    def __init__(self, content_id: str | None, answer: Answer) -> None:
        super().__init__()
        self.content_id = content_id
        self.answer = answer


async def run_batch(session: Session, gate: Gate, content_type: str, body: bytes) -> Outcome:
    """Do a batch; raises Refusal where the batch as a whole cannot be read (a plain JSON error then)."""
    items = read_batch(content_type, body)
    operations = sum(len(item.parts) if isinstance(item, ChangeSet) else 1 for item in items)
    if operations > MOST_OPERATIONS:
        raise not_allowed(f"The number of operations in a batch cannot exceed {MOST_OPERATIONS}.")
    runner = _Runner(session, gate)
    return await runner.run(items)


class _Runner:
    def __init__(self, session: Session, gate: Gate) -> None:
        self._session = session
        self._gate = gate
        self._writer = Writer()

    async def run(self, items: list[Part | ChangeSet]) -> Outcome:
        status = 200
        for some in batched(items, SLICE, strict=False):
            status = await self._slice(some)
            if status >= 400:
                break
            # Others get their turn in the midst of a long batch.
            await asyncio.sleep(0)
        return Outcome(status, self._writer.content_type, self._writer.body)

    async def _slice(self, items: Sequence[Part | ChangeSet]) -> int:
        """Do some operations; answers the status of the one that ends the batch, else 200."""
        # Where no ordered fault can make anybody wait in between, one commit does for all of them.
        waits = bool(self._gate.faults.waiting)
        with nullcontext() if waits else self._session.storage.transaction():
            for item in items:
                reached = await (self._change_set(item) if isinstance(item, ChangeSet) else self._single(item))
                if reached >= 400 and not self._session.preferences.continue_on_error:
                    return reached
        return 200

    async def _single(self, part: Part) -> int:
        done = await self._fault(part) or self._done(part, {})
        self._session.events.settle(succeeded=done.status < 400)
        self._count(part, done, done.wrote)
        self._writer.add(done)
        return done.status

    async def _change_set(self, change_set: ChangeSet) -> int:
        # All waiting comes first: what happens between the first and the last operation is seen by nobody else.
        faults = [await self._fault(part) for part in change_set.parts]
        answers: list[tuple[str | None, Answer]] = []
        try:
            with self._session.storage.transaction():
                self._do_all(change_set, faults, answers)
        except _Failed as failed:
            self._session.events.settle(succeeded=False)
            answers = [(failed.content_id, failed.answer)]
            self._writer.add_set(answers)
            return failed.answer.status
        self._session.events.settle(succeeded=True)
        self._gate.statistics.wrote(sum(done.wrote for _, done in answers))
        self._writer.add_set(answers)
        return 200

    def _do_all(
        self, change_set: ChangeSet, faults: list[Answer | None], answers: list[tuple[str | None, Answer]]
    ) -> None:
        references: dict[str, tuple[Table, str]] = {}
        for part, fault in zip(change_set.parts, faults, strict=True):
            done = fault or self._done_in_set(part, references, answers)
            self._count(part, done, 0)
            if done.status >= 400:
                raise _Failed(part.content_id, done)
            answers.append((part.content_id, done))
            if part.content_id and done.row:
                references[part.content_id] = done.row

    def _done_in_set(
        self, part: Part, references: dict[str, tuple[Table, str]], answers: list[tuple[str | None, Answer]]
    ) -> Answer:
        if part.method == "GET":
            return refused(not_allowed("GET requests are not allowed inside a change set."))
        if part.content_id and any(part.content_id == content_id for content_id, _ in answers):
            message = f"The content ID '{part.content_id}' was specified more than once within a change set."
            return refused(not_allowed(message))
        return self._done(part, references)

    def _done(self, part: Part, references: dict[str, tuple[Table, str]]) -> Answer:
        headers = Headers(part.headers)
        session = self._session.preferring(
            headers=headers, preferences=parse_preferences(headers.get("Prefer", "")), references=references
        )
        try:
            operation = _operation(session, part, headers)
        except Refusal as refusal:
            return refused(refusal)
        return answer(session, operation)

    async def _fault(self, part: Part) -> Answer | None:
        fault = await self._gate.operation(part.method, _target(part.url))
        return Answer(fault.status, fault.body, fault.headers) if fault else None

    def _count(self, part: Part, done: Answer, wrote: int) -> None:
        below = _below(_target(part.url)) or part.url
        self._gate.statistics.operation(part.method, route_of(below.partition("?")[0]), done.status)
        self._gate.statistics.wrote(wrote)
        if part.method == "GET":
            self._gate.count_rows(*done.read)
        elif done.targets:
            # The part itself has been counted as one operation already.
            self._gate.count_operations(done.targets - 1)


def _operation(session: Session, part: Part, headers: Headers) -> Operation:
    if len(part.url) > MOST_URL:
        raise not_allowed("Invalid URI: The Uri string is too long.")
    target = _target(part.url)
    path, _, query = target.partition("?")
    if path.startswith("$") and path[1:].partition("/")[0].isdigit():
        reference, slash, rest = path.partition("/")
        table, row_id = content_reference(session, reference)
        path = f"{table.set_name}({row_id}){slash}{rest}"
    else:
        below = _below(path)
        if below is None:
            raise no_such_segment(path)
        path = below
    if path == "$batch":
        raise not_allowed("A batch cannot contain another batch.")
    if part.unreadable:
        segments = parse_path(path)
        raise unreadable(segments[0].name if segments else "")
    return Operation(part.method, path, query, headers, part.body)


def _target(url: str) -> str:
    """The path and query of a URL that may be absolute, from `/`, or relative to the service root."""
    if "://" not in url.partition("?")[0]:
        return url
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _below(path: str) -> str | None:
    if not path.startswith("/"):
        return path
    found = ROOT.match(path)
    return path[found.end() :] if found else None
