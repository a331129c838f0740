"""The switches of `POST /_simulator/settings`, with their defaults.

`permissions`: per user and set what is allowed (`read`, `insert`, `modify`, `delete`); a set that is not listed is
allowed wholly, `*` stands for all others. `undeletable`: numbers or codes per set that have open documents.
`replica_lag_ms`: how old the rows are that a GET without `Data-Access-Intent: ReadWrite` sees. `webhook_delay_ms`: how
long changes are collected before subscribers are told. `webhooks_for_all_sets`: contacts and salespeople, too.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from infra.local.simulator.wrong_body import (
    WrongBodyError,
    a_list,
    a_number,
    a_text,
    a_whole_number,
    a_yes_or_no,
    an_object,
    known_fields,
)

RIGHTS = ("read", "insert", "modify", "delete")


@dataclass
class Switches:
    """How this simulator differs from a company straight out of the box."""

    replica_lag_ms: float = 0
    clock_offset_ms: float = 0
    case_insensitive_filters: bool = False
    manual_numbers: bool = True
    create_contacts: bool = True
    inherit_from_company: bool = True
    clear_address_on_country_change: bool = True
    post_codes: bool = True
    tax_number_formats: bool = True
    company_available: bool = True
    permissions: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    permission_failure_status: int = 403
    undeletable: dict[str, list[str]] = field(default_factory=dict)
    webhook_delay_ms: float = 30_000
    webhooks_for_all_sets: bool = False

    def answer(self) -> dict[str, Any]:
        """All switches as JSON."""
        return asdict(self)

    def allows(self, user: str, entity_set: str, right: str) -> bool:
        """Tell whether a user may do this to a set."""
        given = self.permissions.get(user)
        if given is None:
            return True
        rights = given.get(entity_set, given.get("*"))
        return rights is None or right in rights


def change(switches: Switches, body: dict[str, Any]) -> None:
    """Set the switches that `body` names; raises WrongBodyError and then changes nothing."""
    known_fields(body, {one.name for one in fields(Switches)})
    for name, value in {name: _checked(name, value) for name, value in body.items()}.items():
        setattr(switches, name, value)


def _checked(name: str, value: object) -> object:
    match name:
        case "replica_lag_ms" | "webhook_delay_ms":
            return a_number(value, name)
        case "clock_offset_ms":
            return _any_number(value, name)
        case "permissions":
            return {
                a_text(user, name): {key: _rights(one, f"permissions.{user}.{key}") for key, one in sets.items()}
                for user, sets in _objects(value, name).items()
            }
        case "permission_failure_status":
            return a_whole_number(value, name, least=401)
        case "undeletable":
            given = an_object(value, name)
            return {key: [a_text(one, f"{name}.{key}") for one in a_list(given[key], f"{name}.{key}")] for key in given}
        case _:
            return a_yes_or_no(value, name)


def _objects(value: object, where: str) -> dict[str, dict[str, Any]]:
    return {key: an_object(one, f"{where}.{key}") for key, one in an_object(value, where).items()}


def _rights(value: object, where: str) -> list[str]:
    rights = [a_text(one, where) for one in a_list(value, where)]
    if wrong := next((one for one in rights if one not in RIGHTS), None):
        raise WrongBodyError(where, f"has '{wrong}'; the rights are {', '.join(RIGHTS)}")
    return rights


def _any_number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongBodyError(where, "must be a number")
    return value
