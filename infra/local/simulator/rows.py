"""Rows in bulk: `/_simulator/rows`. Any number of them, in chunks, while memory stays flat and requests go on.

    POST /_simulator/rows     {"table": "account", "count": 100000, "start": 0, "step": 1, "values": {...}}
                              the rows that a template makes (see `templates`) of the numbers start, start + step, ...
    POST /_simulator/rows?table=account        with newline-delimited JSON, an object per row
    GET  /_simulator/rows?table=account&columns=accountid,name
                              newline-delimited JSON of all rows by their ids; without `columns` all columns

`operation` (in the body, or in the query) says what the rows are for:

    create     rows that were there before: with given ids, moments, and what only the service writes; nobody is told.
               They are checked like those of a client, one by one. With `tracked` false they are older than every
               position in a feed that a reader may hold
    update     what a person does to existing rows, named by their id: with all consequences, and everybody is told
    delete     the same

`user` is the person, where the simulator knows persons. A chunk of 1000 rows is stored as a whole or not at all; the
first one that is refused ends the request: 400 with the number of the row in the request, and in `rows` how many are
done.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any, Protocol

import orjson
from aiohttp import web

from infra.local.simulator.templates import Row, template_from
from infra.local.simulator.wrong_body import (
    WrongBodyError,
    a_text,
    a_whole_number,
    a_yes_or_no,
    an_object,
    known_fields,
)

CHUNK = 1000
OPERATIONS = ("create", "update", "delete")
_IN_BOTH = {"table", "operation", "tracked", "user"}
_NDJSON = "application/x-ndjson"

Chunks = AsyncIterator[Sequence[Row]]


@dataclass(frozen=True)
class Order:
    """What is to be done with rows."""

    table: str
    operation: str = "create"
    tracked: bool = True
    user: str | None = None


class WrongRowError(WrongBodyError):
    """One row of a chunk is refused, hence the chunk; `at` is its place in the chunk."""

    def __init__(self, at: int, what: str) -> None:
        super().__init__(f"rows[{at}]", what)
        self.at = at
        self.what = what


class RowsSimulator(Protocol):
    """What a simulator gives to this part of its control plane."""

    def doing(self, order: Order) -> Callable[[Sequence[Row]], Awaitable[None]]:
        """Answer what does one chunk; it raises WrongRowError, and then has done nothing. Raises WrongBodyError."""
        ...

    def dump(self, table: str, columns: Sequence[str]) -> Iterator[list[Row]]:
        """Answer all rows in chunks, each as of its own moment, as they look on the wire. Raises WrongBodyError."""
        ...


def rows_routes(simulator: RowsSimulator) -> list[web.RouteDef]:
    """Answer the routes of rows in bulk."""
    plane = _Plane(simulator)
    return [web.get("/_simulator/rows", plane.dump), web.post("/_simulator/rows", plane.store)]


class _Plane:
    def __init__(self, simulator: RowsSimulator) -> None:
        self._simulator = simulator

    async def dump(self, request: web.Request) -> web.StreamResponse:
        names = [name for name in request.query.get("columns", "").split(",") if name]
        try:
            chunks = self._simulator.dump(request.query.get("table", ""), names)
        except WrongBodyError as error:
            return _refused(error, 0)
        response = web.StreamResponse(headers={"Content-Type": _NDJSON})
        await response.prepare(request)
        for rows in chunks:
            await response.write(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))
        await response.write_eof()
        return response

    async def store(self, request: web.Request) -> web.Response:
        done, started = 0, time.monotonic()
        try:
            order, chunks = await _read(request)
            do = self._simulator.doing(order)
            async for rows in chunks:
                await do(rows)
                done += len(rows)
        except WrongRowError as error:
            return _refused(WrongRowError(done + error.at, error.what), done)
        except WrongBodyError as error:
            return _refused(error, done)
        return web.json_response({"rows": done, "seconds": round(time.monotonic() - started, 3)})


def _refused(error: WrongBodyError, done: int) -> web.Response:
    return web.json_response({"error": {"message": str(error)}, "rows": done}, status=400)


async def _read(request: web.Request) -> tuple[Order, Chunks]:
    if "table" in request.query:
        known_fields(request.query, _IN_BOTH)
        given: dict[str, Any] = dict(request.query)
        if "tracked" in given:
            given["tracked"] = {"true": True, "false": False}.get(given["tracked"])
        return _order(given), _lines(request)
    try:
        body = an_object(json.loads(await request.text()), "body")
    except ValueError as error:
        raise error if isinstance(error, WrongBodyError) else WrongBodyError("body", f"is no JSON: {error}") from error
    known_fields(body, {*_IN_BOTH, "count", "start", "step", "values"})
    return _order(body), _made(body)


def _order(given: Mapping[str, Any]) -> Order:
    operation = a_text(given.get("operation", "create"), "operation")
    if operation not in OPERATIONS:
        raise WrongBodyError("operation", f"must be one of {', '.join(OPERATIONS)}")
    user = given.get("user")
    return Order(
        a_text(given.get("table"), "table"),
        operation,
        a_yes_or_no(given.get("tracked", True), "tracked"),
        None if user is None else a_text(user, "user"),
    )


def _made(body: Mapping[str, Any]) -> Chunks:
    template = template_from(body.get("values", {}), "values")
    start, count = a_whole_number(body.get("start", 0), "start"), a_whole_number(body.get("count"), "count")
    step = a_whole_number(body.get("step", 1), "step", least=1)
    return _in_chunks(template.rows(range(start, start + count * step, step)))


async def _in_chunks(rows: Iterator[Row]) -> Chunks:
    for chunk in batched(rows, CHUNK, strict=False):
        yield chunk


async def _lines(request: web.Request) -> Chunks:
    rows: list[Row] = []
    async for line in request.content:
        if line.strip():
            rows.append(_row(line, len(rows)))
        if len(rows) == CHUNK:
            yield rows
            rows = []
    if rows:
        yield rows


def _row(line: bytes, at: int) -> Row:
    try:
        row = orjson.loads(line)
    except ValueError as error:
        raise WrongRowError(at, f"is no JSON: {error}") from error
    if not isinstance(row, dict):
        raise WrongRowError(at, "must be an object")
    return row
