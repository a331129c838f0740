"""A fresh organization: what every environment has before anybody has entered anything."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from infra.local.dataverse.schema.catalog import TABLES
from infra.local.dataverse.schema.model import Table
from infra.local.dataverse.session import User
from infra.local.dataverse.storage import Storage
from infra.local.dataverse.writing.computed import settle_names, settle_user

ADMINISTRATOR = "Ada Admin"
CURRENCIES: dict[str, tuple[str, str, int, float]] = {
    "EUR": ("Euro", "€", 2, 1.0),
    "USD": ("US Dollar", "$", 2, 1.08),
    "GBP": ("Pound Sterling", "£", 2, 0.86),
    "DKK": ("Danish Krone", "kr.", 2, 7.46),
    "SEK": ("Swedish Krona", "kr", 2, 11.2),
    "CHF": ("Swiss Franc", "CHF", 2, 0.97),
    "NOK": ("Norwegian Krone", "kr", 2, 11.5),
    "JPY": ("Japanese Yen", "¥", 0, 162.0),
    "PLN": ("Polish Zloty", "zł", 2, 4.3),
    "CZK": ("Czech Koruna", "Kč", 2, 25.1),
    "BGN": ("Bulgarian Lev", "лв.", 2, 1.95583),
    "BRL": ("Brazilian Real", "R$", 2, 5.4),
    "SAR": ("Saudi Riyal", "ر.س", 2, 4.05),
    "KRW": ("South Korean Won", "₩", 0, 1440.0),
    "CAD": ("Canadian Dollar", "$", 2, 1.47),
    "AUD": ("Australian Dollar", "$", 2, 1.63),
    "CNY": ("Yuan Renminbi", "¥", 2, 7.8),
    "INR": ("Indian Rupee", "₹", 2, 90.0),
}
"""ISO code to name, symbol, precision and units per euro."""

MESSAGES = ("Create", "Update", "Upsert", "Delete", "Retrieve", "RetrieveMultiple")
BULK_MESSAGES = ("CreateMultiple", "UpdateMultiple", "UpsertMultiple")

Row = dict[str, Any]


def fixed_id(*names: object) -> str:
    """Answer the id that a row of a fresh organization or of a seed always has."""
    return str(uuid5(NAMESPACE_URL, "/".join(str(name) for name in names)))


ROOT_UNIT, ORGANIZATION = fixed_id("businessunit", "root"), fixed_id("organization")
_SYSTEM = fixed_id("systemuser", "SYSTEM")


def set_up(storage: Storage, currency: str, clients: Mapping[str, str]) -> None:
    """Make a fresh organization with a base currency and an application user per client (id to name)."""
    with storage.transaction():
        store(storage, TABLES["organization"], [_organization(currency)], _SYSTEM)
        unit = {"businessunitid": ROOT_UNIT, "name": "contoso", "organizationid": ORGANIZATION}
        store(storage, TABLES["businessunit"], [unit], _SYSTEM)
        team = {"teamid": fixed_id("team", "root"), "name": "contoso", "businessunitid": ROOT_UNIT, "isdefault": 1}
        store(storage, TABLES["team"], [team], _SYSTEM)
        store(storage, TABLES["transactioncurrency"], [currency_row(currency, currency)], _SYSTEM)
        store(storage, TABLES["systemuser"], [*_people(), *(_application(*one) for one in clients.items())], _SYSTEM)
        _store_messages(storage)


def add_application_user(storage: Storage, client_id: str, name: str) -> None:
    """Make the application user of a client, where nobody has its name yet."""
    if find_user(storage, name) is None:
        store(storage, TABLES["systemuser"], [_application(client_id, name)], _SYSTEM)


def find_user(storage: Storage, name: str) -> User | None:
    """Answer the user with this full name, domain name or id, None where there is none."""
    found = "fold(fullname) = fold(?) OR fold(domainname) = fold(?) OR systemuserid = ?"
    return _user_where(storage, found, name, name, name.lower())


def find_application(storage: Storage, client_id: str) -> User | None:
    """Answer the application user of a client, None where there is none."""
    return _user_where(storage, "applicationid = ?", client_id.lower())


def _user_where(storage: Storage, condition: str, *values: str) -> User | None:
    sql = f"SELECT systemuserid, fullname, businessunitid, isdisabled FROM systemuser WHERE {condition}"
    row = storage.one(sql, values)
    return User(row[0], row[1], row[2], disabled=bool(row[3])) if row else None


def currency_row(code: str, base: str) -> Row:
    """Answer the row of a currency, its rate against the base currency."""
    name, symbol, precision, rate = CURRENCIES.get(code, (code, code, 2, 1.0))
    base_rate = CURRENCIES[base][3] if base in CURRENCIES else 1.0
    return {
        "transactioncurrencyid": fixed_id("transactioncurrency", code),
        "isocurrencycode": code,
        "currencyname": name,
        "currencysymbol": symbol,
        "currencyprecision": precision,
        "exchangerate": round(rate / base_rate, 10),
        "organizationid": ORGANIZATION,
    }


def store(storage: Storage, table: Table, rows: Iterable[Row], user: str, *, moment: int | None = None) -> list[Row]:
    """Store complete rows quickly, stamped with a user and a moment; answers them as stored."""
    defaults, now = defaults_of(table), moment or int(time.time())
    stamped = [_stamped(storage, table, defaults | row, user, now) for row in rows]
    if stamped:
        _insert_all(storage, table, stamped)
    return stamped


def defaults_of(table: Table) -> Row:
    """Answer the values that a new row has when nobody says otherwise."""
    values: Row = {name: value for name, value, _ in table.defaults}
    if table.statuses:
        values["statuscode"] = table.statuses[values["statecode"]][0]
    return values


def _stamped(storage: Storage, table: Table, row: Row, user: str, moment: int) -> Row:
    stamps = {
        "createdon": moment,
        "modifiedon": moment,
        "createdby": user,
        "modifiedby": user,
        "versionnumber": storage.next_version(),
    }
    stored = stamps | row
    settle_user(table, stored)
    settle_names(table, stored)
    return stored


def _insert_all(storage: Storage, table: Table, rows: Sequence[Row]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = ", ".join(f'"{name}"' for name in names)
    sql = f'INSERT INTO "{table.name}" ({columns}) VALUES ({", ".join("?" * len(names))})'
    storage.run_many(sql, [[row.get(name) for name in names] for row in rows])


def _organization(currency: str) -> Row:
    _, symbol, precision, _ = CURRENCIES.get(currency, (currency, currency, 2, 1.0))
    return {
        "organizationid": ORGANIZATION,
        "name": "contoso",
        "basecurrencyid": fixed_id("transactioncurrency", currency),
        "basecurrencysymbol": symbol,
        "basecurrencyprecision": precision,
    }


def _people() -> list[Row]:
    administrator = {
        "systemuserid": fixed_id("systemuser", ADMINISTRATOR),
        "firstname": "Ada",
        "lastname": "Admin",
        "domainname": "ada.admin@contoso.example",
        "internalemailaddress": "ada.admin@contoso.example",
        "azureactivedirectoryobjectid": fixed_id("directory", ADMINISTRATOR),
        "islicensed": 1,
        "title": "Administrator",
        "businessunitid": ROOT_UNIT,
    }
    built_in = [
        {
            "systemuserid": fixed_id("systemuser", name),
            "lastname": name,
            "domainname": name,
            "internalemailaddress": f"{name.lower()}@contoso.example",
            "isintegrationuser": int(name == "INTEGRATION"),
            "accessmode": access,
            "businessunitid": ROOT_UNIT,
        }
        for name, access in (("SYSTEM", 3), ("INTEGRATION", 4))
    ]
    return [*built_in, administrator]


def _application(client_id: str, name: str) -> Row:
    return {
        "systemuserid": fixed_id("systemuser", client_id),
        "applicationid": client_id.lower(),
        "azureactivedirectoryobjectid": fixed_id("directory", client_id),
        "lastname": name,
        "businessunitid": ROOT_UNIT,
    }


def _store_messages(storage: Storage) -> None:
    names = [*MESSAGES, *BULK_MESSAGES]
    rows = [{"sdkmessageid": fixed_id("sdkmessage", name), "name": name} for name in names]
    store(storage, TABLES["sdkmessage"], rows, _SYSTEM)
    filters = [
        {
            "sdkmessagefilterid": fixed_id("sdkmessagefilter", name, table.name),
            "primaryobjecttypecode": table.name,
            "sdkmessageid": fixed_id("sdkmessage", name),
        }
        for table in TABLES.values()
        if table.writable
        for name in (names if table.bulk else MESSAGES)
    ]
    store(storage, TABLES["sdkmessagefilter"], filters, _SYSTEM)
