"""Asking for synchronization over HTTP, and the job log that tells what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from functions.answers import (
    AcceptedAnswer,
    JobsAnswer,
    JobStatusAnswer,
    RequestStatusAnswer,
    job_answer,
    job_status_answer,
    request_status_answer,
)
from functions.api.operation import Call, Reply, operation
from functions.queries import JobsQuery
from shared.core.access import Role
from shared.core.jobs import Job, JobStatus, Trigger
from shared.core.mapping import Mapping
from shared.services.error_list import items_of_job
from shared.services.job_log import JobsWanted, jobs_page, request_or_job
from shared.services.mapping_settings import enabled_mappings, mapping_named
from shared.services.problems import Problem
from shared.services.requests import request_synchronization

POLL_AFTER = 2  # seconds
STATUS = (JobStatusAnswer, RequestStatusAnswer)


@operation(
    Role.OPERATOR,
    {202: AcceptedAnswer},
    problems=("unknown_mapping", "mapping_disabled", "mapping_paused"),
    once=True,
)
async def synchronize_mapping(call: Call) -> Reply:
    """Synchronizes one mapping now.

    A run that already waits is joined, not doubled. The answer names one job per direction.
    """
    stored = await mapping_named(call.services, call.path["mapping"])
    if not stored.mapping.enabled:
        raise Problem(409, "mapping_disabled", f"{stored.mapping.name} is disabled; enable it first (enabled: true).")
    return await _requested(call, [stored.mapping])


@operation(Role.OPERATOR, {202: AcceptedAnswer}, problems=("mapping_paused",), once=True)
async def synchronize_all(call: Call) -> Reply:
    """Synchronizes all enabled mappings that are not paused, parents first. Otherwise as the same for one mapping."""
    return await _requested(call, enabled_mappings(await call.services.mappings.all()))


@operation(Role.READER, {200: JobsAnswer}, problems=("unknown_mapping",))
async def list_jobs(call: Call[JobsQuery]) -> Reply:
    """The job log, newest first: one job per mapping, run and direction, with the counters of Microsoft's job log.

    A job is `failed` when the run itself could not go on (`message` says why). Single records that failed are counted
    in `failed` and listed as errors; the job has `succeeded` all the same. An `idle` one ended well and had nothing to
    do: it shows that the mapping keeps its times. Very much is looked through in several pages: one with a
    `continuation` may hold less than `limit`.
    """
    query = call.query
    members = query.model_dump(exclude={"continuation", "limit"})
    page = await jobs_page(call.services, JobsWanted(**members), after=query.continuation, limit=query.limit)
    return Reply(JobsAnswer(jobs=tuple(job_answer(job) for job in page.jobs), continuation=page.continuation))


@operation(Role.READER, {200: STATUS, 202: STATUS}, problems=("unknown_job",))
async def get_job(call: Call) -> Reply:
    """What became of a request (the id in the 202 answer) or of one job.

    The status is 202 with `Location` and `Retry-After` while something is going on, and 200 when all has ended. A
    request has its jobs and their counters added up; a job has the `errors` that it saw last.
    """
    found = await request_or_job(call.services, call.path["id"])
    address = call.address(f"jobs/{found.id}")
    if isinstance(found, Job):
        shown = job_status_answer(found, address, await items_of_job(call.services, found))
        return Reply(shown) if found.status.ended else accepted(call, found.id, shown)
    answer = request_status_answer(found, address)
    return Reply(answer) if found.status.ended else accepted(call, found.id, answer)


async def _requested(call: Call, mappings: Sequence[Mapping]) -> Reply:
    request = await request_synchronization(call.services, mappings, Trigger.PERSON, call.caller.label)
    jobs = tuple(job_answer(job) for job in await call.services.jobs.get_many(list(request.jobs)))
    return accepted(call, request.id, AcceptedAnswer(id=request.id, status=JobStatus.QUEUED, jobs=jobs))


def accepted(call: Call[Any, Any], job_id: str, body: Any) -> Reply:
    """202 with the address to ask for the outcome; Power Automate follows it by itself."""
    return Reply(body, 202, {"Location": call.address(f"jobs/{job_id}"), "Retry-After": str(POLL_AFTER)})
