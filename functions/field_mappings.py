"""The lines of a mapping over HTTP."""

from __future__ import annotations

from functions.api.operation import Call, NoQuery, Reply, operation
from functions.mappings import CHANGING
from shared.core.access import Role
from shared.core.mapping import FieldMapping
from shared.services.forms.mappings import LineAnswer, LineChange, LinesAnswer, NewLine
from shared.services.mapping_settings import mapping_named
from shared.services.repositories.mappings import StoredMapping


@operation(Role.READER, {200: LinesAnswer}, problems=("unknown_mapping",), etag=True)
async def list_lines(call: Call) -> Reply:
    """The lines of a mapping in their order.

    `line` is the name of a line in addresses: its BC field and its Dataverse column, divided by a colon, such as
    `displayName:name`; a constant has one end only, such as `:customertypecode`. The columns of a person's name are
    divided by dots. It stays as long as the line has these ends, wherever it stands. The header `ETag` is the version
    of the mapping, which every change of a line moves.
    """
    return _lines(await mapping_named(call.services, call.path["mapping"]))


@operation(Role.READER, {200: LineAnswer}, problems=("unknown_mapping", "unknown_line"), etag=True)
async def get_line(call: Call) -> Reply:
    """One line."""
    from shared.services.editing_mappings import line_of

    stored = await mapping_named(call.services, call.path["mapping"])
    return _line(stored, line_of(stored, call.path["line"]))


@operation(Role.ADMINISTRATOR, {201: LineAnswer}, problems=CHANGING, etag=True)
async def add_line(call: Call[NoQuery, NewLine]) -> Reply:
    """Adds a line at the end of a mapping; it starts disabled unless it says otherwise."""
    from shared.services.editing_mappings import add_line

    stored = await add_line(call.services, call.path["mapping"], call.body, call.if_match, call.caller.label)
    line = stored.mapping.fields[-1]
    headers = {"ETag": stored.etag, "Location": call.address(f"mappings/{stored.mapping.name}/fields/{line.id}")}
    return Reply(_shown(stored, line), 201, headers)


@operation(Role.ADMINISTRATOR, {200: LineAnswer}, problems=("unknown_line", *CHANGING), etag=True)
async def change_line(call: Call[NoQuery, LineChange]) -> Reply:
    """Changes a line; members left out stay as they are. For other columns delete the line and add another."""
    from shared.services.editing_mappings import change_line, line_of

    mapping, line = call.path["mapping"], call.path["line"]
    stored = await change_line(call.services, mapping, line, call.body, call.if_match, call.caller.label)
    return _line(stored, line_of(stored, line))


@operation(Role.ADMINISTRATOR, {200: LinesAnswer}, problems=("unknown_line", *CHANGING), etag=True)
async def delete_line(call: Call) -> Reply:
    """Deletes a line; what it has transferred stays as it is. The answer has the lines that are left."""
    from shared.services.editing_mappings import remove_line

    mapping, line = call.path["mapping"], call.path["line"]
    return _lines(await remove_line(call.services, mapping, line, call.if_match, call.caller.label))


def _lines(stored: StoredMapping) -> Reply:
    lines = tuple(_shown(stored, line) for line in stored.mapping.fields)
    answer = LinesAnswer(mapping=stored.mapping.name, etag=stored.etag, lines=lines)
    return Reply(answer, headers={"ETag": stored.etag})


def _line(stored: StoredMapping, line: FieldMapping) -> Reply:
    return Reply(_shown(stored, line), headers={"ETag": stored.etag})


def _shown(stored: StoredMapping, line: FieldMapping) -> LineAnswer:
    return LineAnswer.model_construct(**{**dict(line), "mapping": stored.mapping.name, "line": line.id})
