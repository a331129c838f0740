"""The job log: what may be asked of it, the errors of a job, and deleting old entries."""

from __future__ import annotations

from pydantic import Field

from shared.core.jobs import JobType
from shared.services.forms.base import Answer, Form
from shared.services.forms.errors import ErrorAnswer


class DeleteJobsRequest(Form):
    """Which entries are to go."""

    days: int = Field(ge=0, le=3650, description="Those that were asked for more days ago than this; 0: all.")
    mapping: str | None = Field(None, max_length=20, description="Only this mapping's.")
    type: JobType | None = Field(None, description="Only those of this type.")
    continuation: str | None = Field(
        None, max_length=200, description="From the answer before; left out: the beginning."
    )


class DeletedJobsAnswer(Answer):
    """How many jobs are gone, and how many stay because they have not ended or because an open error refers to them.

    With a `continuation` there is more: ask again with it.
    """

    deleted: int
    running: int
    referred: int
    continuation: str | None


class JobErrorAnswer(ErrorAnswer):
    """An error as it was when the job met it; `solved` tells that the record has come in step since."""

    solved: bool


class JobErrorsAnswer(Answer):
    """A page of the errors of one job; of very many the first 200 are kept."""

    job: str
    errors: tuple[JobErrorAnswer, ...]
    continuation: str | None
