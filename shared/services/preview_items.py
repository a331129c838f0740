"""How the items of a preview are stored: one JSON object for each pair that something would happen to."""

from __future__ import annotations

from typing import Any

from shared.core.effects import Effect
from shared.core.merge import FieldConflict
from shared.core.preview import Named, Planned, PlannedValue
from shared.core.reasons import Reason
from shared.core.sides import Side
from shared.core.values import from_document, to_document


def pack(item: Planned) -> dict[str, Any]:
    """The object to store."""
    packed: dict[str, Any] = {
        "effect": item.effect,
        "reason": item.reason,
        "records": {side: [named.id, named.number, named.title] for side, named in item.records.items()},
    }
    if item.side is not None:
        packed["side"] = item.side
    if item.couples:
        packed["couples"] = True
    if item.version is not None:
        packed["version"] = item.version
    if item.message:
        packed["message"] = item.message
    if item.values:
        packed["values"] = [[v.side, v.column, to_document({"old": v.old, "new": v.new})] for v in item.values]
    if item.fields:
        packed["fields"] = [
            [one.field, to_document({"bc": one.business_central, "dv": one.dataverse})] for one in item.fields
        ]
    return packed


def unpack(packed: dict[str, Any]) -> Planned:
    """The inverse of `pack`."""
    return Planned(
        effect=Effect(packed["effect"]),
        records={Side(side): Named(*named) for side, named in packed["records"].items()},
        reason=Reason(packed["reason"]),
        side=Side(packed["side"]) if "side" in packed else None,
        values=tuple(_value(*one) for one in packed.get("values", ())),
        couples=bool(packed.get("couples")),
        message=str(packed.get("message", "")),
        fields=tuple(_conflict(*one) for one in packed.get("fields", ())),
        version=packed.get("version"),
    )


def _value(side: str, column: str, document: dict[str, object]) -> PlannedValue:
    values = from_document(document)
    return PlannedValue(Side(side), column, values["old"], values["new"])


def _conflict(field: str, document: dict[str, object]) -> FieldConflict:
    values = from_document(document)
    return FieldConflict(field, values["bc"], values["dv"])
