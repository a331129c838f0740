"""CreateMultiple, UpdateMultiple, UpsertMultiple: one transaction each (page "Use bulk operation messages")."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from infra.local.dataverse.answers import Answer, Operation
from infra.local.dataverse.errors import Refusal, no_such_method, unsupported_message, wrong_argument, wrong_payload
from infra.local.dataverse.rows import upsert
from infra.local.dataverse.schema.model import Table
from infra.local.dataverse.session import Session
from infra.local.dataverse.values import guid
from infra.local.dataverse.writing.keys import primary_key
from infra.local.dataverse.writing.records import create, exists, update
from infra.local.dataverse.writing.references import addressed

NAMESPACE = "Microsoft.Dynamics.CRM."
_EXISTING = "0x80040237"

Target = dict[str, Any]


def on_message(session: Session, operation: Operation, table: Table, message: str) -> Answer:
    """Answer a bulk message bound to an entity set; any refused target refuses them all."""
    do = _MESSAGES.get(message)
    if operation.method != "POST" or (do is None and message != "DeleteMultiple"):
        raise no_such_method(operation.path)
    if do is None:
        raise Refusal(400, "0x80040800", "DeleteMultiple has not yet been implemented.")
    if not table.bulk:
        raise unsupported_message(message, table.name)
    targets = _targets(operation, table)
    with session.storage.transaction():
        answer = do(session, table, targets)
    answer.wrote = answer.targets = len(targets)
    return answer


def _create_all(session: Session, table: Table, targets: list[Target]) -> Answer:
    try:
        ids = [create(session, table, target) for target in targets]
    except Refusal as refusal:
        if refusal.code != _EXISTING:
            raise
        raise Refusal(412, _EXISTING, "Cannot insert duplicate key.") from refusal
    kind = f"{session.base}$metadata#{NAMESPACE}CreateMultipleResponse"
    return Answer(200, {"@odata.context": kind, "Ids": ids})


def _update_all(session: Session, table: Table, targets: list[Target]) -> Answer:
    ids = [_primary_key_in(table, target) for target in targets]
    _check_different(ids)
    for row_id in ids:
        if row_id is None:
            raise wrong_argument(f"Every target of UpdateMultiple needs '{table.id}'.")
        if not exists(session, table, row_id):
            raise Refusal(404, "0x80040217", f"{table.name.capitalize()} With Ids = {row_id} Do Not Exist")
    for row_id, target in zip(ids, targets, strict=True):
        update(session, table, str(row_id), target)
    return Answer(204)


def _upsert_all(session: Session, table: Table, targets: list[Target]) -> Answer:
    _check_different([str(one["@odata.id"]) if "@odata.id" in one else _primary_key_in(table, one) for one in targets])
    for target in targets:
        _upsert_one(session, table, target)
    return Answer(204)


def _upsert_one(session: Session, table: Table, target: Target) -> None:
    body = {name: value for name, value in target.items() if name != "@odata.id"}
    if "@odata.id" not in target:
        row_id = _primary_key_in(table, target)
        if row_id is None:
            raise wrong_argument(f"Every target of UpsertMultiple needs '{table.id}' or '@odata.id'.")
        upsert(session, table, {"": row_id}, body)
        return
    addressed_table, segment = addressed(str(target["@odata.id"]))
    key = segment.key or {}
    if addressed_table is not table:
        raise wrong_argument(f"'{target['@odata.id']}' is no address of a record of {table.name}.")
    if primary_key(table, key) is None and body.keys() & key.keys() and session.keys.find(table, key) is None:
        # The service trips here over key values that stand both in the address and in the body.
        raise Refusal(400, "0x80040216", "An unexpected error occurred.")
    upsert(session, table, key, body)


_MESSAGES: dict[str, Callable[[Session, Table, list[Target]], Answer]] = {
    "CreateMultiple": _create_all,
    "UpdateMultiple": _update_all,
    "UpsertMultiple": _upsert_all,
}


def _targets(operation: Operation, table: Table) -> list[Target]:
    body = operation.json(table.set_name)
    targets = body.get("Targets") if isinstance(body, dict) else None
    if not isinstance(targets, list) or not all(isinstance(one, dict) for one in targets):
        raise wrong_payload(table.set_name, "The parameter 'Targets' must be a collection of records.")
    if not targets:
        raise wrong_argument("The parameter 'Targets' must not be empty.")
    if any("@odata.type" not in target for target in targets):
        why = "A target without '@odata.type' was found. Does not support untyped value in non-open type."
        raise wrong_payload(table.set_name, why)
    return targets


def _primary_key_in(table: Table, target: Target) -> str | None:
    value = target.get(table.id)
    return guid(value) if isinstance(value, str) else None


def _check_different(ids: list[str | None]) -> None:
    given = [row_id for row_id in ids if row_id]
    if len(set(given)) != len(given):
        raise wrong_argument("The same record stands more than once among the targets.")
