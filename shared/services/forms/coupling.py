"""Set Up Coupling: two records that exist, or one of them created; and the search for candidates."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field, model_validator

from shared.core.coupling_requests import AfterCoupling
from shared.core.sides import Side
from shared.services.forms.base import (
    MOST_IDS,
    Answer,
    Form,
    Guid,
    JobReference,
    RecordName,
    RefusalAnswer,
    WhichMapping,
)


class PairToCouple(Form):
    """Two records that are the same thing; with `create_new` one of them, and the other is created from it."""

    business_central_id: Guid | None = Field(None, description="Id (GUID) of the BC record.")
    dataverse_id: Guid | None = Field(None, description="Id (GUID) of the Dataverse row.")
    create_new: bool = Field(False, description="Create the record whose id is left out (Create New).")
    replace: bool = Field(False, description="Give up a valid coupling of either record for this one.")

    @model_validator(mode="after")
    def _is_complete(self) -> PairToCouple:
        given = (self.business_central_id is not None) + (self.dataverse_id is not None)
        if given != (1 if self.create_new else 2):
            raise ValueError("give both ids, or one id and create_new: true")
        return self


class CoupleRequest(WhichMapping):
    """What is to be coupled. A new record gets the data of the one it is created from anyway."""

    pairs: tuple[PairToCouple, ...] = Field(min_length=1, max_length=MOST_IDS, description="The pairs.")
    synchronize_after_coupling: AfterCoupling = Field(
        AfterCoupling.NO, description="Whether the pairs are synchronized at once, and with whose data."
    )


class PairOutcome(StrEnum):
    """What became of a pair that somebody wanted coupled."""

    COUPLED = "coupled"
    COUPLE_SCHEDULED = "couple_scheduled"
    CREATE_SCHEDULED = "create_scheduled"
    IN_PLACE = "in_place"  # just this pair was coupled already
    REFUSED = "refused"


class CoupledPair(Answer):
    """One pair: both records as people know them, what became of them, and why where it was refused."""

    business_central: RecordName | None
    dataverse: RecordName | None
    outcome: PairOutcome
    refusal: RefusalAnswer | None = None


class CoupleAnswer(Answer):
    """What became of each pair, in the order asked.

    `job` couples, creates and synchronizes what is not refused, null when there is nothing to do; `scheduled` is what
    it has not done yet.
    """

    mapping: str
    coupled: int
    scheduled: int
    refused: int
    pairs: tuple[CoupledPair, ...]
    job: JobReference | None = None


class Candidate(Answer):
    """A record that could be coupled. `coupled_with` tells what it is coupled with already, `coupled_by` who asked for
    that (empty for the timer), and `coupled_at` when it was done.
    """

    side: Side
    record: RecordName
    coupled_with: RecordName | None = None
    coupled_by: str = ""
    coupled_at: datetime | None = None


class CandidatesPage(Answer):
    """Candidates: those whose number or name is just the text first, then those that begin with it."""

    mapping: str
    candidates: tuple[Candidate, ...]
    continuation: str | None = None
