"""Integration table mappings and their field mappings: the configuration that people edit.

Names and meanings follow Microsoft's tables Integration Table Mapping (5335) and Integration Field Mapping (5336).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field

from shared.core.model import Model
from shared.core.sides import Direction, Side, direction_from
from shared.core.transformations import LineTransformation, Transformation


class UpdateConflictResolution(StrEnum):
    """What to do when the same data was edited on both sides (Update-Conflict Resolution)."""

    NONE = "None"
    SEND_UPDATE_TO_INTEGRATION = "SendUpdateToIntegration"
    GET_UPDATE_FROM_INTEGRATION = "GetUpdateFromIntegration"

    @property
    def winner(self) -> Side | None:
        """The side whose data is kept, or None when a person decides."""
        return {
            UpdateConflictResolution.SEND_UPDATE_TO_INTEGRATION: Side.BUSINESS_CENTRAL,
            UpdateConflictResolution.GET_UPDATE_FROM_INTEGRATION: Side.DATAVERSE,
        }.get(self)


class DeletionConflictResolution(StrEnum):
    """What to do with a record whose coupled record was deleted (Deletion-Conflict Resolution)."""

    NONE = "None"
    RESTORE_RECORDS = "RestoreRecords"
    REMOVE_COUPLING = "RemoveCoupling"


class ConflictScope(StrEnum):
    """What counts as the same data: the field (or field group), or the record as in Microsoft's feature."""

    FIELD = "field"
    RECORD = "record"


class WhenOutsideFilter(StrEnum):
    """What becomes of a coupled pair when one of its records has left the mapping's filter."""

    RECEIVE_ONLY = "receive_only"  # it sends nothing, the other side's edits still arrive (Microsoft's behaviour)
    KEEP_IN_STEP = "keep_in_step"  # as if it were inside
    FREEZE = "freeze"  # nothing is written on either side until it is back
    UNCOUPLE = "uncouple"


class TooLong(StrEnum):
    """What to do with a text that is longer than its destination."""

    REFUSE = "refuse"
    TRUNCATE = "truncate"


class Conversion(StrEnum):
    """How a value changes its shape between the sides."""

    PLAIN = "plain"
    PERSON_NAME = "person_name"  # one display name <-> first, middle, last name


class ReferenceKind(StrEnum):
    """How a field refers to another record."""

    COUPLED_RECORD = "coupled_record"  # BC id <-> Dataverse id, through a coupling
    COUPLED_NUMBER = "coupled_number"  # BC code or number <-> Dataverse id, through a coupling
    CURRENCY = "currency"  # like coupled_record, and blank in BC is the local currency
    COMPANY = "company"  # BC number of a company contact <-> Dataverse id of the customer's or vendor's account
    CHOICE = "choice"  # BC id of a small table's record <-> choice value whose label is its code or name


def _as_tuple(value: object) -> object:
    """One column is given as a text; a list becomes what JSON has no word for."""
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


class Reference(Model):
    """Where the value of a lookup field comes from on the other side.

    `mappings` (coupled kinds) are the mappings whose couplings answer; `table` (choice) is the BC table whose codes and
    names are compared with the labels, `options` the choices that a person has given to codes.
    """

    kind: ReferenceKind
    mappings: tuple[str, ...] = ()
    table: str | None = None
    options: dict[str, int] = Field(default_factory=dict)


class FieldMapping(Model):
    """One line: a BC field, a Dataverse column (three for a person's name), and how values travel between them.

    A line without a column on its source side writes `constant`. `new_rows_only` values are given to new rows and never
    again. When a reference finds nothing, `keep_value_on_failed_sync` leaves the destination alone and
    `clear_value_on_failed_sync` blanks it; with neither the record waits. `group` names fields that make sense only
    together. `transformations` change a value before it travels, by direction.
    """

    business_central: str | None = None
    dataverse: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)] = ()
    direction: Direction = Direction.BIDIRECTIONAL
    constant: str | int | bool | None = None
    conversion: Conversion = Conversion.PLAIN
    reference: Reference | None = None
    group: str | None = None
    new_rows_only: bool = False
    not_null: bool = False
    clear_value_on_failed_sync: bool = False
    keep_value_on_failed_sync: bool = False
    too_long: TooLong = TooLong.REFUSE
    transformations: tuple[LineTransformation, ...] = ()
    enabled: bool = True

    def columns(self, side: Side) -> tuple[str, ...]:
        """The columns of this line on `side`; none for the source side of a constant."""
        if side is Side.DATAVERSE:
            return self.dataverse
        return (self.business_central,) if self.business_central else ()

    def rules(self, source: Side) -> tuple[Transformation, ...]:
        """The transformation rules for values that leave `source`, in their order."""
        wanted = direction_from(source)
        return tuple(rule for chain in self.transformations if chain.direction is wanted for rule in chain.rules)

    @property
    def id(self) -> str:
        """The line in addresses: both ends as `BC field:Dataverse column`, one of them empty for a constant.

        It stays as long as the ends do, wherever the line stands; no two lines of a mapping have the same.
        """
        return f"{self.business_central or ''}:{'.'.join(self.dataverse)}"

    @property
    def caption(self) -> str:
        """The line as people refer to it."""
        return self.business_central or "/".join(self.dataverse)


class Template(Model):
    """What new records of a side get in columns that no field mapping has filled (configuration template).

    Of the templates of that side the first by `priority` applies whose `filter` the source record passes.
    """

    name: str = Field(min_length=1, max_length=50)
    side: Side
    filter: str = ""
    priority: int = Field(default=0, ge=0)
    values: dict[str, str | int | bool]


class MappingTable(Model):
    """One side of a mapping: the table and the filter that its records must pass to be synchronized.

    The filter is written in the OData grammar of the service and judged here (see `core.filters`), never by the
    service: a filtered feed does not tell that a record has left the filter.
    """

    table: str
    filter: str = ""


class Mapping(Model):
    """One integration table mapping.

    `match_by` lists groups of BC fields; a new record is coupled with the one free record of the other side that agrees
    with it in all fields of a group, before a new one is created. `create_new_in` are the sides where records may be
    created. `number_series` is the first number of BC records that need one of ours (salespeople have no series of
    their own). With `block_when_inactive` the BC record of an inactive Dataverse row is blocked. `interval_minutes`
    None means the app's setting. A run that would uncouple or blank more than `guard_percent` of the coupled records
    stops and asks; 100 switches that off. `user_defined` mappings were made by a person and have no default setup.
    After an idle run a mapping is on hold for `inactivity_timeout_minutes` (None or 0: never); with `wake_on_changes` a
    change on either side ends that.
    """

    name: str = Field(min_length=1, max_length=20)
    business_central: MappingTable
    dataverse: MappingTable
    direction: Direction
    fields: tuple[FieldMapping, ...]
    enabled: bool = True
    synch_only_coupled_records: bool = True
    update_conflict_resolution: UpdateConflictResolution = UpdateConflictResolution.NONE
    deletion_conflict_resolution: DeletionConflictResolution = DeletionConflictResolution.NONE
    conflict_scope: ConflictScope = ConflictScope.FIELD
    when_outside_filter: WhenOutsideFilter = WhenOutsideFilter.RECEIVE_ONLY
    guard_percent: int = Field(default=25, ge=0, le=100)
    depends_on: tuple[str, ...] = ()
    match_by: tuple[tuple[str, ...], ...] = ()
    create_new_in: tuple[Side, ...] = (Side.BUSINESS_CENTRAL, Side.DATAVERSE)
    number_series: str | None = None
    block_when_inactive: bool = False
    templates: tuple[Template, ...] = ()
    interval_minutes: int | None = Field(default=None, ge=1, le=10_080)
    inactivity_timeout_minutes: int | None = Field(default=None, ge=0, le=43_200)
    wake_on_changes: bool = True
    user_defined: bool = False

    def table(self, side: Side) -> MappingTable:
        """The mapping's table of `side`."""
        return self.business_central if side is Side.BUSINESS_CENTRAL else self.dataverse

    def lines(self, source: Side) -> tuple[FieldMapping, ...]:
        """The enabled lines whose values may travel from `source`."""
        return tuple(line for line in self.fields if line.enabled and line.direction.allows(source))
