"""Duplicate detection by the rules that a fresh organization has; off unless a request asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.local.dataverse.errors import Refusal
from infra.local.dataverse.schema.model import Table
from infra.local.dataverse.session import Session

SWITCH = "MSCRM.SuppressDuplicateDetection"
_RULES: dict[str, tuple[tuple[str, ...], ...]] = {
    "account": (("name",), ("emailaddress1",)),
    "contact": (("emailaddress1",), ("firstname", "lastname")),
}


def check_duplicates(session: Session, table: Table, row_id: str, row: Mapping[str, Any], changed: set[str]) -> None:
    """Raise the service's refusal where a rule finds another row with the same values."""
    if str(session.headers.get(SWITCH, "true")).lower() != "false":
        return
    for rule in _RULES.get(table.name, ()):
        if changed.isdisjoint(rule) or any(row.get(name) is None for name in rule):
            continue
        tests = " AND ".join(f'fold("{name}") = fold(?)' for name in rule)
        sql = f'SELECT 1 FROM "{table.name}" WHERE {tests} AND "{table.id}" <> ?'
        if session.storage.one(sql, [*(row[name] for name in rule), row_id]):
            raise Refusal(412, "0x80040333", "A record was not created or updated because a duplicate already exists.")
