"""Which actions a coupled data synchronization error offers, and why not (page Coupled Data Synchronization Errors).

What matters is which of the two records exist. Microsoft's page has coupled records only; here a record that is not
coupled, or a value without a choice, can be an error, too: what needs a coupling is refused for these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from shared.core.refusals import Refusal, RefusalCode
from shared.core.sides import Direction, Side


class ErrorAction(StrEnum):
    """What a person can do about an error."""

    RETRY = "retry"
    SYNCHRONIZE = "synchronize"
    RESTORE = "restore"
    DELETE_RECORDS = "delete_records"
    DELETE_COUPLING = "delete_coupling"
    SET_UP_COUPLING = "set_up_coupling"
    SYNCHRONIZATION_LOG = "synchronization_log"


@dataclass(frozen=True, slots=True)
class ErrorState:
    """What an action depends on: the error's `name` for people, whether it is about a record (else it is about a value
    that has no choice), whether that is coupled, which of its records exist, the mapping's direction, and whether a
    person keeps the record out of synchronization (`held`)."""

    name: str
    there: frozenset[Side]
    coupled: bool = True
    is_record: bool = True
    direction: Direction = Direction.BIDIRECTIONAL
    held: bool = False

    @property
    def survivor(self) -> Side | None:
        """The side whose record is left of a coupled pair; None when both or neither are."""
        return next(iter(self.there)) if self.coupled and len(self.there) == 1 else None


def enabled_actions(state: ErrorState) -> tuple[ErrorAction, ...]:
    """The actions that an error offers."""
    return tuple(action for action in ErrorAction if refusal_of(action, state) is None)


def refusal_of(action: ErrorAction, state: ErrorState) -> Refusal | None:
    """Why an action cannot be had for an error; None when it can."""
    if not state.is_record and action is not ErrorAction.RETRY:
        text = f"{state.name} is a value without a choice on the other side, not a record."
        return Refusal(RefusalCode.NOT_A_RECORD, text)
    if state.held and action not in _OF_HELD_RECORDS:
        return Refusal(RefusalCode.HELD, f"{state.name} is kept out of synchronization.")
    return _CONDITIONS[action](state) if state.is_record else None


def _nothing_is_deleted(state: ErrorState) -> Refusal | None:
    gone = [side for side in Side if side not in state.there]
    if not state.coupled:
        return None if state.there else Refusal(RefusalCode.GONE, f"{state.name} was deleted.")
    if not gone:
        return None
    where = " and ".join(side.product for side in gone)
    return Refusal(RefusalCode.BROKEN, f"{state.name}: the record in {where} was deleted.")


def _is_coupled(state: ErrorState) -> Refusal | None:
    return None if state.coupled else Refusal(RefusalCode.NOT_COUPLED, f"{state.name} is not coupled.")


def _both_exist(state: ErrorState) -> Refusal | None:
    return _is_coupled(state) or _nothing_is_deleted(state)


def _one_is_left(state: ErrorState) -> Refusal | None:
    if (refused := _is_coupled(state)) is not None:
        return refused
    if not state.there:
        return Refusal(RefusalCode.GONE, f"{state.name}: both records were deleted.")
    return None if state.survivor else Refusal(RefusalCode.BOTH_EXIST, f"{state.name}: both records exist.")


def _can_be_restored(state: ErrorState) -> Refusal | None:
    if (refused := _one_is_left(state)) is not None:
        return refused
    assert state.survivor is not None
    if state.direction.allows(state.survivor):
        return None
    text = f"{state.name}: the mapping is {state.direction}; it carries no data of {state.survivor.product} over."
    return Refusal(RefusalCode.DIRECTION_FORBIDS, text)


def _business_central_has_it(state: ErrorState) -> Refusal | None:
    if Side.BUSINESS_CENTRAL in state.there:
        return None
    return Refusal(RefusalCode.GONE, f"{state.name}: Business Central does not have the record.")


def _can_be_coupled(state: ErrorState) -> Refusal | None:
    """An uncoupled Dataverse row can be coupled, too: its page has no such action in Microsoft's feature."""
    return _business_central_has_it(state) if state.coupled else _nothing_is_deleted(state)


_OF_HELD_RECORDS = (ErrorAction.DELETE_COUPLING, ErrorAction.SYNCHRONIZATION_LOG)

_CONDITIONS: dict[ErrorAction, Callable[[ErrorState], Refusal | None]] = {
    ErrorAction.RETRY: _nothing_is_deleted,
    ErrorAction.SYNCHRONIZE: _both_exist,
    ErrorAction.RESTORE: _can_be_restored,
    ErrorAction.DELETE_RECORDS: _one_is_left,
    ErrorAction.DELETE_COUPLING: _is_coupled,
    ErrorAction.SET_UP_COUPLING: _can_be_coupled,
    ErrorAction.SYNCHRONIZATION_LOG: _business_central_has_it,
}
