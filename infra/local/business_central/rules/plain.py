"""Currencies, items and the small code tables."""

from __future__ import annotations

import re

from infra.local.business_central.database import Record
from infra.local.business_central.errors import ApiError, business_rule
from infra.local.business_central.rules.contacts import ContactTable
from infra.local.business_central.rules.partners import PartnerTable
from infra.local.business_central.rules.series import give_number
from infra.local.business_central.rules.table import Table, Validation
from infra.local.business_central.rules.work import Work
from infra.local.business_central.schema import STORED_SETS, ZERO_GUID, Stored

SYMBOLS = {"EUR": "€", "USD": "$", "AUD": "$", "CAD": "$", "NZD": "$", "GBP": "£", "JPY": "¥", "CNY": "¥",
           "DKK": "kr", "ISK": "kr", "NOK": "kr", "SEK": "kr"}  # fmt: skip
_PLACES = re.compile(r"(\d?)(?::(\d?))?")


class CurrencyTable(Table):
    """Currency."""

    def __init__(self) -> None:
        super().__init__("currencies")
        self.validations = {
            "amountDecimalPlaces": _validate_places,
            "amountRoundingPrecision": _validate_precision,
        }

    def prepare(self, work: Work, record: Record) -> None:
        """A blank symbol comes from the code."""
        super().prepare(work, record)
        record["symbol"] = record["symbol"] or SYMBOLS.get(str(record["code"]), "")


def _validate_places(work: Work, record: Record, before: Record, value: Stored) -> None:
    match = _PLACES.fullmatch(str(value))
    if value and (match is None or (match[1] and match[2] and match[1] > match[2])):
        raise ApiError(400, "Application_EvaluateException", f"'{value}' is no number of decimal places.")
    record["amountDecimalPlaces"] = value


def _validate_precision(work: Work, record: Record, before: Record, value: Stored) -> None:
    hundredths = float(value) * 100
    if hundredths < 0 or abs(hundredths - round(hundredths)) > 1e-6:
        raise business_rule("Invoice Rounding Precision must be rounded to the nearest 0.01.")
    record["amountRoundingPrecision"] = value


class ItemTable(Table):
    """Item: the id and the code of a category or unit belong together."""

    def __init__(self) -> None:
        super().__init__("items")
        for target, identity, code in (
            ("itemCategories", "itemCategoryId", "itemCategoryCode"),
            ("unitsOfMeasure", "baseUnitOfMeasureId", "baseUnitOfMeasureCode"),
        ):
            self.validations[identity] = _pair(target, "id", identity, code)
            self.validations[code] = _pair(target, "code", identity, code)

    def prepare(self, work: Work, record: Record) -> None:
        """Give a number."""
        give_number(work, self.set, record)


def _pair(target: str, by: str, identity: str, code: str) -> Validation:
    def validate(work: Work, record: Record, before: Record, value: Stored) -> None:
        found = work.database.find(target, by, value)
        record[identity] = found["id"] if found else ZERO_GUID
        record[code] = found["code"] if found else ""

    return validate


def _all_tables() -> dict[str, Table]:
    tables = {one.name: Table(one.name) for one in STORED_SETS}
    contacts = ContactTable()
    special: list[Table] = [contacts, CurrencyTable(), ItemTable()]
    special += [PartnerTable(name, contacts) for name in ("customers", "vendors")]
    return tables | {table.set.name: table for table in special}


TABLES = _all_tables()
