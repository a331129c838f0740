"""The decision table: for every state of a pair, the one rule that applies.

Written once for a side and its other side; `rule_for` tries both ways round. Rules are tried from the top, the first
that fits applies; `docs/rules.md` is made from this table, and the tests visit every rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.core.mapping import DeletionConflictResolution, WhenOutsideFilter
from shared.core.mapping import Mapping as TableMapping
from shared.core.reasons import Reason
from shared.core.sides import Side


class State(StrEnum):
    """What one side of a pair is, as far as a decision depends on it."""

    UNCHANGED = "unchanged"  # as both sides last agreed
    CHANGED = "changed"
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


HERE = frozenset({State.UNCHANGED, State.CHANGED, State.OUTSIDE})
INSIDE = frozenset({State.UNCHANGED, State.CHANGED})
ANY = frozenset(State) - {State.ABSENT}


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


_GONE, _ABSENT, _OUTSIDE = _one(State.GONE), _one(State.ABSENT), _one(State.OUTSIDE)
_REMOVE, _RESTORE = DeletionConflictResolution.REMOVE_COUPLING, DeletionConflictResolution.RESTORE_RECORDS
_FREEZE, _UNCOUPLE = WhenOutsideFilter.FREEZE, WhenOutsideFilter.UNCOUPLE

RULES: tuple[Rule, ...] = (
    # A record that is not coupled: `this` is the record, the other side has none.
    Rule(False, HERE, _ABSENT, Step.LEAVE, Reason.NOT_COUPLED, only_coupled=True),
    Rule(False, HERE, _ABSENT, Step.LEAVE, Reason.DIRECTION_FORBIDS, allowed=False),
    Rule(False, _OUTSIDE, _ABSENT, Step.LEAVE, Reason.OUTSIDE_FILTER),
    Rule(False, INSIDE, _ABSENT, Step.HOLD, Reason.CREATE_NOT_ALLOWED, creates=False),
    Rule(False, INSIDE, _ABSENT, Step.CREATE, Reason.NEW_RECORD),
    # A coupled pair of which a record was deleted: `this` survives, the other side is gone.
    Rule(True, _GONE, _GONE, Step.UNCOUPLE, Reason.BOTH_DELETED),
    Rule(True, HERE, _GONE, Step.UNCOUPLE, Reason.COUPLING_REMOVED, deletion=_REMOVE),
    Rule(True, INSIDE, _GONE, Step.RESTORE, Reason.RESTORED, deletion=_RESTORE, allowed=True),
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


def rule_for(mapping: TableMapping, coupled: bool, states: Mapping[Side, State]) -> Found:
    """The first rule that fits the pair, either way round. Raises LookupError for a pair that cannot be."""
    for rule in RULES:
        for this in Side:
            if _fits(rule, mapping, coupled, states, this):
                return Found(rule, this)
    raise LookupError(f"no rule for {dict(states)}, coupled: {coupled}")


def _fits(rule: Rule, mapping: TableMapping, coupled: bool, states: Mapping[Side, State], this: Side) -> bool:
    settings = (
        (rule.only_coupled, mapping.synch_only_coupled_records),
        (rule.allowed, mapping.direction.allows(this)),
        (rule.creates, this.other in mapping.create_new_in),
        (rule.deletion, mapping.deletion_conflict_resolution),
        (rule.outside, mapping.when_outside_filter),
    )
    return (
        rule.coupled is coupled
        and states[this] in rule.this
        and states[this.other] in rule.other
        and all(wanted is None or wanted == actual for wanted, actual in settings)
    )
