"""The full synchronization review at work: moving on from line to line.

The review is one stored document. A line gets the id of its run when it is asked for, so whoever carries it out, and
however often, it is one run; the end of each run moves the review on, and so does the timer.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from shared.core.full_synchronization import Line, LineStatus, Recommendation, Review, begun, ended, startable
from shared.core.jobs import JobStatus, RunKind
from shared.core.mapping import Mapping
from shared.ports import StateConflict
from shared.services.context import Services
from shared.services.full_requests import queue_planned_run
from shared.services.problems import Problem
from shared.services.repositories.full_synchronization import review_in
from shared.services.repositories.one_document import OneDocument

log = logging.getLogger(__name__)
VANISHED = "The run is not there any more, and nobody can tell how it ended. Start it again."


def reviews(services: Services) -> OneDocument[Review]:
    """The review of this connection."""
    return review_in(services.state, services.connection)


async def mappings_enabled(services: Services) -> dict[str, Mapping]:
    """The enabled mappings by name."""
    return {stored.mapping.name: stored.mapping for stored in await services.mappings.all() if stored.mapping.enabled}


async def move_on(services: Services) -> None:
    """Write down which runs have ended, and ask for those whose turn it is. May be called at any time by anybody."""
    while True:
        stored = await reviews(services).get()
        if not any(line.is_under_way for line in stored.value.lines.values()):
            return
        enabled = await mappings_enabled(services)
        review = await _with_ends(services, stored.value, enabled)
        now = services.clock.now()
        ready = startable(review, enabled)
        started = [begun(line, now) for line in ready if await _start(services, enabled[line.mapping], line)]
        review = review.with_lines(started)
        if review == stored.value:
            return
        try:
            await reviews(services).save(review, stored)
        except StateConflict:
            continue
        log.info("the full synchronization moved on; begun: %s", ", ".join(line.mapping for line in started) or "none")
        return


async def _with_ends(services: Services, review: Review, enabled: dict[str, Mapping]) -> Review:
    lines = []
    for line in review.lines.values():
        if line.status is LineStatus.IN_PROCESS:
            lines.append(await _after_its_run(services, line, enabled.get(line.mapping)))
        elif line.status is LineStatus.WAITING and line.mapping not in enabled:
            lines.append(replace(line, status=LineStatus.NOT_STARTED, message="The mapping was disabled."))
    return review.with_lines(lines)


async def _after_its_run(services: Services, line: Line, mapping: Mapping | None) -> Line:
    run = await services.runs(line.mapping).get(line.run)
    if run is None:
        return ended(line, JobStatus.FAILED, VANISHED, services.clock.now(), only_coupled=False)
    if not run.ended or run.ending is None:
        return line
    only_coupled = mapping is not None and mapping.synch_only_coupled_records
    return ended(line, run.ending.status, run.ending.message, run.ending.at, only_coupled=only_coupled)


async def _start(services: Services, mapping: Mapping, line: Line) -> bool:
    """See to it that the line's run has been asked for; False while there is no place for it."""
    if line.does is not Recommendation.COUPLE_RECORDS:
        return await queue_planned_run(services, mapping, line.how, line.run, line.requested_by)
    from shared.services.forms.matching import MatchRequest
    from shared.services.matching.task import MATCH, MatchTask
    from shared.services.tasks.request import request_task

    task = MatchTask(MatchRequest.model_validate({"mapping": mapping.name}).model_dump(mode="json"))
    try:
        await request_task(
            services, mapping, RunKind.MATCH, MATCH, task, requested_by=line.requested_by, run_id=line.run
        )
    except Problem as problem:
        log.warning("%s is not coupled yet: %s", mapping.name, problem)
        return False
    return True
