"""Addresses of rows inside bodies: `@odata.bind`, `@odata.id`, `$ref` and the `$1` of a change set."""

from __future__ import annotations

from infra.local.dataverse.address import Segment, below_root, parse_path
from infra.local.dataverse.errors import Refusal, no_such_row, no_such_segment, wrong_argument
from infra.local.dataverse.schema.catalog import BY_SET
from infra.local.dataverse.schema.model import Table
from infra.local.dataverse.session import Session
from infra.local.dataverse.writing.keys import row_of


def referenced(session: Session, text: object) -> tuple[Table, str]:
    """Answer the existing row that an address means; raises Refusal."""
    if not isinstance(text, str) or not text:
        raise wrong_argument("The address of a record must be a text.")
    if text.startswith("$"):
        return content_reference(session, text)
    table, segment = addressed(text)
    row_id, _ = row_of(session.storage, session.keys, table, segment.key or {})
    if session.storage.one(f'SELECT 1 FROM "{table.name}" WHERE "{table.id}" = ?', [row_id]) is None:
        raise no_such_row(table.name, row_id)
    return table, row_id


def addressed(text: str) -> tuple[Table, Segment]:
    """Answer table and key of an address that is absolute, from `/`, or relative to the service root."""
    below = below_root(text)
    segments = parse_path(text if below is None else below)
    if len(segments) != 1 or segments[0].name not in BY_SET or not segments[0].key:
        raise no_such_segment(segments[0].name if segments else text)
    return BY_SET[segments[0].name], segments[0]


def content_reference(session: Session, text: str) -> tuple[Table, str]:
    """Answer the row that an earlier operation of the same change set made."""
    found = session.references.get(text.removeprefix("$"))
    if found is None:
        raise Refusal(400, "0x80060888", f"Content-ID Reference: '{text}' does not exist in the batch context.")
    return found
