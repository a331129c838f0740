"""The plausibility guard: a run that would take away an implausible share of a mapping stops and asks.

An emptied table, a wrong filter or a restored backup look like many people deleting on purpose. What is
counted is what another run cannot take back: uncoupling, blanking, and creating anew what seems to be deleted.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as ReadOnly

from shared.core.actions import Action, Change, Make, Uncouple
from shared.core.damage import NO_DAMAGE, Damage
from shared.core.mapping import Mapping
from shared.core.sides import Side
from shared.core.tables import Values

ALWAYS_ALLOWED = 10  # records a run: small mappings change by large shares


def damage_of(action: Action, before: ReadOnly[Side, Values]) -> Damage:
    """What one action takes away; `before` are the values of both sides now."""
    match action:
        case Uncouple():
            return Damage(uncoupled=1)
        case Make():
            return Damage(restored=1) if action.replaces else NO_DAMAGE
        case Change():
            blanks = any(
                value is None and before[side].get(name) is not None
                for side, values in action.writes.items()
                for name, value in values.items()
            )
            return Damage(blanked=1) if blanks else NO_DAMAGE
        case _:
            return NO_DAMAGE


def total(damages: Iterable[Damage]) -> Damage:
    """All together."""
    return sum(damages, NO_DAMAGE)


def complaint(mapping: Mapping, damage: Damage, coupled: int) -> str | None:
    """Why the run has to stop, or None when the damage is plausible. `coupled` is the number of couplings."""
    limit = max(ALWAYS_ALLOWED, coupled * mapping.guard_percent // 100)
    if mapping.guard_percent == 100 or damage.records <= limit:
        return None
    return (
        f"The run was stopped before it wrote anything more: of {coupled} coupled records it would uncouple "
        f"{damage.uncoupled}, create {damage.restored} anew as deleted ones and blank values of {damage.blanked}; "
        f"{limit} are allowed (guard_percent {mapping.guard_percent}). If that is right, release the next run with "
        f'PATCH mappings/{mapping.name} {{"release_guard": true}}.'
    )
