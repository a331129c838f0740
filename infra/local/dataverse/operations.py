"""Where a path leads: the one entry for single requests and for parts of batches."""

from __future__ import annotations

import re

from infra.local.dataverse import bulk, messages
from infra.local.dataverse.address import Segment, parse_path
from infra.local.dataverse.answers import Answer, Operation, refused
from infra.local.dataverse.errors import Refusal, no_such_segment
from infra.local.dataverse.links import below_row
from infra.local.dataverse.metadata.csdl import metadata_document, service_document
from infra.local.dataverse.metadata.requests import on_definitions, on_relationships
from infra.local.dataverse.rows import count_of, on_collection, on_row
from infra.local.dataverse.schema.catalog import BY_SET
from infra.local.dataverse.schema.model import Table
from infra.local.dataverse.session import Session

_KEY = re.compile(r"\([^()]*\)")


def answer(session: Session, operation: Operation) -> Answer:
    """Do an operation; a refusal is an answer too."""
    try:
        return _answer(session, operation)
    except Refusal as refusal:
        return refused(refusal)


def route_of(path: str) -> str:
    """Answer how the statistics name a path: keys become `(id)`, the namespace of a bound action is left out."""
    return _KEY.sub("(id)", path.strip("/")).replace("Microsoft.Dynamics.CRM.", "")


def _answer(session: Session, operation: Operation) -> Answer:
    segments = parse_path(operation.path)
    first = segments[0] if segments else Segment("")
    if first.name in BY_SET:
        return _on_table(session, operation, BY_SET[first.name], segments)
    if first.name == "EntityDefinitions":
        return on_definitions(session, operation, segments)
    if first.name == "RelationshipDefinitions":
        return on_relationships(session, operation, segments)
    if first.name in ("", "$metadata") and operation.method == "GET":
        return service_document(session) if not first.name else metadata_document()
    done = messages.on_message(session, operation, first)
    if done is None or len(segments) != 1:
        raise no_such_segment(first.name)
    return done


def _on_table(session: Session, operation: Operation, table: Table, segments: list[Segment]) -> Answer:
    first = segments[0]
    if first.key is not None:
        if len(segments) == 1:
            return on_row(session, operation, table, first)
        return below_row(session, operation, table, segments)
    if len(segments) == 1:
        return on_collection(session, operation, table)
    if segments[1].name == "$count" and operation.method == "GET":
        return count_of(session, operation, table)
    if segments[1].name.startswith(bulk.NAMESPACE):
        return bulk.on_message(session, operation, table, segments[1].name.removeprefix(bulk.NAMESPACE))
    raise no_such_segment(segments[1].name)
