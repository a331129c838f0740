"""Delete entries older than a number of days (Integration Synch. Job List): bounded work in one go, and where to go on.

What has not ended stays, and so does what an open error refers to. With a job go its errors.
"""

from __future__ import annotations

from datetime import timedelta

from shared.core.jobs import job_key
from shared.services.context import Services
from shared.services.forms.job_log import DeletedJobsAnswer, DeleteJobsRequest
from shared.services.mapping_settings import mapping_named
from shared.services.retention import MOST_PAGES, PAGE, ReferredJobs, remove_jobs


async def delete_older_jobs(services: Services, asked: DeleteJobsRequest) -> DeletedJobsAnswer:
    """Delete the jobs that were asked for before then, the newest of them first. Raises Problem (404)."""
    mapping = (await mapping_named(services, asked.mapping)).mapping.name if asked.mapping is not None else None
    oldest_kept = job_key(services.clock.now() - timedelta(days=asked.days), "")
    after: str | None = max(asked.continuation or "", oldest_kept)  # a wrong continuation takes nothing younger along
    referred = ReferredJobs(services)
    deleted = running = kept = 0
    for _ in range(MOST_PAGES):
        jobs, after = await services.jobs.page(after, PAGE)
        meant = [one for one in jobs if mapping in (None, one.mapping) and asked.type in (None, one.type)]
        ended = [one for one in meant if one.status.ended]
        old = [one for one in ended if one.id not in await referred.ids()]
        await remove_jobs(services, old)
        deleted, running = deleted + len(old), running + len(meant) - len(ended)
        kept += len(ended) - len(old)
        if after is None:
            break
    return DeletedJobsAnswer(deleted=deleted, running=running, referred=kept, continuation=after)
