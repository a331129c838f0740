"""Delete Coupling: of records, of a filter's records, of whole mappings."""

from __future__ import annotations

from pydantic import Field, model_validator

from shared.core.sides import Side
from shared.services.forms.base import MOST_IDS, Answer, Form, Guid, JobReference, RefusalAnswer


class PairToUncouple(Form):
    """Both records of a coupling: it is deleted only if they are coupled with each other."""

    business_central_id: Guid = Field(description="Id (GUID) of the BC record.")
    dataverse_id: Guid = Field(description="Id (GUID) of the Dataverse row.")


class UncoupleRequest(Form):
    """Whose couplings are to be deleted.

    Just one of: records (pairs, or ids of either side), a filter over one side, or `all`. Only `all` may be about
    several mappings.
    """

    mappings: tuple[str, ...] = Field((), max_length=20, description="Names of mappings; one, unless `all` is true.")
    table: str | None = Field(
        None, max_length=100, description="A table, instead of `mappings`, where only one mapping has it."
    )
    pairs: tuple[PairToUncouple, ...] = Field((), max_length=MOST_IDS, description="Coupled pairs.")
    business_central_ids: tuple[Guid, ...] = Field((), max_length=MOST_IDS, description="Ids (GUID) of BC records.")
    dataverse_ids: tuple[Guid, ...] = Field((), max_length=MOST_IDS, description="Ids (GUID) of Dataverse rows.")
    filter: str | None = Field(None, max_length=4000, description="OData filter over the mapped table of `side`.")
    side: Side = Field(Side.BUSINESS_CENTRAL, description="The side that `filter` is about.")
    all: bool = Field(False, description="Every coupling of the mappings.")

    @model_validator(mode="after")
    def _is_one_selection(self) -> UncoupleRequest:
        by_ids = bool(self.pairs or self.business_central_ids or self.dataverse_ids)
        if by_ids + (self.filter is not None) + self.all != 1:
            raise ValueError("give pairs or ids, or a filter, or all: true")
        if bool(self.mappings) == (self.table is not None):
            raise ValueError("give mappings or a table")
        if len(self.mappings) > 1 and not self.all:
            raise ValueError("several mappings need all: true")
        return self


class UncoupleRefusal(Answer):
    """An id that was given and is not uncoupled."""

    side: Side
    id: str
    refusal: RefusalAnswer


class UncoupleAnswer(Answer):
    """What was started: `id` is that of the request, with one job of type uncoupling per mapping.

    `scheduled` is the number of couplings to be deleted; with a filter, of those that it is asked about.
    """

    id: str
    jobs: tuple[JobReference, ...]
    scheduled: int
    refused: tuple[UncoupleRefusal, ...] = ()
