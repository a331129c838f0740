"""Match-Based Coupling: criteria, preview, suggestions."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from shared.core.mapping import UpdateConflictResolution
from shared.services.forms.base import MOST_IDS, Answer, Form, Guid, RecordName, WhichMapping


class MatchField(Form):
    """One criterion (Integration Field Mapping: Use For Match-Based Coupling, Match Priority, Case-Sensitive)."""

    field: str = Field(max_length=100, description="The field mapping, by its BC field.")
    match_priority: int = Field(1, ge=1, le=99, description="Groups are tried in ascending order.")
    case_sensitive: bool = False


class MatchCriteria(WhichMapping):
    """What is compared: all uncoupled BC records of the mapping, or selected ones."""

    business_central_ids: tuple[Guid, ...] = Field(
        (), max_length=MOST_IDS, description="Only these; none: every uncoupled BC record in the filter."
    )
    match_fields: tuple[MatchField, ...] | None = Field(
        None, min_length=1, max_length=50, description="Left out: the match fields that the mapping has."
    )


class MatchRequest(MatchCriteria):
    """The criteria and the three options of the dialog."""

    synchronize_after_coupling: bool = Field(False, description="Synch. After Bulk Coupling.")
    create_new: bool = Field(False, description="Create New in Case of No Match.")
    resolve_update_conflicts: UpdateConflictResolution = Field(
        UpdateConflictResolution.NONE, description="Whose data wins in the synchronization afterwards."
    )


class PreviewRequest(MatchCriteria):
    """The criteria, and which page of the preview."""

    continuation: str | None = Field(None, max_length=200)
    limit: int = Field(100, ge=1, le=1000)


class Unmatched(StrEnum):
    """Why a BC record has found no partner."""

    NO_MATCH = "no_match"
    BLANK = "blank"  # every match field is blank
    SEVERAL_MATCHES = "several_matches"
    TAKEN = "taken"  # the only match is coupled already
    CLAIMED = "claimed"  # several BC records match the same row


class MatchedPair(Answer):
    """A pair that would be coupled, and the match priority that found it."""

    business_central: RecordName
    dataverse: RecordName
    match_priority: int


class UnmatchedRecord(Answer):
    """A BC record without a partner: why, the rows in question, and for a taken row with whom that one is coupled."""

    business_central: RecordName
    reason: Unmatched
    message: str
    rows: tuple[RecordName, ...] = ()
    coupled_with: RecordName | None = None


class PreviewAnswer(Answer):
    """What match-based coupling would do, without doing it. Counts are of the whole, the lists of this page."""

    mapping: str
    compared: int
    would_couple: int
    unmatched: int
    pairs: tuple[MatchedPair, ...]
    leftovers: tuple[UnmatchedRecord, ...]
    continuation: str | None = None


class Agreement(Answer):
    """How far two values agree, 0 to 100, and what that adds to the score."""

    field: str
    business_central: str
    dataverse: str
    similarity: float
    weight: float


class Suggestion(Answer):
    """A row that may be the same as the BC record: the score (0 to 100) and what it is made of. Nobody accepts it
    but a person, by coupling the pair."""

    business_central: RecordName
    dataverse: RecordName
    score: float
    agreements: tuple[Agreement, ...]


class SuggestionsPage(Answer):
    """Suggestions for uncoupled BC records, the best first for each."""

    mapping: str
    suggestions: tuple[Suggestion, ...]
    continuation: str | None = None
