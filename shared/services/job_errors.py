"""The errors that a job met, and which of them are solved by now."""

from __future__ import annotations

from shared.services.context import Services
from shared.services.error_rows import error_answer
from shared.services.forms.job_log import JobErrorAnswer, JobErrorsAnswer
from shared.services.job_log import job_named
from shared.services.repositories.job_errors import JobErrorRepository


async def errors_of_job(services: Services, job_id: str, *, after: str | None, limit: int) -> JobErrorsAnswer:
    """A page of the errors of a job. Raises Problem (404)."""
    job = await job_named(services, job_id)
    items, continuation = await JobErrorRepository(services.state, services.connection).page(job.id, after, limit)
    still_open = await services.work_items(job.mapping).get_many([item.key for item in items])
    errors = tuple(JobErrorAnswer(**dict(error_answer(item)), solved=item.key not in still_open) for item in items)
    return JobErrorsAnswer(job=job.id, errors=errors, continuation=continuation)
