"""Columns that the service fills: names, amounts in base currency, owners, states and defaults."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from infra.local.dataverse.errors import Refusal, no_such_row, wrong_status
from infra.local.dataverse.schema.model import Table
from infra.local.dataverse.session import Session

Row = dict[str, Any]


def fill_defaults(session: Session, table: Table, row: Row) -> None:
    """Give a new row its defaults; those of choices only where the switch `choice_defaults` is on."""
    of_choices = session.settings.choice_defaults
    for name, value, is_choice in table.defaults:
        if name not in row and (of_choices or not is_choice):
            row[name] = value
    if table.money and row.get("transactioncurrencyid") is None:
        row["transactioncurrencyid"] = _default_currency(session)


def _default_currency(session: Session) -> str | None:
    """The user's own currency, else the organization's base currency."""
    sql = "SELECT transactioncurrencyid FROM systemuser WHERE systemuserid = ?"
    own = session.storage.one(sql, [session.user.id])
    return own[0] if own and own[0] else base_currency(session)


def base_currency(session: Session) -> str | None:
    """Answer the id of the organization's base currency."""
    row = session.storage.one("SELECT basecurrencyid FROM organization")
    return row[0] if row else None


def fill_owner(session: Session, row: Row, changed: set[str]) -> None:
    """Set what follows from the owner; the caller owns what nobody else does."""
    if row.get("ownerid") is None:
        row["ownerid"], row["ownerid_type"] = session.user.id, "systemuser"
    elif "ownerid" not in changed:
        return
    is_user = row["ownerid_type"] == "systemuser"
    row["owninguser"] = row["ownerid"] if is_user else None
    row["owningteam"] = None if is_user else row["ownerid"]
    source = "systemuser" if is_user else "team"
    sql = f'SELECT businessunitid FROM "{source}" WHERE "{source}id" = ?'
    unit = session.storage.one(sql, [row["ownerid"]])
    row["owningbusinessunit"] = unit[0] if unit else session.user.business_unit


def settle_state(table: Table, row: Row, changed: set[str]) -> None:
    """Bring state and status reason together: a state alone takes its default status. Raises Refusal."""
    if not table.statuses:
        return
    state, status = row.get("statecode"), row.get("statuscode")
    if state is None:
        state = row["statecode"] = next(iter(table.statuses))
    if status is None or ("statecode" in changed and "statuscode" not in changed):
        if status not in table.statuses[state]:
            row["statuscode"] = table.statuses[state][0]
    elif status not in table.statuses[state]:
        raise wrong_status(table.name, state, status)


def settle_amounts(session: Session, table: Table, row: Row, changed: set[str]) -> None:
    """Round amounts to the currency's precision and compute their twins in base currency."""
    money = table.money_names
    if not money or ("transactioncurrencyid" not in changed and changed.isdisjoint(money)):
        return
    currency = row.get("transactioncurrencyid")
    if currency is None:
        row["exchangerate"] = None
        return
    sql = "SELECT exchangerate, currencyprecision FROM transactioncurrency WHERE transactioncurrencyid = ?"
    found = session.storage.one(sql, [currency])
    if found is None:
        raise no_such_row("transactioncurrency", currency)
    rate, precision = found
    row["exchangerate"] = rate
    for name in money:
        if row.get(name) is None:
            row[f"{name}_base"] = None
        else:
            row[name] = round(row[name], precision)
            row[f"{name}_base"] = round(row[name] / rate, 4)


def settle_names(table: Table, row: Row) -> None:
    """Compose the names of persons: first name, last name."""
    if "fullname" in table.columns:
        parts = [row.get("firstname"), row.get("lastname")]
        row["fullname"] = " ".join(part for part in parts if part) or None
    for name, columns in _address_parts(table):
        row[name] = _composite(*map(row.get, columns))


@cache
def _address_parts(table: Table) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The columns that hold a whole address, and the columns of its parts."""
    parts = ("line1", "line2", "line3", "city", "stateorprovince", "postalcode", "country")
    prefixes = (f"address{number}_" for number in (1, 2, 3) if f"address{number}_composite" in table.columns)
    return tuple((f"{prefix}composite", tuple(prefix + part for part in parts)) for prefix in prefixes)


def _composite(line1: Any, line2: Any, line3: Any, city: Any, state: Any, code: Any, country: Any) -> str | None:
    region = f"{state} {code}" if state and code else state or code
    place = f"{city}, {region}" if city and region else city or region
    return "\r\n".join(filter(None, (line1, line2, line3, place, country))) or None


def settle_parent(table: Table, row: Row) -> None:
    """Mirror a contact's company in its two older read-only lookups."""
    if table.name != "contact":
        return
    parent, kind = row.get("parentcustomerid"), row.get("parentcustomerid_type")
    row["accountid"] = parent if kind == "account" else None
    row["parentcontactid"] = parent if kind == "contact" else None


def settle_user(table: Table, row: Row) -> None:
    """An application user gets an address of its own; every user and team is a principal of the same id."""
    if table.name == "systemuser":
        row["ownerid"] = row["systemuserid"]
        if row.get("applicationid") and not row.get("domainname"):
            row["domainname"] = row["internalemailaddress"] = f"{row['applicationid']}@dataverse.example"
            row["accessmode"] = 4
    if table.name == "team":
        row["ownerid"] = row["teamid"]
    if table.name == "serviceendpoint":
        row["isauthvalueset"] = int(row.get("authvalue") is not None)


def check_currency(session: Session, table: Table, row: Row) -> None:
    """Raise the refusals of currencies: a rate that is none, a base currency with another rate, a code in use."""
    if table.name != "transactioncurrency":
        return
    rate = row.get("exchangerate")
    is_base = row["transactioncurrencyid"] == base_currency(session)
    if rate is not None and is_base and rate != 1:
        raise Refusal(400, "0x80048cfd", "The exchange rate of the base currency cannot be changed.")
    sql = "SELECT 1 FROM transactioncurrency WHERE fold(isocurrencycode) = fold(?) AND transactioncurrencyid <> ?"
    if session.storage.one(sql, [row.get("isocurrencycode"), row["transactioncurrencyid"]]):
        raise Refusal(400, "0x80048cf3", "A currency with the specified ISO currency code already exists.")


def check_user_change(table: Table, before: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Raise the refusals of changes to users that the platform itself keeps."""
    if table.name != "systemuser":
        return
    if before.get("accessmode") == 5:
        raise Refusal(400, "0x80041d67", "A delegated admin user cannot be updated.")
    if before.get("fullname") in ("SYSTEM", "INTEGRATION"):
        raise Refusal(400, "0x80041d33", "The SYSTEM and INTEGRATION users cannot be updated.")
    if before.get("issyncwithdirectory"):
        for name, code in (("islicensed", "0x80041d4c"), ("issyncwithdirectory", "0x80041d4e")):
            if name in values and values[name] != before.get(name):
                raise Refusal(400, code, f"The property {name} cannot be modified.")
