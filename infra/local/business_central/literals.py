"""Literals of the filter language, checked against the property they stand beside."""

from __future__ import annotations

import re

from infra.local.business_central import values
from infra.local.business_central.errors import ApiError, bad_request
from infra.local.business_central.schema import Property, Stored

_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_TYPE_NAMES = {"text": "Edm.String", "boolean": "Edm.Boolean", "decimal": "Edm.Decimal", "integer": "Edm.Int64"}
_OPERATOR_NAMES = {
    "eq": "Equal",
    "ne": "NotEqual",
    "gt": "GreaterThan",
    "ge": "GreaterThanOrEqual",
    "lt": "LessThan",
    "le": "LessThanOrEqual",
}


def literal_value(one: Property, kind: str, text: str, operator: str) -> Stored:
    """Answer what a literal means beside this property, as its column holds it. Raises ApiError 400.

    `kind` is the token's: string (quoted), literal (number, GUID, date, date-time) or word (`true`, `null`, a name).
    """
    value = _read(one, kind, text)
    if value is None:
        raise _incompatible(one, kind, text, operator)
    return value


def _read(one: Property, kind: str, text: str) -> Stored | None:
    match one.kind, kind:
        case "text", "string" if text.startswith("'"):
            plain = _unquoted(text)
            return values.upper(plain) if one.code else plain
        case "enum", "string":
            return _member(one, text)
        case "guid", "literal" if values.GUID.fullmatch(text):
            return text.lower()
        case "boolean", "word" if text in ("true", "false"):
            return int(text == "true")
        case (("decimal" | "integer"), "literal") if _NUMBER.fullmatch(text):
            return float(text)
        case "date", "literal":
            return values.parse_date(text)
        case "moment", "literal":
            return values.parse_moment(text if "T" in text.upper() else f"{text}T00:00:00Z", offset_needed=True)
        case _:
            return None


def _member(one: Property, text: str) -> str:
    quoted = text[text.index("'") :]
    found = values.enum_member(one, _unquoted(quoted))
    if found is None:
        raise bad_request(f"The string {quoted} is not a valid enumeration type constant of '{one.type}'.")
    return found


def _unquoted(text: str) -> str:
    return text[1:-1].replace("''", "'")


def _incompatible(one: Property, kind: str, text: str, operator: str) -> ApiError:
    given = {"string": "Edm.String", "word": text}.get(kind) or _guess(text)
    wanted = _TYPE_NAMES.get(one.kind, one.type)
    name = _OPERATOR_NAMES.get(operator, operator)
    return bad_request(
        "A binary operator with incompatible types was detected. "
        f"Found operand types '{wanted}' and '{given}' for operator kind '{name}'."
    )


def _guess(text: str) -> str:
    if values.GUID.fullmatch(text):
        return "Edm.Guid"
    if _NUMBER.fullmatch(text):
        return "Edm.Decimal" if "." in text else "Edm.Int32"
    return "Edm.DateTimeOffset" if "T" in text.upper() else "Edm.Date"
