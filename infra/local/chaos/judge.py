"""Looks at everything when all is quiet, through both services' own APIs and the app's, and applies the laws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infra.local.chaos.company import MAPPING, Company, Where
from infra.local.chaos.laws import CONFLICT, lost_edits, miscounted, not_in_step, unexplained
from infra.local.chaos.people import People
from infra.local.demo.clients import App, Row
from infra.local.demo.in_step import Comparison, Pair, compare


@dataclass(frozen=True)
class Findings:
    """What was found in the end: the app's open errors, and the complaints."""

    errors: Sequence[Row]
    complaints: Sequence[str]


async def judge(company: Company, people: People, app: App) -> Findings:
    """Read everything and apply every law."""
    here, there = company.systems[Where.BUSINESS_CENTRAL], company.systems[Where.DATAVERSE]
    comparison = await compare(MAPPING, here, there)
    pairs, errors = _numbered(company, comparison), await app.errors()
    conflicting = {error["business_central_id"] for error in errors if error["reason"] == CONFLICT}
    in_conflict = {number for number, pair in pairs.items() if pair.business_central.id in conflicting}
    contested = {pair.business_central.id for number, pair in pairs.items() if people.contested(number)}
    complaints = [
        *(f"{one.mark} is in {one.table} only, or twice." for one in comparison.alone),
        *await _miscounted(company),
        *not_in_step(pairs, in_conflict),
        *lost_edits(pairs, people.edits, in_conflict),
        *unexplained(errors, contested),
        *await _still_waiting(app),
        *await _still_open(app),
    ]
    return Findings(errors, complaints)


def _numbered(company: Company, comparison: Comparison) -> dict[int, Pair]:
    numbers = {company.mark(number).casefold(): number for number in range(company.size)}
    return {numbers[mark]: pair for mark, pair in comparison.pairs.items() if mark in numbers}


async def _miscounted(company: Company) -> list[str]:
    wrong = []
    for where in Where:
        rows, known = await company.rows(where), await company.ids(where)
        wrong += miscounted(where, len(rows), len(known), company.size)
    return wrong


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
