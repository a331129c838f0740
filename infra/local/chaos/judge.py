"""The laws, checked from outside when all is quiet: through both services' own APIs and the app's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from infra.local.chaos.company import MAPPING, Company, Where
from infra.local.chaos.people import Edit, People
from infra.local.demo.clients import App, Row
from infra.local.demo.in_step import Comparison, Pair, compare


@dataclass(frozen=True)
class Findings:
    """What was found in the end: the pairs by record number, the app's open errors, and the complaints."""

    pairs: dict[int, Pair]
    errors: list[Row]
    complaints: list[str] = field(default_factory=list)


async def judge(company: Company, people: People, app: App) -> Findings:
    """Read everything and apply every law."""
    here, there = company.systems[Where.BUSINESS_CENTRAL], company.systems[Where.DATAVERSE]
    comparison = await compare(MAPPING, here, there)
    marks = {company.mark(number).casefold(): number for number in range(company.size)}
    pairs = {marks[mark]: pair for mark, pair in comparison.pairs.items() if mark in marks}
    errors = await app.errors()
    in_conflict = {number for number, pair in pairs.items() if pair.business_central.id in _conflicting(errors)}
    complaints = [
        *await _counts(company, comparison),
        *_not_in_step(pairs, in_conflict),
        *_lost_edits(pairs, people, in_conflict),
        *_unexplained(errors, {pair.business_central.id for number, pair in pairs.items() if people.contested(number)}),
        *await _still_waiting(app),
        *await _still_open(app),
    ]
    return Findings(pairs, errors, complaints)


def _conflicting(errors: Sequence[Row]) -> set[str]:
    return {str(error["business_central_id"]) for error in errors if error["reason"] == "update_conflict"}


async def _counts(company: Company, comparison: Comparison) -> list[str]:
    """Every record is there once on each side, and nothing else is."""
    wrong = [f"{one.mark} is in {one.table} only, or twice." for one in comparison.alone]
    for where in Where:
        rows, known = await company.rows(where), await company.ids(where)
        if (len(rows), len(known)) != (company.size, company.size):
            wrong.append(f"{where} has {len(rows)} rows of {len(known)} records instead of {company.size}.")
    return wrong


def _not_in_step(pairs: dict[int, Pair], in_conflict: set[int]) -> list[str]:
    """Every pair agrees field by field, but for open conflicts."""
    return [
        f"{pair.business_central.mark} differs in {', '.join(pair.differences())}."
        for number, pair in pairs.items()
        if number not in in_conflict and pair.differences()
    ]


def _lost_edits(pairs: dict[int, Pair], people: People, in_conflict: set[int]) -> list[str]:
    """What was last written into a field stands on both sides, or where it was written when it is in conflict."""
    return [
        f"{pair.business_central.mark}: the {name} was last set to {edits[-1].value} in {edits[-1].where}, and now it"
        f" is {pair.business_central.values[name]!r} and {pair.dataverse.values[name]!r}."
        for (number, name), edits in people.edits.items()
        if (pair := pairs.get(number)) is not None and not _kept(pair, name, edits[-1], number in in_conflict)
    ]


def _kept(pair: Pair, name: str, last: Edit, in_conflict: bool) -> bool:
    now = {Where.BUSINESS_CENTRAL: pair.business_central.values[name], Where.DATAVERSE: pair.dataverse.values[name]}
    return all(now[where] == last.value for where in ([last.where] if in_conflict else Where))


def _unexplained(errors: Sequence[Row], contested: set[str]) -> list[str]:
    """Only what people of both sides did to the same field may be an error."""
    return [
        f"Nobody caused this error: {error['reason']}: {error['message']}"
        for error in errors
        if error["reason"] != "update_conflict" or error["business_central_id"] not in contested
    ]


async def _still_waiting(app: App) -> list[str]:
    """No record waits for anything."""
    items = (await app.send("GET", "/api/errors?waiting=true&limit=1000")).json()["errors"]
    return [f"Still waiting: {one['reason']}: {one['message']}" for one in items if not one["is_error"]]


async def _still_open(app: App) -> list[str]:
    """Every job has ended."""
    wrong = []
    for status in ("queued", "running"):
        jobs = (await app.send("GET", f"/api/jobs?status={status}")).json()["jobs"]
        wrong += [f"The job {job['id']} of {job['mapping']} is still {status}." for job in jobs]
    return wrong
