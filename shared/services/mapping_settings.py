"""Reading and changing mappings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from shared.core.mapping import (
    ConflictScope,
    DeletionConflictResolution,
    FieldMapping,
    Mapping,
    ReferenceKind,
    Template,
    UpdateConflictResolution,
    WhenOutsideFilter,
)
from shared.core.mapping_problem import MappingProblem
from shared.core.sides import Direction, Side
from shared.ports import StateConflict
from shared.services.context import Services
from shared.services.problems import Problem
from shared.services.repositories.mappings import StoredMapping
from shared.services.saving_mappings import refuse_other_version, replace_mapping

NULLABLE = ("number_series", "interval_minutes", "inactivity_timeout_minutes")
"""The members of a change for which null is a value."""


def _no_null(schema: dict[str, Any]) -> None:
    """None only says that a member is left out; null is a value of one member alone."""
    for name, member in schema["properties"].items():
        member.pop("default", None)
        if name not in NULLABLE:
            (only,) = (one for one in member.pop("anyOf") if one != {"type": "null"})
            member |= only | {"description": member["description"]}


class MappingChange(BaseModel):
    """What can be changed of a mapping: its flags and settings. Members left out stay as they are."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True, json_schema_extra=_no_null)

    enabled: bool | None = Field(None, description="Whether the mapping is synchronized at all.")
    synch_only_coupled_records: bool | None = Field(
        None, description="Whether uncoupled records are ignored (Synch. Only Coupled Records)."
    )
    direction: Direction | None = Field(None, description="Which way the mapping synchronizes.")
    update_conflict_resolution: UpdateConflictResolution | None = Field(
        None, description="What to do when the same data was edited on both sides."
    )
    deletion_conflict_resolution: DeletionConflictResolution | None = Field(
        None, description="What to do when the coupled record was deleted."
    )
    conflict_scope: ConflictScope | None = Field(
        None, description="Whether two edits of one record are a conflict, or only those of one field or field group."
    )
    when_outside_filter: WhenOutsideFilter | None = Field(
        None, description="What becomes of a coupled pair when one of its records has left the filter."
    )
    guard_percent: int | None = Field(
        None, ge=0, le=100, description="Share of the coupled records that a run may uncouple or blank; 100: any."
    )
    block_when_inactive: bool | None = Field(
        None, description="Whether the customer or vendor of an inactive account is blocked."
    )
    release_guard: bool | None = Field(None, description="true lets the next run pass the plausibility guard once.")
    business_central_filter: str | None = Field(
        None, description="Which BC records are synchronized (OData filter over the mapped table)."
    )
    dataverse_filter: str | None = Field(
        None, description="Which Dataverse rows are synchronized (OData filter over the mapped table)."
    )
    options: dict[str, dict[str, int]] | None = Field(
        None,
        description='Choices given to codes, by BC field: {"paymentTermsId": {"14 DAYS": 1}}. What is not named here '
        "is paired by its label.",
    )
    depends_on: tuple[str, ...] | None = Field(
        None, description="The mappings that must be synchronized first (Dependency Filter)."
    )
    match_by: tuple[tuple[str, ...], ...] | None = Field(
        None, description="Groups of BC fields; records that agree in all fields of a group are the same."
    )
    create_new_in: tuple[Side, ...] | None = Field(None, description="The sides where records may be created.")
    number_series: str | None = Field(
        None, max_length=50, description="The first number of new BC records that get ours; null: Business Central's."
    )
    templates: tuple[Template, ...] | None = Field(
        None, description="What new records get in columns that no field mapping has filled; replaces all templates."
    )
    interval_minutes: int | None = Field(
        None, ge=1, le=10_080, description="Minutes between two runs; null means the app's setting."
    )
    inactivity_timeout_minutes: int | None = Field(
        None, ge=0, le=43_200, description="How long the mapping is on hold after an idle run; null or 0: never."
    )
    wake_on_changes: bool | None = Field(
        None, description="Whether a change on either side ends that hold (the opposite of Disable Event Job Resch.)."
    )

    @field_validator("*")
    @classmethod
    def _has_a_value(cls, value: object, info: ValidationInfo) -> object:
        if value is None and info.field_name not in NULLABLE:
            raise ValueError("null is not a value; leave it out to keep what it is")
        return value


async def mapping_named(services: Services, name: str) -> StoredMapping:
    """A mapping by its name. Raises Problem (404)."""
    stored = await services.mappings.get(name)
    if stored is None:
        names = ", ".join(sorted(item.mapping.name for item in await services.mappings.all()))
        raise Problem(404, "unknown_mapping", f"There is no mapping {name}. The mappings are {names}.")
    return stored


@dataclass(frozen=True, slots=True)
class MappingsPage:
    """Mappings by name, and what to hand in to get the next ones (None at the end)."""

    mappings: list[StoredMapping]
    continuation: str | None


async def mappings_page(services: Services, *, enabled: bool | None, after: str | None, limit: int) -> MappingsPage:
    """A page of the mappings, of those that are (not) enabled if asked for."""
    wanted = [stored for stored in await services.mappings.all() if enabled in (None, stored.mapping.enabled)]
    rest = sorted((one for one in wanted if one.mapping.name > (after or "")), key=lambda one: one.mapping.name)
    return MappingsPage(rest[:limit], rest[limit - 1].mapping.name if len(rest) > limit else None)


async def change_mapping(
    services: Services, name: str, change: MappingChange, etag: str | None, changed_by: str = ""
) -> StoredMapping:
    """Change a mapping, all or nothing. Raises Problem (404 unknown, 412 somebody else was quicker, 400 senseless)."""
    stored = await mapping_named(services, name)
    refuse_other_version(stored, etag)
    changed = _changed(stored.mapping, change)
    saved = await replace_mapping(services, stored, changed, changed_by)
    if change.release_guard:
        await _release_guard(services, changed)
    return saved


async def _release_guard(services: Services, mapping: Mapping) -> None:
    """The next run may do what the guard has stopped; it is due at once."""
    runs = services.runs(mapping.name)
    while True:
        state = await runs.state()
        state.guard_released, state.next_due_at = True, services.clock.now()
        try:
            await runs.save(state)
        except StateConflict:
            continue
        return


def _changed(mapping: Mapping, change: MappingChange) -> Mapping:
    """The mapping after the change."""
    values = {name: getattr(change, name) for name in change.model_fields_set - {"release_guard"}}
    for side in Side:
        if (expression := values.pop(f"{side}_filter", None)) is not None:
            values[side] = mapping.table(side).model_copy(update={"filter": expression})
    if (options := values.pop("options", None)) is not None:
        values["fields"] = _with_options(mapping, options)
    return mapping.model_copy(update=values)


def warnings_of(services: Services, mapping: Mapping) -> list[MappingProblem]:
    """What is allowed in a mapping and yet not wise; and that a table of it is not known here."""
    from shared.core.check_mapping import problems_of, unknown_tables  # no other trigger needs it when the app starts

    known = {side: services.known_table(side, mapping.table(side).table) for side in Side}
    tables = {side: table for side, table in known.items() if table is not None}
    if len(tables) < len(known):
        return [problem.as_warning() for problem in unknown_tables(mapping, known)]
    return [problem for problem in problems_of(mapping, tables) if problem.warning]


def _with_options(mapping: Mapping, options: dict[str, dict[str, int]]) -> tuple[FieldMapping, ...]:
    """The lines with the choices that a person has given to codes, by the line's BC field."""
    lines = {line.caption: line for line in mapping.fields if line.reference is not None}
    for caption, pairs in options.items():
        line = lines.get(caption)
        if line is None or line.reference is None or line.reference.kind is not ReferenceKind.CHOICE:
            choices = ", ".join(one for one, it in lines.items() if it.reference and it.reference.table)
            raise Problem(400, "unknown_field", f"options: {caption} is no choice field; {choices or 'there is none'}.")
        lines[caption] = line.model_copy(update={"reference": line.reference.model_copy(update={"options": pairs})})
    return tuple(lines.get(line.caption, line) for line in mapping.fields)


def enabled_mappings(mappings: Iterable[StoredMapping]) -> list[Mapping]:
    """The enabled mappings."""
    return [stored.mapping for stored in mappings if stored.mapping.enabled]
