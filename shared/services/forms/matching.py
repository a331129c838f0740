"""Match-Based Coupling: criteria, preview, suggestions."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Len
from pydantic import Field

from shared.core.likeness import Trait
from shared.core.mapping import UpdateConflictResolution
from shared.core.match_criteria import BlankValues
from shared.core.match_report import CreateNew, UnmatchedReason
from shared.services.forms.base import MOST_IDS, Answer, Guid, RecordName, WhichMapping

type MatchGroup = Annotated[tuple[str, ...], Len(1, 50)]


class CriteriaForm(WhichMapping):
    """What is compared, and by which fields: all uncoupled BC records of the mapping, or selected ones."""

    business_central_ids: tuple[Guid, ...] = Field(
        (), max_length=MOST_IDS, description="Only these BC records; none: all uncoupled ones in the mapping's filter."
    )
    match_by: tuple[MatchGroup, ...] | None = Field(
        None,
        min_length=1,
        max_length=50,
        description="Groups of BC fields, tried in this order; within a group all must agree. Left out: the mapping's.",
    )
    case_sensitive: tuple[str, ...] = Field((), max_length=50, description="The BC fields in which case matters.")
    blanks: BlankValues = Field(
        BlankValues.LEFT_OUT, description="Whether a blank text leaves the rest of its group to decide."
    )
    accumulated: bool = Field(False, description="Let the fields of earlier groups count in later ones too.")
    create_new: CreateNew = Field(CreateNew.NEVER, description="Create New in Case of No Match: for which records.")


class MatchRequest(CriteriaForm):
    """The criteria and what follows on matching."""

    synchronize_after_coupling: bool = Field(False, description="Synch. After Bulk Coupling.")
    resolve_update_conflicts: UpdateConflictResolution = Field(
        UpdateConflictResolution.NONE, description="Whose data wins in the synchronization afterwards."
    )


class PreviewRequest(CriteriaForm):
    """The criteria, and which page of the preview."""

    continuation: str | None = Field(None, max_length=200, description="From the answer before.")
    limit: int = Field(100, ge=1, le=1000, description="How many BC records at most.")


class PairToBe(Answer):
    """A pair that would be coupled, and the number of the group (the first is 0) in which both agree."""

    business_central: RecordName
    dataverse: RecordName
    group: int


class CandidateRow(Answer):
    """A row that agrees, and the BC record it is coupled with, if any."""

    row: RecordName
    coupled_with: RecordName | None = None


class LeftRecord(Answer):
    """A BC record without a partner: why, in words and with the records in question, at most ten of each kind."""

    business_central: RecordName
    reason: UnmatchedReason
    message: str
    candidates: tuple[CandidateRow, ...] = ()
    candidate_count: int = 0
    rivals: tuple[RecordName, ...] = ()
    rival_count: int = 0
    would_create: bool = False


class PreviewAnswer(Answer):
    """What match-based coupling would do, without doing it.

    `matched` and `unmatched` count the whole, `pairs` and `left` are of this page.
    """

    mapping: str
    matched: int
    unmatched: dict[UnmatchedReason, int]
    summary: str
    pairs: tuple[PairToBe, ...]
    left: tuple[LeftRecord, ...]
    continuation: str | None = None


class UnmatchedPage(Answer):
    """The BC records that a match-based coupling has left and that are still not coupled, as of now.

    `unmatched` counts them all.
    """

    mapping: str
    unmatched: dict[UnmatchedReason, int]
    left: tuple[LeftRecord, ...]
    continuation: str | None = None


class LikenessReason(Answer):
    """One line of a score: what was compared, both values, how alike (0 to 100), the weight, and the points for it."""

    trait: Trait
    business_central: str
    dataverse: str
    alike: float
    weight: int
    points: float


class SuggestedPair(Answer):
    """A row that may be the same as the BC record: the score (0 to 100) and the lines that add up to it.

    Nobody accepts it but a person, by coupling the pair.
    """

    business_central: RecordName
    dataverse: RecordName
    score: float
    reasons: tuple[LikenessReason, ...]


class SuggestionsPage(Answer):
    """Suggestions for uncoupled BC records, for each the best first."""

    mapping: str
    suggestions: tuple[SuggestedPair, ...]
    continuation: str | None = None
