"""What match-based coupling came to: the pairs, and for every record left over its own reason.

Microsoft writes one summary line per job; that line is here too, beside the reasons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.core.mapping import Mapping as TableMapping
from shared.core.mapping import UpdateConflictResolution
from shared.core.sides import Direction, Side

MOST_NAMED = 10  # rows or records that a reason names; how many there are is told besides


class UnmatchedReason(StrEnum):
    """Why a BC record was not coupled."""

    NONE = "no_match"
    SEVERAL = "several_matches"
    TAKEN = "match_is_coupled"
    CONTESTED = "match_is_contested"


@dataclass(frozen=True, slots=True)
class MatchedPair:
    """Two records to be coupled, and the group (0 for the first) in which they agree."""

    business_central: str
    dataverse: str
    group: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A Dataverse row that agrees, and the BC record it is coupled with, if any."""

    id: str
    taken_by: str | None = None


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A BC record that was not coupled.

    `group` is the first in which anything was found, None when nothing was. `candidates` are the rows found there and
    `rivals` other BC records that claim the same row, each at most `MOST_NAMED`; `candidate_count` and `rival_count`
    tell how many there are. `rivals_rank_higher` is whether the rivals claim it in an earlier group.
    """

    business_central: str
    reason: UnmatchedReason
    group: int | None = None
    candidates: tuple[Candidate, ...] = ()
    rivals: tuple[str, ...] = ()
    candidate_count: int = 0
    rival_count: int = 0
    rivals_rank_higher: bool = False

    def sentence(self, names: Mapping[str, str]) -> str:
        """The reason for a person; `names` tells what people call the records with these ids."""
        listed = _listed([names.get(one.id, one.id) for one in self.candidates], self.candidate_count)
        match self.reason:
            case UnmatchedReason.NONE:
                return "No row in Dataverse agrees in the match fields."
            case UnmatchedReason.SEVERAL:
                return f"{self.candidate_count} rows in Dataverse agree in the match fields: {listed}."
            case UnmatchedReason.TAKEN:
                by = self.candidates[0].taken_by or ""
                return f"{listed} agrees in the match fields and is coupled already, with {names.get(by, by)}."
            case UnmatchedReason.CONTESTED:
                others = _listed([names.get(one, one) for one in self.rivals], self.rival_count)
                how = "by a group of higher priority" if self.rivals_rank_higher else "just as well"
                return f"{listed} agrees in the match fields, and {how} with {others}."


@dataclass(frozen=True, slots=True)
class MatchPlan:
    """One page of the result, by ascending id of the BC records; `next` is where the next page starts, if any."""

    pairs: tuple[MatchedPair, ...]
    unmatched: tuple[Unmatched, ...]
    next: int | None = None


@dataclass(frozen=True, slots=True)
class MatchTotals:
    """How many records were to be coupled, and how many were left for each reason."""

    matched: int
    unmatched: Mapping[UnmatchedReason, int]

    @property
    def left(self) -> int:
        """How many records were left."""
        return sum(self.unmatched.values())

    @property
    def summary(self) -> str:
        """The one line of the job, empty when nothing was left."""
        return f"{self.left} {'record' if self.left == 1 else 'records'} could not be matched." if self.left else ""


class CreateNew(StrEnum):
    """For which records match-based coupling creates a new row (Create New in Case of No Match)."""

    NEVER = "never"
    NO_MATCH = "no_match"  # nothing was found: a new row doubles none
    UNMATCHED = "unmatched"  # whatever was found (Microsoft's behaviour): may double rows


@dataclass(frozen=True, slots=True)
class MatchOptions:
    """What follows on matching: the three options of Microsoft's page that asks for the criteria."""

    create_new: CreateNew = CreateNew.NEVER
    synchronize_after_coupling: bool = False
    resolve_update_conflicts: UpdateConflictResolution = UpdateConflictResolution.NONE

    def creates(self, mapping: TableMapping, unmatched: Unmatched) -> bool:
        """Whether a row is to be created for this record instead of reporting it."""
        if self.create_new is CreateNew.NEVER or not creates_rows(mapping):
            return False
        return self.create_new is CreateNew.UNMATCHED or unmatched.reason is UnmatchedReason.NONE

    def direction(self, mapping: TableMapping) -> Direction | None:
        """The direction of the synchronization of the newly coupled pairs; None when none is to follow."""
        if not self.synchronize_after_coupling:
            return None
        winner = self.resolve_update_conflicts.winner
        if mapping.direction is not Direction.BIDIRECTIONAL or winner is None:
            return mapping.direction
        return Direction.TO_INTEGRATION_TABLE if winner is Side.BUSINESS_CENTRAL else Direction.FROM_INTEGRATION_TABLE


def creates_rows(mapping: TableMapping) -> bool:
    """Whether the mapping creates rows in Dataverse at all (the option is hidden for mappings From Dataverse)."""
    return mapping.direction.allows(Side.BUSINESS_CENTRAL) and Side.DATAVERSE in mapping.create_new_in


def _listed(names: list[str], total: int) -> str:
    more = total - len(names)
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")
