"""What the functions answer, as types. Each is made of the use cases' own types, by the names of their members."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict

from shared.core.jobs import Counters, Job, JobStatus, JobType, Trigger
from shared.core.mapping import Mapping
from shared.core.mapping_problem import MappingProblem
from shared.core.notifications import Desk
from shared.core.retention import is_idle
from shared.core.schedule import ScheduleStatus, Standing
from shared.core.sides import Direction
from shared.services.error_rows import error_answer
from shared.services.forms.base import Answer
from shared.services.forms.errors import ErrorAnswer
from shared.services.health import AppHealth
from shared.services.job_log import RequestStatus
from shared.services.repositories.mappings import StoredMapping
from shared.services.repositories.runs import MappingState
from shared.services.repositories.work_items import WorkItem


class MessageAnswer(Answer):
    """A sentence of a job, and how often it was said."""

    text: str
    count: int


class CountersAnswer(Answer):
    """How many records ended how, as in Microsoft's job log."""

    inserted: int
    modified: int
    deleted: int
    unchanged: int
    skipped: int
    failed: int
    coupled: int
    uncoupled: int


class JobAnswer(CountersAnswer):
    """One direction of one run of one mapping, or all of a task. `failed` as status: the run itself could not go on.

    `seconds` is how long it took, null while it has not ended; `idle` tells that it ended well and had nothing to do.
    """

    id: str
    run: str
    mapping: str
    type: JobType
    direction: Direction
    trigger: Trigger
    requested_by: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    seconds: float | None
    idle: bool
    status: JobStatus
    slices: int
    message: str
    messages: tuple[MessageAnswer, ...]


class JobsAnswer(Answer):
    """A page of the job log, the newest first; `continuation` leads to the next one, null at the end."""

    jobs: tuple[JobAnswer, ...]
    continuation: str | None


class AcceptedAnswer(Answer):
    """What was started. `Location` tells what becomes of it."""

    id: str
    status: JobStatus
    jobs: tuple[JobAnswer, ...]


class JobStatusAnswer(JobAnswer):
    """One job, its own address, and what it could not bring in step and is still open."""

    kind: Literal["job"] = "job"
    address: str
    errors: tuple[ErrorAnswer, ...]


class RequestStatusAnswer(CountersAnswer):
    """What somebody asked for at once: its jobs, and their counters added up."""

    kind: Literal["request"] = "request"
    id: str
    address: str
    requested_at: datetime
    status: JobStatus
    jobs: tuple[JobAnswer, ...]


class StateAnswer(Answer):
    """How far a mapping has come."""

    running: bool
    queued: bool
    last_started_at: datetime | None
    last_finished_at: datetime | None
    next_due_at: datetime | None
    message: str
    status: ScheduleStatus
    why: str


class WarningAnswer(Answer):
    """What is allowed in a mapping and yet not wise."""

    code: str
    member: str
    message: str
    warning: bool


class MappingAnswer(Mapping):
    """A mapping with its field mappings, its version, and where it stands."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    etag: str
    state: StateAnswer
    warnings: tuple[WarningAnswer, ...]


class MappingsAnswer(Answer):
    """A page of mappings by name."""

    mappings: tuple[MappingAnswer, ...]
    continuation: str | None


class CheckAnswer(Answer):
    """What was tried, whether it works, and what a person does if it does not.

    `connection` is null for what all connections have in common.
    """

    connection: str | None
    name: str
    ok: bool
    message: str
    fix: str


class MappingHealthAnswer(StateAnswer):
    """Whether a mapping keeps its times."""

    connection: str
    mapping: str


class NotificationHealthAnswer(Answer):
    """Whether notifications arrive; `trouble` says why the last one did not."""

    connection: str
    last_sent_at: datetime | None
    failures: int
    trouble: str
    retry_at: datetime | None


class HealthAnswer(Answer):
    """Every dependency, and every mapping's punctuality (none while the storage does not answer).

    `notifications` is empty where none are set up.
    """

    status: Literal["ok", "trouble"]
    checks: tuple[CheckAnswer, ...]
    mappings: tuple[MappingHealthAnswer, ...]
    notifications: tuple[NotificationHealthAnswer, ...]


def job_answer(job: Job) -> JobAnswer:
    """A job with its counters beside the other members."""
    return JobAnswer(**_members_of_job(job))


def job_status_answer(job: Job, address: str, items: list[WorkItem]) -> JobStatusAnswer:
    """The same with what came of it."""
    errors = tuple(error_answer(item) for item in items)
    return JobStatusAnswer(**_members_of_job(job), address=address, errors=errors)


def request_status_answer(found: RequestStatus, address: str) -> RequestStatusAnswer:
    """A request and its jobs."""
    return RequestStatusAnswer(
        id=found.id,
        address=address,
        requested_at=found.requested_at,
        status=found.status,
        jobs=tuple(job_answer(job) for job in found.jobs),
        **_counters(found.counters),
    )


def mapping_answer(
    stored: StoredMapping, state: MappingState, found: Standing, warnings: list[MappingProblem]
) -> MappingAnswer:
    """A mapping, its version, and where it stands."""
    return MappingAnswer(
        **dict(stored.mapping),
        etag=stored.etag,
        state=StateAnswer(**_state(state, found)),
        warnings=tuple(WarningAnswer.model_validate(warning) for warning in warnings),
    )


def health_answer(found: AppHealth) -> HealthAnswer:
    """The health report."""
    checks = [(None, check) for check in found.common]
    own = [(name, check) for name, one in found.connections.items() for check in one.checks]
    mappings = [(name, state) for name, one in found.connections.items() for state in one.mappings]
    return HealthAnswer(
        status="ok" if found.ok else "trouble",
        checks=tuple(CheckAnswer(connection=name, **asdict(check)) for name, check in [*checks, *own]),
        mappings=tuple(
            MappingHealthAnswer(connection=name, mapping=one.mapping, **_state(one.state, one.standing))
            for name, one in mappings
        ),
        notifications=tuple(
            _notification_health(name, one.desk) for name, one in found.connections.items() if one.desk is not None
        ),
    )


def _notification_health(connection: str, desk: Desk) -> NotificationHealthAnswer:
    return NotificationHealthAnswer(
        connection=connection,
        last_sent_at=desk.last_sent_at,
        failures=desk.failures,
        trouble=desk.trouble,
        retry_at=desk.retry_at,
    )


def _members_of_job(job: Job) -> dict[str, Any]:
    own = {name: getattr(job, name) for name in JobAnswer.model_fields if hasattr(job, name)}
    messages = tuple(MessageAnswer(text=text, count=count) for text, count in job.messages.items())
    return own | _counters(job.counters) | {"messages": messages, "idle": job.status.ended and is_idle(job)}


def _counters(counters: Counters) -> dict[str, Any]:
    return {name: count for name, count in asdict(counters).items() if name in CountersAnswer.model_fields}


def _state(state: MappingState, found: Standing) -> dict[str, Any]:
    return {
        "running": state.active is not None,
        "queued": state.queued is not None or bool(state.waiting),
        "last_started_at": state.last_started_at,
        "last_finished_at": state.last_finished_at,
        "next_due_at": state.next_due_at,
        "message": state.last_message,
        "status": found.status,
        "why": found.why,
    }
