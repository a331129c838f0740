"""Integration synchronization jobs: one row per direction of a run, with Microsoft's counters."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum

from shared.core.sides import Direction, Side


@dataclass(slots=True)
class Counters:
    """How many records ended how (Integration Synch. Job, table 5338)."""

    inserted: int = 0
    modified: int = 0
    deleted: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0
    coupled: int = 0
    uncoupled: int = 0

    def add(self, other: Counters) -> None:
        """Add another count to this one."""
        for name in _COUNTED:
            setattr(self, name, getattr(self, name) + getattr(other, name))


_COUNTED = tuple(item.name for item in fields(Counters))


class JobStatus(StrEnum):
    """Where a job stands. `failed` means that the run itself could not go on; failed records do not fail a job."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self in (JobStatus.SUCCEEDED, JobStatus.FAILED)


class Trigger(StrEnum):
    """What started a run."""

    TIMER = "timer"
    PERSON = "person"
    RULE = "rule"  # something the app noticed by itself, such as a change that ends a mapping's inactivity


class JobType(StrEnum):
    """What a job does (Integration Synch. Job, field Type)."""

    SYNCHRONIZATION = "synchronization"
    COUPLING = "coupling"
    UNCOUPLING = "uncoupling"
    PREVIEW = "preview"


class RunKind(StrEnum):
    """What a run does: synchronize what has changed, or a task that a person has given for certain records."""

    SYNCHRONIZE = "synchronize"
    COUPLE = "couple"
    UNCOUPLE = "uncouple"
    SYNCHRONIZE_NOW = "synchronize_now"
    MATCH = "match"
    RESTORE = "restore"
    DELETE = "delete"
    FIND_DELETED = "find_deleted"
    PREVIEW = "preview"
    CARRY_OUT_PREVIEW = "carry_out_preview"

    @property
    def type(self) -> JobType:
        """The type of its jobs."""
        if self is RunKind.UNCOUPLE:
            return JobType.UNCOUPLING
        if self is RunKind.PREVIEW:
            return JobType.PREVIEW
        return JobType.COUPLING if self in (RunKind.COUPLE, RunKind.MATCH) else JobType.SYNCHRONIZATION

    @property
    def has_a_job_for_each_pass(self) -> bool:
        """Whether its writes are counted by direction, as those of a synchronization."""
        return self in (RunKind.SYNCHRONIZE, RunKind.SYNCHRONIZE_NOW, RunKind.CARRY_OUT_PREVIEW)

    @property
    def keeps_its_list(self) -> bool:
        """Whether what it has listed outlives it: people look at a preview when its run is over."""
        return self is RunKind.PREVIEW

    @property
    def is_task(self) -> bool:
        """Whether it is a task: these wait beside the mapping's synchronizations and take turns with their slices."""
        return self is not RunKind.SYNCHRONIZE


@dataclass(slots=True)
class Job:
    """One direction of one run of one mapping, or all of a task. `messages` are sentences for people, each with
    how often it was said.

    `requested_by` tells which person or key asked for it; empty for the timer.
    """

    id: str
    run: str
    mapping: str
    direction: Direction
    trigger: Trigger
    requested_at: datetime
    status: JobStatus = JobStatus.QUEUED
    started_at: datetime | None = None
    finished_at: datetime | None = None
    counters: Counters = field(default_factory=Counters)
    slices: int = 0
    message: str = ""
    messages: dict[str, int] = field(default_factory=dict)
    requested_by: str = ""
    type: JobType = JobType.SYNCHRONIZATION

    @property
    def seconds(self) -> float | None:
        """How long it took from its start to its end; None when it has not come to an end."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


def passes_of(direction: Direction) -> tuple[Side, ...]:
    """The source sides of a mapping's passes in their order: To first, then From."""
    sides = (Side.BUSINESS_CENTRAL, Side.DATAVERSE)
    return tuple(side for side in sides if direction.allows(side))


def job_key(requested_at: datetime, unique: str) -> str:
    """An id that sorts the newest first: the milliseconds left until the year 2286, then something unique."""
    left = 9_999_999_999_999 - int(requested_at.timestamp() * 1000)
    return f"{left:013d}-{unique[-12:]}"
