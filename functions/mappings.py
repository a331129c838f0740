"""The mappings over HTTP: what is synchronized, and everything that people change of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from functions.answers import AcceptedAnswer, MappingAnswer, MappingsAnswer, job_answer, mapping_answer
from functions.api.operation import Call, NoQuery, Reply, operation
from functions.queries import Flag, MappingsQuery
from functions.synchronization import accepted
from shared.core.access import Role
from shared.services.context import Services
from shared.services.forms.base import Form
from shared.services.forms.mappings import (
    ChangeAnswer,
    DefaultSetupAnswer,
    DefaultSetupsAnswer,
    FoundAnswer,
    MappingBody,
    MappingProblemAnswer,
)
from shared.services.mapping_settings import MappingChange, mapping_named, mappings_page, warnings_of
from shared.services.mapping_settings import change_mapping as change
from shared.services.repositories.mappings import StoredMapping
from shared.services.scheduling import standing_of

if TYPE_CHECKING:
    from shared.services.default_setup import DefaultSetup

FAULTS = (
    *("invalid_name", "no_such_table", "missing_modified", "invalid_filter", "filter_refused", "unknown_column"),
    *("no_field_mapping", "read_only_column", "create_only_column", "incomplete_line", "constant_direction"),
    *("wrong_column_count", "constant_does_not_fit", "does_not_convert", "contradiction", "wrong_reference"),
    *("lookup_without_mapping", "duplicate_line", "column_written_twice", "unknown_field"),
    *("value_does_not_fit", "unknown_dependency", "dependency_loop", "same_tables", "column_owned_twice"),
)
"""What may be wrong with a mapping."""

CHANGING = ("unknown_mapping", "mapping_changed", *FAULTS)


class PreviewQuery(Form):
    """Whether anything is done."""

    preview: Flag = Field(False, description="true: only say what would be, and change nothing.")


@operation(Role.READER, {200: MappingsAnswer})
async def list_mappings(call: Call[MappingsQuery]) -> Reply:
    """All mappings with their field mappings, their `etag` and where they stand (`state`).

    The names are those of the [standard mappings](mappings.md). `warnings` names what is allowed and yet not wise, such
    as transformation rules that do not lead back.
    """
    query = call.query
    page = await mappings_page(call.services, enabled=query.enabled, after=query.continuation, limit=query.limit)
    shown = [await _answer(call.services, stored) for stored in page.mappings]
    return Reply(MappingsAnswer(mappings=tuple(shown), continuation=page.continuation))


@operation(Role.READER, {200: MappingAnswer}, problems=("unknown_mapping",), etag=True)
async def get_mapping(call: Call) -> Reply:
    """One mapping, by its name in any case. The header `ETag` is its version."""
    return await _reply(call.services, await mapping_named(call.services, call.path["mapping"]))


@operation(
    Role.ADMINISTRATOR,
    {201: MappingAnswer, 200: FoundAnswer},
    problems=("mapping_exists", "mapping_being_removed", "mapping_changed", *FAULTS),
    etag=True,
)
async def create_mapping(call: Call[PreviewQuery, MappingBody]) -> Reply:
    """Creates a mapping of any entity set (custom API pages too) and any Dataverse table.

    `GET tables` lists what can be mapped. A new mapping is disabled and synchronizes only coupled records unless it
    says otherwise; its lines may come with it or be added later. Everything that is wrong with it is named at once, in
    `problems`; with `preview=true` the answer has that and the warnings, and nothing is created.
    """
    from shared.services.editing_mappings import check_mapping, create_mapping

    if call.query.preview:
        found = await check_mapping(call.services, call.body)
        return Reply(FoundAnswer(problems=tuple(MappingProblemAnswer.model_validate(one) for one in found)))
    stored = await create_mapping(call.services, call.body, call.caller.label)
    headers = {"ETag": stored.etag, "Location": call.address(f"mappings/{stored.mapping.name}")}
    return Reply(await _answer(call.services, stored), 201, headers)


@operation(
    Role.ADMINISTRATOR,
    {200: MappingAnswer},
    problems=("tables_in_use", *CHANGING),
    etag=True,
)
async def replace_mapping(call: Call[NoQuery, MappingBody]) -> Reply:
    """Replaces a mapping by another one of the same name; members left out get their defaults.

    Its couplings stay. While it has any, its tables cannot be changed.
    """
    from shared.services.editing_mappings import put_mapping

    stored = await put_mapping(call.services, call.path["mapping"], call.body, call.if_match, call.caller.label)
    return await _reply(call.services, stored)


@operation(Role.ADMINISTRATOR, {200: MappingAnswer}, problems=CHANGING, etag=True)
async def change_mapping(call: Call[NoQuery, MappingChange]) -> Reply:
    """Changes flags and settings of one mapping; members left out stay as they are.

    With the header `If-Match` the change is made only to that version. After a change of filters, direction, rules or
    *only coupled records* the next run looks at every record again. `synch_only_coupled_records: false` lets the
    mapping couple matches and create the rest.
    """
    changed = await change(call.services, call.path["mapping"], call.body, call.if_match, call.caller.label)
    return await _reply(call.services, changed)


@operation(
    Role.ADMINISTRATOR,
    {202: AcceptedAnswer},
    problems=("unknown_mapping", "mapping_changed", "mapping_needed", "mapping_busy"),
    etag=True,
)
async def delete_mapping(call: Call) -> Reply:
    """Deletes a mapping with its couplings, errors and where it stands. No record is deleted on either side.

    Refused while a run of it is on, and while other mappings depend on it. The mapping is gone at once; a job removes
    what was kept for it, also the records held, the logs of records, previews and its line of the full synchronization
    review. A new mapping of the name begins anew. The job log and the log of changes stay.
    """
    from shared.services.removing_mappings import delete_mapping

    job = await delete_mapping(call.services, call.path["mapping"], call.if_match, call.caller.label)
    return accepted(call, job.id, AcceptedAnswer(id=job.id, status=job.status, jobs=(job_answer(job),)))


@operation(
    Role.ADMINISTRATOR,
    {200: DefaultSetupAnswer},
    problems=("no_default_setup", "mapping_being_removed", "mapping_changed", *FAULTS),
    etag=True,
)
async def use_default_setup(call: Call[PreviewQuery]) -> Reply:
    """Sets a standard mapping up as it is shipped (*Use Default Synchronization Setup*).

    Microsoft's additional lines come with it, disabled. Its couplings stay, and so does whether it is enabled; one that
    was deleted comes back. With `preview=true` the answer says what would change, and nothing is changed.
    """
    from shared.services.default_setup import use_default_setup

    mapping, preview = call.path["mapping"], call.query.preview
    found = await use_default_setup(call.services, mapping, call.if_match, call.caller.label, preview=preview)
    return Reply(_setup(found, preview=preview), headers={"ETag": found.etag} if found.etag else {})


@operation(
    Role.ADMINISTRATOR,
    {200: DefaultSetupsAnswer},
    problems=("mapping_being_removed", "mapping_changed", *FAULTS),
)
async def use_default_setups(call: Call[PreviewQuery]) -> Reply:
    """Sets all standard mappings up as they are shipped. Custom mappings stay as they are.

    Otherwise as the same for one mapping.
    """
    from shared.services.default_setup import use_default_setups

    preview = call.query.preview
    found = await use_default_setups(call.services, call.caller.label, preview=preview)
    return Reply(DefaultSetupsAnswer(preview=preview, mappings=tuple(_setup(one, preview=preview) for one in found)))


def _setup(found: DefaultSetup, *, preview: bool) -> DefaultSetupAnswer:
    changes = tuple(ChangeAnswer.model_validate(change) for change in found.changes)
    return DefaultSetupAnswer(mapping=found.mapping, preview=preview, changes=changes, etag=found.etag)


async def _reply(services: Services, stored: StoredMapping) -> Reply:
    return Reply(await _answer(services, stored), headers={"ETag": stored.etag})


async def _answer(services: Services, stored: StoredMapping) -> MappingAnswer:
    state = await services.runs(stored.mapping.name).state()
    found = await standing_of(services, stored.mapping, state)
    return mapping_answer(stored, state, found, warnings_of(services, stored.mapping))
