"""The synchronization log of one record, the errors of a job, and deleting old entries, over HTTP.

The use cases are imported where they are called: a first call waits for its own alone.
"""

from __future__ import annotations

from functions.api.operation import Call, NoQuery, Reply, operation
from functions.queries import PageQuery, RecordQuery
from shared.core.access import Role
from shared.services.forms.job_log import DeletedJobsAnswer, DeleteJobsRequest, JobErrorsAnswer
from shared.services.forms.record_log import RecordLogAnswer

WHICH = ("unknown_mapping", "unknown_table", "ambiguous_table", "which_mapping")


class RecordLogQuery(PageQuery, RecordQuery):
    """Which record's log, and which part of it."""


@operation(Role.READER, {200: RecordLogAnswer}, problems=WHICH)
async def record_log(call: Call[RecordLogQuery]) -> Reply:
    """The synchronization log of one record (*Synchronization Log*): what was changed, when, by which rule and job.

    The last 20 touches of the pair are kept, fewer when they are long. Those of a coupling that was removed are told
    too, until `JOBS_RETENTION_DAYS` have passed. A look at a record that changed nothing is no touch. A new record is
    told without its values: the first change of a column tells what it was created with. Which records a job has
    touched is not told: that would have to be stored beside each record once more.
    """
    from shared.services.record_log import record_log as log_of

    query = call.query
    found = await log_of(
        call.services, query.mapping, query.table, query.record, after=query.continuation, limit=query.limit
    )
    return Reply(found)


@operation(Role.READER, {200: JobErrorsAnswer}, problems=("unknown_job",))
async def list_errors_of_job(call: Call[PageQuery]) -> Reply:
    """The errors of one job as they were when it met them, with those that are solved since.

    The first 200 are kept, as long as the job. What waits for a parent or a busy service is no error.
    """
    from shared.services.job_errors import errors_of_job

    query = call.query
    return Reply(await errors_of_job(call.services, call.path["id"], after=query.continuation, limit=query.limit))


@operation(Role.ADMINISTRATOR, {200: DeletedJobsAnswer}, problems=("unknown_mapping",), once=True)
async def delete_older_jobs(call: Call[NoQuery, DeleteJobsRequest]) -> Reply:
    """Deletes jobs from the log that were asked for more than so many days ago (*Delete entries older than*).

    A job that has not ended stays, and so does one that an open error refers to. Up to 10,000 jobs are looked at in one
    call; `continuation` leads on. Old entries go by themselves, too: after `JOBS_RETENTION_DAYS`, and after
    `IDLE_JOBS_RETENTION_DAYS` what the timer started and had nothing to do.
    """
    from shared.services.delete_jobs import delete_older_jobs as delete

    return Reply(await delete(call.services, call.body))
