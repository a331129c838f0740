"""The actions on coupled data synchronization errors over HTTP.

The use cases are imported where they are called: a first call waits for its own alone.
"""

from __future__ import annotations

from typing import Any

from functions.api.operation import Call, NoQuery, Reply, operation
from functions.synchronization import accepted
from shared.core.access import Role
from shared.services.forms.errors import (
    ErrorActionAnswer,
    ErrorSelection,
    FindDeletedAnswer,
    RetryAllRequest,
    SetUpCouplingRequest,
    SynchronizeErrorsRequest,
)

STARTED = {200: ErrorActionAnswer, 202: ErrorActionAnswer}
SELECTING = ("unknown_mapping",)
TASKS = ("unknown_mapping", "too_many_tasks")
PATIENCE = 5.0  # seconds that a caller waits for a task that only couples


@operation(Role.OPERATOR, STARTED, problems=SELECTING, once=True)
async def retry_errors(call: Call[NoQuery, ErrorSelection]) -> Reply:
    """Tries errors again with a run of their mappings (*Retry*); nothing is skipped any more.

    Refused for an error of which a record was deleted. Like with all actions on errors, what cannot be had for one of
    them is refused for that one, with a code and a sentence, and the rest is done; the status is 200 when nothing was.
    """
    from shared.services.solving_errors import retry

    return _started(call, await retry(call.services, call.body, call.caller))


@operation(Role.OPERATOR, STARTED, problems=SELECTING, once=True)
async def retry_all_errors(call: Call[NoQuery, RetryAllRequest]) -> Reply:
    """Tries all errors again, or all that a filter lets through (*Retry All*), whatever has become of their records."""
    from shared.services.solving_errors import retry_all

    return _started(call, await retry_all(call.services, call.body, call.caller))


@operation(Role.OPERATOR, STARTED, problems=(*TASKS, "unknown_field"), once=True)
async def synchronize_errors(call: Call[NoQuery, SynchronizeErrorsRequest]) -> Reply:
    """Synchronizes the records of errors with the data of the side that is chosen (*Synchronize*).

    It is forced: what was edited on the other side is overwritten. With `fields` each field takes the value of the side
    that is named for it, and the rest is merged. A unidirectional mapping goes its own way with `merge`; the opposite
    one is refused. That an error was skipped is cleared first.
    """
    from shared.services.synchronizing_errors import synchronize_errors as synchronize

    return _started(call, await synchronize(call.services, call.body, call.caller))


@operation(Role.OPERATOR, STARTED, problems=TASKS, once=True)
async def restore_records(call: Call[NoQuery, ErrorSelection]) -> Reply:
    """Creates deleted records anew from those that are left (*Restore Records*), and couples them.

    For errors of which just one record exists. The mapping's filters do not matter, nor whether it synchronizes only
    coupled records; its direction does: the data of the record that is left must be allowed to travel.
    """
    from shared.services.solving_errors import restore

    return _started(call, await restore(call.services, call.body, call.caller))


@operation(Role.OPERATOR, STARTED, problems=TASKS, once=True)
async def delete_records(call: Call[NoQuery, ErrorSelection]) -> Reply:
    """Deletes the records that are left, too, and their couplings (*Delete Records*).

    For errors of which just one record exists. A record that was edited since its error was looked at is not deleted.
    Where the service refuses, the job says why, and record, coupling and error stay.
    """
    from shared.services.solving_errors import delete_records as delete

    return _started(call, await delete(call.services, call.body, call.caller))


@operation(Role.OPERATOR, STARTED, problems=TASKS, once=True)
async def delete_couplings(call: Call[NoQuery, ErrorSelection]) -> Reply:
    """Deletes the couplings of errors (*Delete Coupling*); the records stay.

    With a customer go the couplings of the persons under it, as a job of their own.
    """
    from shared.services.solving_errors import delete_couplings as uncouple

    return _started(call, await uncouple(call.services, call.body, call.caller))


@operation(Role.OPERATOR, STARTED, problems=TASKS, once=True)
async def set_up_coupling(call: Call[NoQuery, SetUpCouplingRequest]) -> Reply:
    """Couples the record of one error with another record, or with a new one (*Set Up Coupling*).

    The coupling that the record has is given up; a valid one of the other record is not. For errors whose record exists
    in Business Central; a Dataverse row that is not coupled can be coupled, too. The error goes with it.
    """
    from shared.services.synchronizing_errors import set_up_coupling as couple

    return _started(call, await couple(call.services, call.body, call.caller, patience=PATIENCE))


@operation(Role.OPERATOR, {202: FindDeletedAnswer}, problems=TASKS, once=True)
async def find_deleted(call: Call) -> Reply:
    """Looks for coupled records that were deleted (*Find for Deleted*); what it finds becomes errors.

    In Microsoft's feature only couplings of unidirectional mappings are looked at, and a record outside the mapping's
    filter counts as deleted. Here it is any mapping and both sides, and each deletion is confirmed by a direct read. A
    coupling of which both records are gone is deleted. What a mapping's *Deletion-Conflict Resolution* says is done by
    its next run.
    """
    from shared.services.finding_deleted import find_deleted as find

    answer = await find(call.services, call.path["mapping"], call.caller)
    return accepted(call, answer.id, answer)


@operation(Role.OPERATOR, {202: FindDeletedAnswer}, problems=("too_many_tasks",), once=True)
async def find_all_deleted(call: Call) -> Reply:
    """Looks for deleted records in all enabled mappings; otherwise as the same for one mapping."""
    from shared.services.finding_deleted import find_deleted as find

    answer = await find(call.services, None, call.caller)
    return accepted(call, answer.id, answer)


def _started(call: Call[Any, Any], answer: ErrorActionAnswer) -> Reply:
    return accepted(call, answer.id, answer) if answer.id else Reply(answer)
