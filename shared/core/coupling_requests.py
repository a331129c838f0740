"""Couple and uncouple as people ask for it: what is to be done, or why not.

Source: the page CRM Coupling Record (Set Up Coupling), Create New, and the deletion of couplings. A coupling whose
other record was deleted stands in nobody's way: it is replaced. Unlike on that page, a valid coupling is replaced only
when the request says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.core.actions import Seen, View
from shared.core.coupling import Coupling
from shared.core.mapping import Mapping as TableMapping
from shared.core.records import Record
from shared.core.refusals import Refusal, RefusalCode, name_of_end, name_of_record
from shared.core.sides import Direction, Side, direction_from
from shared.core.tables import Table
from shared.core.transfer import Tables


class AfterCoupling(StrEnum):
    """Whether the two records are synchronized once they are coupled, and with whose data."""

    NO = "no"
    WITH_BUSINESS_CENTRAL_DATA = "business_central_data"
    WITH_DATAVERSE_DATA = "dataverse_data"

    @property
    def source(self) -> Side | None:
        """The side whose data is kept."""
        return {
            AfterCoupling.WITH_BUSINESS_CENTRAL_DATA: Side.BUSINESS_CENTRAL,
            AfterCoupling.WITH_DATAVERSE_DATA: Side.DATAVERSE,
        }.get(self)


@dataclass(frozen=True, slots=True)
class PairRequest:
    """One pair that a request names, by both ids or by one of them."""

    business_central: str | None = None
    dataverse: str | None = None

    def id_at(self, side: Side) -> str | None:
        """The id named on `side`."""
        return self.business_central if side is Side.BUSINESS_CENTRAL else self.dataverse

    @property
    def named(self) -> tuple[tuple[Side, str], ...]:
        """The records that are named."""
        return tuple((side, one) for side in Side if (one := self.id_at(side)) is not None)


@dataclass(frozen=True, slots=True)
class CoupleRequest(PairRequest):
    """Couple two records; or one with a new record on the other side (`create_new`).

    `replace` gives up a valid coupling of either record for the new one.
    """

    create_new: bool = False
    synchronize: AfterCoupling = AfterCoupling.NO
    replace: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of a record that a request names.

    `view` is present or gone. `coupling` is the one it has in this mapping, `partner_is_gone` whether the other record
    of that was deleted. `other_table` is the table that the id belongs to when it is not the mapping's. `held`: a
    person keeps it out of synchronization.
    """

    view: View
    coupling: Coupling | None = None
    partner_is_gone: bool = False
    other_table: str | None = None
    held: bool = False


@dataclass(frozen=True, slots=True)
class Couple:
    """Couple these records in place of the couplings `replaces`; then synchronize in `direction`, if any."""

    records: Mapping[Side, Record]
    replaces: tuple[Coupling, ...] = ()
    direction: Direction | None = None


@dataclass(frozen=True, slots=True)
class CreateNew:
    """Create a record on `side` from `source` and couple both, in place of the broken coupling `replaces`."""

    side: Side
    source: Record
    replaces: Coupling | None = None


@dataclass(frozen=True, slots=True)
class InPlace:
    """The two records are coupled with each other already; synchronize in `direction`, if any."""

    coupling: Coupling
    direction: Direction | None = None


type CoupleDecision = Couple | CreateNew | InPlace | Refusal


def couple(
    mapping: TableMapping, request: CoupleRequest, found: Mapping[Side, Found], tables: Tables
) -> CoupleDecision:
    """What to do about one couple request; `found` has an entry for every record that it names."""
    if len(request.named) != (1 if request.create_new else 2):
        return Refusal(RefusalCode.INCOMPLETE, "A coupling takes a record of each side, or one and a new one.")
    for side, one in request.named:
        if (refused := _unfit(mapping, side, one, found[side], tables[side])) is not None:
            return refused
    if request.create_new:
        return _create_new(mapping, request, found, tables)
    if (refused := _direction_refused(mapping, request.synchronize)) is not None:
        return refused
    return _couple(request, found, tables)


def repeated(requests: Sequence[PairRequest]) -> dict[int, Refusal]:
    """Refusals, by position, of all requests that share a record: which of them was meant is not ours to say."""
    positions: dict[tuple[Side, str], list[int]] = {}
    for at, request in enumerate(requests):
        for named in request.named:
            positions.setdefault(named, []).append(at)
    refused: dict[int, Refusal] = {}
    for (side, one), where in positions.items():
        if len(where) > 1:
            listed = ", ".join(str(at + 1) for at in where)
            message = f"The {side.product} record {one} is named more than once: in the pairs {listed}."
            refused |= {at: Refusal(RefusalCode.REPEATED, message) for at in where if at not in refused}
    return refused


def uncouple(request: PairRequest, found: Mapping[Side, Coupling | None], tables: Tables) -> Coupling | Refusal:
    """The coupling to remove for a request; `found` is the coupling of every record that it names.

    Whether the records exist does not matter: a broken coupling goes the same way.
    """
    if not request.named:
        return Refusal(RefusalCode.INCOMPLETE, "No record is named.")
    couplings = [(side, one, found.get(side)) for side, one in request.named]
    for side, one, coupling in couplings:
        if coupling is None:
            return Refusal(RefusalCode.NOT_COUPLED, f"{tables[side].caption} {one} is not coupled.")
    side, _, coupling = couplings[0]
    assert coupling is not None
    wanted = request.id_at(side.other)
    if wanted is not None and coupling.at(side.other).id != wanted:
        here, there = (name_of_end(coupling.at(end), tables[end]) for end in (side, side.other))
        message = f"{here} is coupled with {there}, not with {tables[side.other].caption} {wanted}."
        return Refusal(RefusalCode.OTHER_PARTNER, message)
    return coupling


def _unfit(mapping: TableMapping, side: Side, one: str, found: Found, table: Table) -> Refusal | None:
    """Why a record cannot be coupled in this mapping, whatever with."""
    if found.other_table is not None:
        text = f"{one} is a record of {found.other_table}, not of {table.name}, which {mapping.name} maps."
        return Refusal(RefusalCode.WRONG_TABLE, text)
    if found.view.seen is not Seen.PRESENT or found.view.record is None:
        return Refusal(RefusalCode.GONE, f"{side.product} has no {table.caption} {one}.")
    name = name_of_record(found.view.record, table)
    if found.held:
        return Refusal(RefusalCode.HELD, f"{name} is kept out of {mapping.name}: nothing is coupled or created for it.")
    if not found.view.in_filter:
        return Refusal(RefusalCode.OUTSIDE_FILTER, f"{name} is outside the filter of {mapping.name} in {side.product}.")
    return None


def _create_new(
    mapping: TableMapping, request: CoupleRequest, found: Mapping[Side, Found], tables: Tables
) -> CreateNew | Refusal:
    ((source, _),) = request.named
    target, here = source.other, found[source]
    assert here.view.record is not None
    if here.coupling is not None and not here.partner_is_gone:
        return _already_coupled(source, here.coupling, tables)
    name = name_of_record(here.view.record, tables[source])
    what = f"No {tables[target].caption} can be created in {target.product} from {name}"
    if not mapping.direction.allows(source):
        return Refusal(RefusalCode.DIRECTION_FORBIDS, f"{what}: {mapping.name} is {mapping.direction}.")
    if target not in mapping.create_new_in:
        return Refusal(RefusalCode.CREATE_NOT_ALLOWED, f"{what}: {mapping.name} creates no records there.")
    if request.synchronize.source is target:
        return Refusal(RefusalCode.DIRECTION_FORBIDS, f"{what} with the data of {target.product}.")
    return CreateNew(target, here.view.record, here.coupling)


def _couple(request: CoupleRequest, found: Mapping[Side, Found], tables: Tables) -> CoupleDecision:
    direction = _direction(request.synchronize)
    couplings = {side: found[side].coupling for side in Side}
    for coupling in couplings.values():
        if coupling is not None and all(coupling.at(side).id == request.id_at(side) for side in Side):
            return InPlace(coupling, direction)
    replaced = []
    for side, coupling in couplings.items():
        if coupling is not None:
            if not found[side].partner_is_gone and not request.replace:
                return _already_coupled(side, coupling, tables)
            replaced.append(coupling)
    records = {side: record for side in Side if (record := found[side].view.record) is not None}
    return Couple(records, tuple(replaced), direction)


def _already_coupled(side: Side, coupling: Coupling, tables: Tables) -> Refusal:
    here, there = (name_of_end(coupling.at(end), tables[end]) for end in (side, side.other))
    return Refusal(RefusalCode.ALREADY_COUPLED, f"{here} is already coupled, with {there}.")


def _direction(synchronize: AfterCoupling) -> Direction | None:
    return direction_from(synchronize.source) if synchronize.source else None


def _direction_refused(mapping: TableMapping, synchronize: AfterCoupling) -> Refusal | None:
    source = synchronize.source
    if source is None or mapping.direction.allows(source):
        return None
    text = f"{mapping.name} is {mapping.direction}: it does not carry the data of {source.product} over."
    return Refusal(RefusalCode.DIRECTION_FORBIDS, text)
