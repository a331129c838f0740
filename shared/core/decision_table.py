"""The decision table: for every state of a pair, the one rule that applies.

Written once for a side and its other side; `rule_for` tries both ways round. Rules are tried from the top, the first
that fits applies; `docs/rules.md` is made from this table, and the tests visit every rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from shared.core.mapping import DeletionConflictResolution, WhenOutsideFilter
from shared.core.mapping import Mapping as TableMapping
from shared.core.reasons import Reason
from shared.core.sides import Direction, Side


class State(StrEnum):
    """What one side of a pair is, as far as a decision depends on it."""

    INSIDE = "inside"  # exists and passes the mapping's filter; whether it changed is for the merge to say
    OUTSIDE = "outside"  # exists, but does not pass the mapping's filter
    GONE = "gone"  # deleted
    ABSENT = "absent"  # there is no counterpart


class Step(StrEnum):
    """What is to be done with a pair."""

    LEAVE = "leave"
    MERGE = "merge"  # field by field: see core.merge
    CREATE = "create"
    RESTORE = "restore"
    UNCOUPLE = "uncouple"
    HOLD = "hold"  # nothing is written; a work item remembers it


HERE = frozenset({State.INSIDE, State.OUTSIDE})


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: the pair is coupled or not, this side is one of `this`, the other one of `other`, the settings fit.

    None for a setting means that it does not matter. `allowed` is whether the mapping's direction lets values travel
    from this side to the other, `creates` whether the mapping creates records on the other side.
    """

    coupled: bool
    this: frozenset[State]
    other: frozenset[State]
    step: Step
    reason: Reason
    only_coupled: bool | None = None
    allowed: bool | None = None
    creates: bool | None = None
    deletion: DeletionConflictResolution | None = None
    outside: WhenOutsideFilter | None = None


def _one(state: State) -> frozenset[State]:
    return frozenset({state})


_INSIDE, _OUTSIDE, _GONE, _ABSENT = map(_one, State)
_REMOVE, _RESTORE = DeletionConflictResolution.REMOVE_COUPLING, DeletionConflictResolution.RESTORE_RECORDS
_FREEZE, _UNCOUPLE = WhenOutsideFilter.FREEZE, WhenOutsideFilter.UNCOUPLE

RULES: tuple[Rule, ...] = (
    # A record that is not coupled: `this` is the record, the other side has none.
    Rule(False, HERE, _ABSENT, Step.LEAVE, Reason.NOT_COUPLED, only_coupled=True),
    Rule(False, HERE, _ABSENT, Step.LEAVE, Reason.DIRECTION_FORBIDS, allowed=False),
    Rule(False, _OUTSIDE, _ABSENT, Step.LEAVE, Reason.OUTSIDE_FILTER),
    Rule(False, _INSIDE, _ABSENT, Step.HOLD, Reason.CREATE_NOT_ALLOWED, creates=False),
    Rule(False, _INSIDE, _ABSENT, Step.CREATE, Reason.NEW_RECORD),
    # A coupled pair of which a record was deleted: `this` survives, the other side is gone.
    Rule(True, _GONE, _GONE, Step.UNCOUPLE, Reason.BOTH_DELETED),
    Rule(True, HERE, _GONE, Step.UNCOUPLE, Reason.COUPLING_REMOVED, deletion=_REMOVE),
    Rule(True, _INSIDE, _GONE, Step.RESTORE, Reason.RESTORED, deletion=_RESTORE, allowed=True),
    Rule(True, HERE, _GONE, Step.HOLD, Reason.DELETION_CONFLICT),
    # A coupled pair of which a record has left the filter: `this` is outside.
    Rule(True, _OUTSIDE, HERE, Step.UNCOUPLE, Reason.LEFT_FILTER, outside=_UNCOUPLE),
    Rule(True, _OUTSIDE, HERE, Step.LEAVE, Reason.OUTSIDE_FILTER, outside=_FREEZE),
    # A coupled pair, both there.
    Rule(True, HERE, HERE, Step.MERGE, Reason.SOURCE_CHANGED),
)


@dataclass(frozen=True, slots=True)
class Found:
    """The rule that applies, and which side is its `this`."""

    rule: Rule
    this: Side


class Settings(NamedTuple):
    """The settings of a mapping that the rules ask for."""

    only_coupled: bool
    direction: Direction
    creates: tuple[Side, ...]
    deletion: DeletionConflictResolution
    outside: WhenOutsideFilter


def rule_for(mapping: TableMapping, coupled: bool, states: Mapping[Side, State]) -> Found:
    """The first rule that fits the pair, either way round. Raises LookupError for a pair that cannot be."""
    settings = Settings(
        mapping.synch_only_coupled_records,
        mapping.direction,
        mapping.create_new_in,
        mapping.deletion_conflict_resolution,
        mapping.when_outside_filter,
    )
    return _rule_for(settings, coupled, states[Side.BUSINESS_CENTRAL], states[Side.DATAVERSE])


@lru_cache(maxsize=1000)
def _rule_for(settings: Settings, coupled: bool, business_central: State, dataverse: State) -> Found:
    states = {Side.BUSINESS_CENTRAL: business_central, Side.DATAVERSE: dataverse}
    for rule in RULES:
        for this in Side:
            if _fits(rule, settings, coupled, states, this):
                return Found(rule, this)
    raise LookupError(f"no rule for {states}, coupled: {coupled}")


def _fits(rule: Rule, settings: Settings, coupled: bool, states: Mapping[Side, State], this: Side) -> bool:
    wishes = (
        (rule.only_coupled, settings.only_coupled),
        (rule.allowed, settings.direction.allows(this)),
        (rule.creates, this.other in settings.creates),
        (rule.deletion, settings.deletion),
        (rule.outside, settings.outside),
    )
    return (
        rule.coupled is coupled
        and states[this] in rule.this
        and states[this.other] in rule.other
        and all(wanted is None or wanted == actual for wanted, actual in wishes)
    )
