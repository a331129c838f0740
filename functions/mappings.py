"""The mappings over HTTP: what is synchronized, and the flags and settings people change."""

from __future__ import annotations

from functions.answers import MappingAnswer, MappingsAnswer, mapping_answer
from functions.api.operation import Call, NoQuery, Reply, operation
from functions.queries import MappingsQuery
from shared.core.access import Role
from shared.services.context import Services
from shared.services.mapping_settings import MappingChange, mapping_named, mappings_page, warnings_of
from shared.services.mapping_settings import change_mapping as change
from shared.services.repositories.mappings import StoredMapping
from shared.services.scheduling import standing_of

CHANGE_PROBLEMS = (
    *("unknown_mapping", "mapping_changed"),
    *("invalid_filter", "unknown_column", "read_only_column", "unknown_field", "contradiction", "no_field_mapping"),
)


@operation("GET", "mappings", Role.READER, {200: MappingsAnswer})
async def list_mappings(call: Call[MappingsQuery]) -> Reply:
    """All mappings with their field mappings, their `etag` and where they stand (`state`).

    The names are those of the [standard mappings](mappings.md). `warnings` names what is allowed and yet not wise, such
    as transformation rules that do not lead back.
    """
    query = call.query
    page = await mappings_page(call.services, enabled=query.enabled, after=query.continuation, limit=query.limit)
    shown = [await _answer(call.services, stored) for stored in page.mappings]
    return Reply(MappingsAnswer(mappings=tuple(shown), continuation=page.continuation))


@operation("GET", "mappings/{mapping}", Role.READER, {200: MappingAnswer}, problems=("unknown_mapping",), etag=True)
async def get_mapping(call: Call) -> Reply:
    """One mapping, by its name in any case. The header `ETag` is its version."""
    return await _reply(call.services, await mapping_named(call.services, call.path["mapping"]))


@operation("PATCH", "mappings/{mapping}", Role.ADMINISTRATOR, {200: MappingAnswer}, problems=CHANGE_PROBLEMS, etag=True)
async def change_mapping(call: Call[NoQuery, MappingChange]) -> Reply:
    """Changes flags and settings of one mapping; members left out stay as they are.

    With the header `If-Match` the change is made only to that version. After a change of filters, direction, rules or
    *only coupled records* the next run looks at every record again. `synch_only_coupled_records: false` lets the
    mapping couple matches and create the rest.
    """
    changed = await change(call.services, call.path["mapping"], call.body, call.if_match)
    return await _reply(call.services, changed)


async def _reply(services: Services, stored: StoredMapping) -> Reply:
    return Reply(await _answer(services, stored), headers={"ETag": stored.etag})


async def _answer(services: Services, stored: StoredMapping) -> MappingAnswer:
    state = await services.runs(stored.mapping.name).state()
    found = await standing_of(services, stored.mapping, state)
    return mapping_answer(stored, state, found, warnings_of(services, stored.mapping))


OPERATIONS = (list_mappings, get_mapping, change_mapping)
