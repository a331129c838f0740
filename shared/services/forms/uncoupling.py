"""Delete Coupling: of records, of a filter's records, of whole mappings."""

from __future__ import annotations

from pydantic import Field, model_validator

from shared.core.sides import Side
from shared.services.forms.base import MOST_IDS, Answer, Form, Guid, JobReference


class UncoupleRequest(Form):
    """Whose couplings are to be deleted.

    Exactly one of: ids of either side (with one mapping or a table), a filter over one side (with one mapping or a
    table), or `all` of the named mappings.
    """

    mappings: tuple[str, ...] = Field((), max_length=20, description="Names of mappings; one, unless `all` is true.")
    table: str | None = Field(None, max_length=100, description="Instead of a mapping, where only one has this table.")
    business_central_ids: tuple[Guid, ...] = Field((), max_length=MOST_IDS)
    dataverse_ids: tuple[Guid, ...] = Field((), max_length=MOST_IDS)
    filter: str | None = Field(None, max_length=4000, description="OData filter over the table of `side`.")
    side: Side = Field(Side.BUSINESS_CENTRAL, description="The side that `filter` is about.")
    all: bool = Field(False, description="Every coupling of the mappings.")

    @model_validator(mode="after")
    def _is_one_selection(self) -> UncoupleRequest:
        by_ids = bool(self.business_central_ids or self.dataverse_ids)
        if by_ids + (self.filter is not None) + self.all != 1:
            raise ValueError("give ids, or a filter, or all: true")
        if (len(self.mappings) > 0) == (self.table is not None):
            raise ValueError("give mappings or a table")
        if len(self.mappings) > 1 and not self.all:
            raise ValueError("several mappings need all: true")
        return self


class UncoupleAnswer(Answer):
    """One job of type Uncoupling per mapping. `not_coupled` are ids given that no coupling has."""

    jobs: tuple[JobReference, ...]
    scheduled: int
    not_coupled: tuple[str, ...] = ()
