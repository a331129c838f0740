"""What people do with the full synchronization review: look at it, start lines, leave some out, answer the question."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from shared.core.access import Caller
from shared.core.full_run import FullRun
from shared.core.full_synchronization import (
    Line,
    LineStatus,
    Question,
    Recommendation,
    Review,
    blocking,
    planned,
    recommend,
)
from shared.core.jobs import job_key
from shared.core.mapping import Mapping
from shared.core.sides import Direction
from shared.services.context import Services
from shared.services.forms.full_synchronization import FullRunForm, LineForm, StartForm
from shared.services.full_counts import counted
from shared.services.full_requests import full_run_under_way, queue_full_run
from shared.services.full_synchronization import mappings_enabled, move_on, reviews
from shared.services.job_groups import group_jobs
from shared.services.mapping_settings import MappingChange, change_mapping, mapping_named
from shared.services.pausing import not_paused
from shared.services.problems import Problem
from shared.services.repositories.jobs import Request

STARTED_AGAIN = (LineStatus.FINISHED, LineStatus.ERROR)


async def start_all(services: Services, form: StartForm, caller: Caller) -> list[str]:
    """Ask for several mappings, all that take part unless they are named; the names. Raises Problem (400, 404, 409)."""
    enabled = await mappings_enabled(services)
    left_out = {(await mapping_named(services, name)).mapping.name for name in form.exclude}
    named = [await _enabled_one(services, name) for name in form.mappings or ()]
    if both := left_out & {mapping.name for mapping in named}:
        text = f"{', '.join(sorted(both))}: a mapping is started or left out, not both."
        raise Problem(400, "contradiction", text, field="exclude")
    review = (await reviews(services).get()).value
    rest = [one for one in enabled.values() if one.name not in left_out and not review.line(one.name).excluded]
    chosen = rest if form.mappings is None else named
    await _start(services, chosen, form, caller, left_out)
    return [mapping.name for mapping in chosen]


async def start_line(services: Services, name: str, form: LineForm, caller: Caller) -> None:
    """Ask for one mapping, also one that was left out. Raises Problem (404, 409)."""
    await _start(services, [await _enabled_one(services, name)], form, caller)


async def restart_line(services: Services, name: str, form: LineForm, caller: Caller) -> None:
    """Ask again for a mapping whose line has ended, or that is abandoned. Raises Problem (404, 409)."""
    mapping = await _enabled_one(services, name)
    await move_on(services)
    line = (await reviews(services).get()).value.line(mapping.name)
    _must_not_be_on(line, services)
    if line.status not in (*STARTED_AGAIN, LineStatus.IN_PROCESS):
        raise Problem(409, "nothing_to_restart", f"{mapping.name} has not been synchronized in full yet; start it.")
    await _start(services, [mapping], form, caller)


async def exclude_line(services: Services, name: str, *, excluded: bool) -> None:
    """Leave a mapping out of the review, or take it in again. Raises Problem (404, 409)."""
    mapping = (await mapping_named(services, name)).mapping
    await move_on(services)
    await reviews(services).change(lambda review: _left_out(services, review, [mapping.name], excluded=excluded))
    await move_on(services)


async def answer_question(services: Services, name: str, caller: Caller, *, only_coupled: bool) -> None:
    """Answer whether *Synch. Only Coupled Records* is kept off. Raises Problem (404, 409)."""
    mapping = (await mapping_named(services, name)).mapping
    await move_on(services)
    if (await reviews(services).get()).value.line(mapping.name).question is not Question.OPEN:
        text = f"{mapping.name} has no open question. Change the mapping itself: synch_only_coupled_records."
        raise Problem(409, "no_open_question", text)
    change = MappingChange.model_validate({"synch_only_coupled_records": only_coupled})
    await change_mapping(services, mapping.name, change, None, caller.label)

    def answered(review: Review) -> Review:
        return review.with_lines([replace(review.line(mapping.name), question=Question.ANSWERED)])

    await reviews(services).change(answered)


async def synchronize_in_full(services: Services, name: str, form: FullRunForm, caller: Caller) -> Request:
    """Run a full synchronization of one mapping as it is set up, outside the review. Raises Problem (404, 409)."""
    mapping = await _enabled_one(services, name)
    _check_direction([mapping], unconditional=form.unconditional)
    await not_paused(services, [mapping])
    await move_on(services)
    await _nothing_is_on(services, mapping.name)
    how = FullRun(unconditional=form.unconditional, release_guard=form.release_guard)
    run = await queue_full_run(services, mapping, how, caller.label)
    return await group_jobs(services, run.jobs.values())


async def _start(
    services: Services, chosen: list[Mapping], form: LineForm, caller: Caller, left_out: Iterable[str] = ()
) -> None:
    _check_direction(chosen, unconditional=form.unconditional)
    _check_wish(chosen, form)
    await not_paused(services, chosen)
    await move_on(services)
    for mapping in chosen:
        await _nothing_is_on(services, mapping.name)
    how = FullRun(forced=True, unconditional=form.unconditional, release_guard=form.release_guard)
    lines = [replace(line, how=how) for line in await asyncio.gather(*(_looked_at(services, one) for one in chosen))]
    if form.do is not None or form.unconditional:
        wish = Recommendation(form.do or Recommendation.FULL_SYNCHRONIZATION)
        lines = [replace(line, does=wish) for line in lines]
    idle = await _idle_parents(services, chosen)

    def asked_for(review: Review) -> Review:
        now = services.clock.now()
        for line in lines:
            _must_not_be_on(review.line(line.mapping), services)
        changed = _left_out(services, review, left_out, excluded=True).with_lines(
            replace(review.line(line.mapping), does=line.does, counted=line.counted)
            for line in idle
            if review.line(line.mapping).status is LineStatus.NOT_STARTED
        )
        return changed.with_lines(planned(line, job_key(now, services.ids.new()), now, caller.label) for line in lines)

    await reviews(services).change(asked_for)
    await move_on(services)


async def _looked_at(services: Services, mapping: Mapping) -> Line:
    """A line with what is recommended now."""
    found = await counted(services, mapping)
    return Line(mapping.name, does=recommend(mapping, found), counted=found)


async def _idle_parents(services: Services, chosen: list[Mapping]) -> list[Line]:
    """The parents that nobody has started, as they are now: one without records is in nobody's way."""
    review, enabled = (await reviews(services).get()).value, await mappings_enabled(services)
    names = {mapping.name for mapping in chosen}
    parents = {one for mapping in chosen for one in blocking(mapping, review, enabled)} - names
    idle = [enabled[one] for one in sorted(parents) if review.line(one).status is LineStatus.NOT_STARTED]
    return list(await asyncio.gather(*(_looked_at(services, mapping) for mapping in idle)))


def _left_out(services: Services, review: Review, names: Iterable[str], *, excluded: bool) -> Review:
    """The review with these lines out of it, or in it again. What waits does not begin any more. Raises Problem."""
    changed = []
    for name in names:
        line = review.line(name)
        _must_not_be_on(line, services)
        waits = line.status is LineStatus.WAITING
        status = LineStatus.NOT_STARTED if excluded and waits else line.status
        changed.append(replace(line, excluded=excluded, status=status))
    return review.with_lines(changed)


async def _enabled_one(services: Services, name: str) -> Mapping:
    mapping = (await mapping_named(services, name)).mapping
    if not mapping.enabled:
        raise Problem(409, "mapping_disabled", f"{mapping.name} is disabled; enable it first (enabled: true).")
    return mapping


def _check_direction(mappings: Iterable[Mapping], *, unconditional: bool) -> None:
    both_ways = [mapping.name for mapping in mappings if mapping.direction is Direction.BIDIRECTIONAL]
    if unconditional and both_ways:
        text = (
            f"{', '.join(both_ways)}: an unconditional full synchronization is for mappings of one direction only. "
            "With two, it could not tell whose data is to be written."
        )
        raise Problem(409, "direction_forbids", text, field="unconditional")


def _check_wish(mappings: Iterable[Mapping], form: LineForm) -> None:
    if form.do is None or Recommendation(form.do) is not Recommendation.COUPLE_RECORDS:
        return
    if form.unconditional:
        text = "unconditional: coupling writes no data; leave out one of both."
        raise Problem(400, "contradiction", text, field="unconditional")
    if without := [mapping.name for mapping in mappings if not mapping.match_by]:
        text = f"{', '.join(without)}: there are no match fields to couple by."
        raise Problem(409, "no_match_fields", text, field="do")


async def _nothing_is_on(services: Services, mapping: str) -> None:
    """One full synchronization of a mapping at a time, in the review or beside it. Raises Problem (409)."""
    _must_not_be_on((await reviews(services).get()).value.line(mapping), services)
    if await full_run_under_way(services, mapping, services.clock.now()) is not None:
        raise _already_on(mapping)


def _must_not_be_on(line: Line, services: Services) -> None:
    if line.status is LineStatus.IN_PROCESS and not line.is_abandoned(services.clock.now()):
        raise _already_on(line.mapping)


def _already_on(mapping: str) -> Problem:
    text = f"A full synchronization of {mapping} is on already; wait for its end. After a day it may be started again."
    return Problem(409, "full_synchronization_running", text)
