"""Full synchronization over HTTP: the review, starting its lines, and the closing question.

The use cases are imported where they are called: a first call waits for its own alone.
"""

from __future__ import annotations

from typing import Any

from functions.answers import AcceptedAnswer, job_answer
from functions.api.operation import Call, NoQuery, Reply, operation
from functions.synchronization import POLL_AFTER, accepted
from shared.core.access import Role
from shared.core.jobs import JobStatus
from shared.services.forms.full_synchronization import (
    AnswerForm,
    ExcludeForm,
    FullRunForm,
    LineAnswer,
    LineForm,
    ReviewAnswer,
    StartForm,
)

ROUTE = "full-synchronization"
STARTING = (
    *("unknown_mapping", "mapping_disabled", "mapping_paused", "full_synchronization_running"),
    *("direction_forbids", "no_match_fields", "contradiction"),
)


@operation(Role.READER, {200: ReviewAnswer, 202: ReviewAnswer})
async def review_full_synchronization(call: Call) -> Reply:
    """The full synchronization review: a line for each mapping, parents first, with what is recommended for it.

    `full_synchronization`: couple what matches and create the rest. `couple_records`: both sides have records that are
    not coupled; match them first, so that none is doubled. `no_records_found`: there is nothing to do, and it is in
    nobody's way. `dependency_not_satisfied`: a mapping it depends on has failed or was not started; `message` says
    which. The status is 202 with `Location` and `Retry-After` while something is on or about to begin. Looking at lines
    that were not started reads the tables of both services.
    """
    return await _review(call)


@operation(
    Role.OPERATOR,
    {202: ReviewAnswer},
    problems=STARTING,
    once=True,
)
async def start_full_synchronization(call: Call[NoQuery, StartForm]) -> Reply:
    """Starts a full synchronization of all mappings that take part, or of those that are named.

    Each does what the review recommends, unless `do` says otherwise; a mapping begins when those it depends on have
    ended well. A full synchronization compares all records, ignores *Synch. Only Coupled Records* and looks for
    deletions on both sides. An edit made on one side only is carried over; where both sides changed the same field, or
    never agreed on it, Business Central's data wins (Dataverse's in mappings from Dataverse) whatever
    `update_conflict_resolution` says. The job's `messages` tell which columns were overwritten; a preview shows them
    before. Equal records are left alone: a second one changes nothing. `couple_records` runs match-based coupling by
    the mapping's match fields; start the line again for the full synchronization.
    """
    from shared.services.full_review import start_all

    await start_all(call.services, call.body, call.caller)
    return await _review(call, 202)


@operation(Role.READER, {200: LineAnswer, 202: LineAnswer}, problems=("unknown_mapping",))
async def get_full_synchronization(call: Call) -> Reply:
    """One line of the review; the status is 202 while it is on or about to begin."""
    return await _line(call)


@operation(Role.OPERATOR, {202: LineAnswer}, problems=STARTING, once=True)
async def start_full_synchronization_line(call: Call[NoQuery, LineForm]) -> Reply:
    """Starts one line, also one that was left out; it waits for the mappings it depends on.

    One full synchronization of a mapping at a time; one that has been on for a day is taken as abandoned.
    """
    from shared.services.full_review import start_line

    await start_line(call.services, call.path["mapping"], call.body, call.caller)
    return await _line(call, 202)


@operation(Role.OPERATOR, {202: LineAnswer}, problems=(*STARTING, "nothing_to_restart"), once=True)
async def restart_full_synchronization_line(call: Call[NoQuery, LineForm]) -> Reply:
    """Starts a line again that has ended, with or without an error, or that is abandoned.

    It begins anew; records that are in step already are not written. Where the plausibility guard has stopped it,
    `release_guard` lets it through.
    """
    from shared.services.full_review import restart_line

    await restart_line(call.services, call.path["mapping"], call.body, call.caller)
    return await _line(call, 202)


@operation(
    Role.OPERATOR,
    {200: LineAnswer},
    problems=("unknown_mapping", "full_synchronization_running"),
)
async def exclude_from_full_synchronization(call: Call[NoQuery, ExcludeForm]) -> Reply:
    """Leaves a mapping out of the review, or takes it in again; those that depend on it do not wait for it."""
    from shared.services.full_review import exclude_line

    await exclude_line(call.services, call.path["mapping"], excluded=call.body.excluded)
    return await _line(call, 200)


@operation(
    Role.ADMINISTRATOR,
    {200: LineAnswer},
    problems=("unknown_mapping", "no_open_question", "mapping_changed"),
)
async def answer_full_synchronization(call: Call[NoQuery, AnswerForm]) -> Reply:
    """Settles the closing question of a line: whether to keep *Synch. Only Coupled Records* off.

    A full synchronization takes in uncoupled records whatever the mapping's flag says. Afterwards `question` is `open`
    where the flag is on; until it is answered, scheduled runs go on with coupled records only. After the answer `false`
    the next run compares all records once more.
    """
    from shared.services.full_review import answer_question

    only_coupled = call.body.synch_only_coupled_records
    await answer_question(call.services, call.path["mapping"], call.caller, only_coupled=only_coupled)
    return await _line(call, 200)


@operation(
    Role.OPERATOR,
    {202: AcceptedAnswer},
    problems=(
        *("unknown_mapping", "mapping_disabled", "mapping_paused"),
        *("full_synchronization_running", "direction_forbids"),
    ),
    once=True,
)
async def synchronize_mapping_in_full(call: Call[NoQuery, FullRunForm]) -> Reply:
    """Compares all records of one mapping (*Run Full Synchronization*), with its filters and flags as they are.

    Uncoupled records are left alone where the mapping is for coupled ones only, and conflicts are decided as in any
    other run. With `unconditional` (*Run Unconditional Full Synchronization*) the source's data is written wherever the
    destination differs, even where it was edited since; that is for mappings of one direction.
    """
    from shared.services.full_review import synchronize_in_full

    request = await synchronize_in_full(call.services, call.path["mapping"], call.body, call.caller)
    jobs = tuple(job_answer(job) for job in await call.services.jobs.get_many(list(request.jobs)))
    return accepted(call, request.id, AcceptedAnswer(id=request.id, status=JobStatus.QUEUED, jobs=jobs))


async def _review(call: Call[Any, Any], status: int | None = None) -> Reply:
    """The review with this status; else as what goes on demands."""
    from shared.services.full_review_lines import review_of

    answer = await review_of(call.services)
    return _answered(call, ROUTE, answer, status or (202 if answer.under_way else 200))


async def _line(call: Call[Any, Any], status: int | None = None) -> Reply:
    """The line with this status; else as what goes on demands."""
    from shared.services.full_review_lines import line_of

    answer, goes_on = await line_of(call.services, call.path["mapping"])
    return _answered(call, f"{ROUTE}/{answer.mapping}", answer, status or (202 if goes_on else 200))


def _answered(call: Call[Any, Any], path: str, answer: ReviewAnswer | LineAnswer, status: int) -> Reply:
    headers = {"Location": call.address(path), "Retry-After": str(POLL_AFTER)}
    return Reply(answer, status, headers if status == 202 else {})
