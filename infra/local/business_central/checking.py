"""What a property accepts: JSON type, length, enum member, range, format, relation. Nothing is cut or guessed."""

from __future__ import annotations

import re
from typing import Any

from infra.local.business_central import errors, values
from infra.local.business_central.database import Rows
from infra.local.business_central.schema import EntitySet, Property, Stored

_ADDRESS = re.compile(r"[^\s@,;<>()\[\]\"\\]+@[^\s@,;<>()\[\]\"\\]+")
_LARGEST = 10**18
_DATE_FORMULA = re.compile(r"(?:[<]?[+-]?(?:\d+[DWMQY]|[DWMQY]\d+|C[DWMQY])(?:[+-](?:\d+[DWMQY]|C[DWMQY]))*[>]?)?")


def accept(rows: Rows, entity_set: EntitySet, one: Property, value: Any) -> Stored:
    """Answer a JSON value as the property's column holds it. Raises ApiError 400."""
    stored = one.blank if value is None else _convert(one, value)
    if isinstance(stored, str):
        if not stored.isascii() or len(stored) > one.shortest or one.format:
            _check_text(entity_set, one, stored)
    elif (one.minimum is not None and stored < one.minimum) or (one.maximum is not None and stored > one.maximum):
        allowed = (
            f"at least {one.minimum:g}" if one.maximum is None else f"from {one.minimum or 0:g} to {one.maximum:g}"
        )
        raise errors.field_error(f"The value {stored} of the field {one.caption} must be {allowed}.")
    if one.relation is not None:
        check_relation(rows, entity_set, one, stored)
    return stored


def _convert(one: Property, value: Any) -> Stored:
    stored: Stored | None = None
    match one.kind:
        case "boolean":
            stored = int(value) if isinstance(value, bool) else None
        case "decimal" | "integer":
            stored = _number(one, value)
        case _ if isinstance(value, str):
            if not value.isascii():
                utf16_length(value)
            stored = _from_text(one, value)
    if stored is None:
        raise errors.bad_request(f"Cannot convert the literal '{value}' of '{one.name}' to the type '{one.type}'.")
    return stored


def _number(one: Property, value: Any) -> Stored | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _LARGEST:
        return None
    if one.kind == "decimal":
        return float(value)
    return value if isinstance(value, int) else None


def _from_text(one: Property, text: str) -> Stored | None:
    match one.kind:
        case "text":
            text = text[: one.truncated_to] if one.truncated_to else text
            return values.code(text) if one.code else text
        case "guid":
            return text.lower() if values.GUID.fullmatch(text) else None
        case "date":
            return values.parse_date(text)
        case "moment":
            moment = values.parse_moment(text, offset_needed=False)
            return None if moment is None else values.rounded(moment)
        case _:
            return _member(one, text)


def _member(one: Property, text: str) -> str:
    member = values.enum_member(one, text)
    if member is None:
        options = ",".join(values.decode_enum(name) for name in one.enum)
        raise errors.ApiError(400, "Unknown", f"'{text}' is not an option. The existing options are: {options}")
    return member


def utf16_length(text: str) -> int:
    """How long a text is for the server: characters beyond the basic plane count twice. Raises ApiError 400."""
    try:
        return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
    except UnicodeEncodeError as error:
        raise errors.bad_request("Invalid JSON. A string holds half a surrogate pair.") from error


def _check_text(entity_set: EntitySet, one: Property, text: str) -> None:
    length = utf16_length(text)
    for allowed in (one.max_length, one.stored_max_length):
        if allowed is not None and length > allowed:
            raise errors.too_long(length, allowed, text)
    if text and one.format:
        _check_format(entity_set, one, text)


def _check_format(entity_set: EntitySet, one: Property, text: str) -> None:
    match one.format:
        case "email":
            for address in text.split(";"):
                _check_address(address.strip())
        case "oneEmail":
            _check_address(text.strip())
        case "phone" if any(letter.isalpha() for letter in text):
            raise errors.field_error(f"{one.caption} must not contain letters in {entity_set.table}.")
        case "dateFormula" if not _DATE_FORMULA.fullmatch(text.upper()):
            raise errors.ApiError(400, "Application_EvaluateException", f"'{text}' is not a valid date formula.")


def _check_address(address: str) -> None:
    if not _ADDRESS.fullmatch(address) or address.endswith(".") or ".." in address or "@." in address:
        raise errors.business_rule(f'The email address "{address}" is not valid.')


def check_relation(rows: Rows, entity_set: EntitySet, one: Property, stored: Stored) -> None:
    """Refuse a value that is not in the related table."""
    relation = one.relation
    if relation is None or stored == one.blank:
        return
    found = rows.find(relation.set, relation.by, stored) if relation.set else None
    usable = found and not (relation.set == "salespeoplePurchasers" and found["blocked"])
    if relation.set == "contacts" and found:
        usable = found["type"] == "Company"
    if not usable:
        raise errors.no_related(one.caption, entity_set.table, stored, relation.table)
