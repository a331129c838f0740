"""Asking for synchronization over HTTP, and the job log that tells what came of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import azure.functions as func

from functions.http import (
    accepted,
    answer,
    answering_problems,
    item_document,
    job_document,
    read_limit,
    status_address,
)
from shared.core.jobs import Job, Trigger
from shared.services.administration import Problem, enabled_mappings, items_of_job, mapping_named
from shared.services.context import Services
from shared.services.job_log import jobs_page, request_or_job
from shared.services.requests import request_synchronization


def synchronization_blueprint(services: Services) -> func.Blueprint:
    """POST synchronize (one mapping, all), GET jobs, GET one job or request."""
    blueprint = func.Blueprint()

    @blueprint.function_name("synchronize_mapping")
    @blueprint.route("mappings/{mapping}/synchronize", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
    @answering_problems
    async def synchronize_mapping(req: func.HttpRequest) -> func.HttpResponse:
        stored = await mapping_named(services, req.route_params["mapping"])
        if not stored.mapping.enabled:
            raise Problem(
                409, "mapping_disabled", f"{stored.mapping.name} is disabled; enable it first (enabled: true)."
            )
        return await _requested(req, [stored.mapping])

    @blueprint.function_name("synchronize_all")
    @blueprint.route("synchronize", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
    @answering_problems
    async def synchronize_all(req: func.HttpRequest) -> func.HttpResponse:
        return await _requested(req, enabled_mappings(await services.mappings.all()))

    @blueprint.function_name("list_jobs")
    @blueprint.route("jobs", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
    @answering_problems
    async def list_jobs(req: func.HttpRequest) -> func.HttpResponse:
        page = await jobs_page(
            services,
            mapping=req.params.get("mapping"),
            status=req.params.get("status"),
            after=req.params.get("continuation"),
            limit=read_limit(req),
        )
        return answer({"jobs": [job_document(job) for job in page.jobs], "continuation": page.continuation})

    @blueprint.function_name("get_job")
    @blueprint.route("jobs/{id}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
    @answering_problems
    async def get_job(req: func.HttpRequest) -> func.HttpResponse:
        found = await request_or_job(services, req.route_params["id"])
        if isinstance(found, Job):
            items = [item_document(item) for item in await items_of_job(services, found)]
            return _status(req, found.id, [found], job_document(found) | {"errors": items})
        jobs = found.jobs
        body = {"id": found.id, "requested_at": found.requested_at, "status": found.status}
        body |= {**asdict(found.counters), "jobs": [job_document(job) for job in jobs]}
        return _status(req, found.id, jobs, body)

    async def _requested(req: func.HttpRequest, mappings: list[Any]) -> func.HttpResponse:
        request = await request_synchronization(services, mappings, Trigger.PERSON)
        jobs = [job_document(job) for job in await services.jobs.get_many(list(request.jobs))]
        return accepted(req, request.id, {"id": request.id, "status": "queued", "jobs": jobs})

    def _status(req: func.HttpRequest, job_id: str, jobs: list[Job], body: dict[str, Any]) -> func.HttpResponse:
        body |= {"address": status_address(req, job_id)}
        if all(job.status.ended for job in jobs):
            return answer(body)
        return accepted(req, job_id, body)

    return blueprint
