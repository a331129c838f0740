"""Set Up Coupling: two records that exist, or one of them created; and the search for candidates."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, model_validator

from shared.core.sides import Side
from shared.services.forms.base import MOST_IDS, Answer, Form, Guid, JobReference, RecordName, WhichMapping


class SynchronizeAfterCoupling(StrEnum):
    """Which record's data is written to the other one once they are coupled (Synchronize After Coupling)."""

    NO = "no"
    WITH_BUSINESS_CENTRAL_DATA = "with_business_central_data"
    WITH_DATAVERSE_DATA = "with_dataverse_data"


class PairToCouple(Form):
    """Two records that are the same thing; with `create_new` one of them, and the other is created from it."""

    business_central_id: Guid | None = None
    dataverse_id: Guid | None = None
    create_new: bool = Field(False, description="Create the record whose id is left out (Create New).")

    @model_validator(mode="after")
    def _is_complete(self) -> PairToCouple:
        given = (self.business_central_id is not None) + (self.dataverse_id is not None)
        if given != (1 if self.create_new else 2):
            raise ValueError("give both ids, or one id and create_new: true")
        return self


class CoupleRequest(WhichMapping):
    """What is to be coupled. With `create_new` the new record gets the data of the one it is created from anyway."""

    pairs: tuple[PairToCouple, ...] = Field(min_length=1, max_length=MOST_IDS)
    synchronize_after_coupling: SynchronizeAfterCoupling = SynchronizeAfterCoupling.NO


class PairOutcome(StrEnum):
    """What became of a pair that somebody wanted coupled."""

    COUPLED = "coupled"
    CREATE_SCHEDULED = "create_scheduled"
    UNCHANGED = "unchanged"  # just this pair is coupled already
    REFUSED = "refused"


class PairRefusal(StrEnum):
    """Why a pair was refused."""

    ALREADY_COUPLED = "already_coupled"
    OUTSIDE_FILTER = "outside_filter"
    GONE = "gone"
    NAMED_TWICE = "named_twice"
    CREATE_NOT_ALLOWED = "create_not_allowed"
    DIRECTION_FORBIDS = "direction_forbids"


class CoupledPair(Answer):
    """One pair: both records as people know them, what became of them, and where refused why and what to do."""

    business_central: RecordName | None
    dataverse: RecordName | None
    outcome: PairOutcome
    reason: PairRefusal | None = None
    message: str = ""


class CoupleAnswer(Answer):
    """What became of each pair, in the order asked. `job` synchronizes or creates; null: nothing is left to do."""

    mapping: str
    coupled: int
    scheduled: int
    refused: int
    pairs: tuple[CoupledPair, ...]
    job: JobReference | None = None


class Candidate(Answer):
    """A record that could be coupled; `coupled_with` tells what it is coupled with already."""

    side: Side
    record: RecordName
    coupled_with: RecordName | None = None


class CandidatesPage(Answer):
    """Candidates, those whose number or name is just the text first."""

    mapping: str
    candidates: tuple[Candidate, ...]
    continuation: str | None = None
