"""Making mappings, replacing them, and changing their lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shared.core.mapping import FieldMapping, Mapping
from shared.core.mapping_problem import MappingProblem
from shared.services.context import Services
from shared.services.forms.mappings import LineChange, MappingBody, NewLine
from shared.services.mapping_settings import mapping_named
from shared.services.mapping_tables import describe
from shared.services.problems import Problem
from shared.services.repositories.mappings import StoredMapping
from shared.services.saving_mappings import (
    checked,
    mappings_beside,
    problems_of_all,
    refuse_other_version,
    replace_mapping,
    save_mapping,
)


async def create_mapping(services: Services, body: MappingBody, changed_by: str) -> StoredMapping:
    """A new mapping. Raises Problem: 400 for all that is wrong with it, 409 for a name that is taken."""
    mapping = mapping_from(services, body, body.name)
    if taken := await _taken(services, mapping.name):
        raise taken
    described = await checked(services, mapping, await mappings_beside(services, mapping.name))
    return await save_mapping(services, mapping, described.read, None, changed_by)


async def check_mapping(services: Services, body: MappingBody) -> list[MappingProblem]:
    """Everything that would be wrong with a new mapping, warnings included; nothing is stored."""
    mapping = mapping_from(services, body, body.name)
    others = await mappings_beside(services, mapping.name)
    taken = await _taken(services, mapping.name)
    found = [MappingProblem(taken.code, "name", str(taken))] if taken else []
    return [*found, *await problems_of_all(services, mapping, others, await describe(services, mapping))]


async def _taken(services: Services, name: str) -> Problem | None:
    """Why a new mapping cannot have this name: another one has it."""
    if name not in {one.mapping.name for one in await services.mappings.all()}:
        return None
    return Problem(409, "mapping_exists", f"There is a mapping {name} already.", field="name")


async def put_mapping(
    services: Services, name: str, body: MappingBody, etag: str | None, changed_by: str
) -> StoredMapping:
    """A mapping in place of the stored one; its name stays. Raises Problem (400, 404, 409, 412)."""
    stored = await mapping_named(services, name)
    refuse_other_version(stored, etag)
    return await replace_mapping(services, stored, mapping_from(services, body, stored.mapping.name), changed_by)


def mapping_from(services: Services, body: MappingBody, name: str) -> Mapping:
    """The mapping that a body describes, under a name that may still be wrong."""
    values = {member: getattr(body, member) for member in Mapping.model_fields}
    own = name.strip().upper()
    is_standard = any(own == standard.name for standard in services.standard_mappings)
    return Mapping.model_construct(**{**values, "name": own, "user_defined": not is_standard})


def line_of(stored: StoredMapping, line_id: str) -> FieldMapping:
    """A line by its id. Raises Problem (404)."""
    for line in stored.mapping.fields:
        if line.id == line_id:
            return line
    ids = ", ".join(line.id for line in stored.mapping.fields) or "none"
    text = f"{stored.mapping.name} has no line {line_id}. Its lines are: {ids}."
    raise Problem(404, "unknown_line", text, field="line")


async def add_line(services: Services, name: str, line: NewLine, etag: str | None, changed_by: str) -> StoredMapping:
    """A mapping with one more line at its end. Raises Problem (400, 404, 412)."""
    own = FieldMapping.model_construct(**{member: getattr(line, member) for member in FieldMapping.model_fields})
    return await _with_lines(services, name, lambda lines: [*lines, own], etag, changed_by)


async def change_line(
    services: Services, name: str, line_id: str, change: LineChange, etag: str | None, changed_by: str
) -> StoredMapping:
    """A mapping with a line changed. Raises Problem (400, 404, 412)."""
    line_of(await mapping_named(services, name), line_id)

    def changed(lines: Sequence[FieldMapping]) -> list[FieldMapping]:
        return [line.model_copy(update=change.values) if line.id == line_id else line for line in lines]

    return await _with_lines(services, name, changed, etag, changed_by)


async def remove_line(services: Services, name: str, line_id: str, etag: str | None, changed_by: str) -> StoredMapping:
    """A mapping without a line. Raises Problem (400, 404, 412)."""
    line_of(await mapping_named(services, name), line_id)
    return await _with_lines(
        services, name, lambda lines: [line for line in lines if line.id != line_id], etag, changed_by
    )


async def _with_lines(
    services: Services,
    name: str,
    change: Callable[[Sequence[FieldMapping]], list[FieldMapping]],
    etag: str | None,
    changed_by: str,
) -> StoredMapping:
    stored = await mapping_named(services, name)
    refuse_other_version(stored, etag)
    mapping = stored.mapping.model_copy(update={"fields": tuple(change(stored.mapping.fields))})
    return await replace_mapping(services, stored, mapping, changed_by)
