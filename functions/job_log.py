"""The synchronization log of one record over HTTP.

The use cases are imported where they are called: the app starts faster without them.
"""

from __future__ import annotations

from functions.api.operation import Call, Operation, Reply, operation
from functions.queries import PageQuery, RecordQuery
from shared.core.access import Role
from shared.services.forms.record_log import RecordLogAnswer

WHICH = ("unknown_mapping", "unknown_table", "ambiguous_table", "which_mapping")


class RecordLogQuery(PageQuery, RecordQuery):
    """Which record's log, and which part of it."""


@operation("GET", "records/log", Role.READER, {200: RecordLogAnswer}, problems=WHICH)
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


OPERATIONS: tuple[Operation, ...] = (record_log,)
