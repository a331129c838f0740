"""What a fresh company has: itself, countries, terms, methods, some currencies; no customers, vendors or contacts."""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, uuid5

from infra.local.business_central import writing
from infra.local.business_central.rules.plain import TABLES
from infra.local.business_central.rules.work import Work
from infra.local.business_central.schema import ENTITY_SETS
from infra.local.people import COUNTRIES

COMPANY_NAME = "Alderwood Trading"
COMPANY_ID = str(uuid5(NAMESPACE_URL, "https://alderwood.example/company"))

_MORE_COUNTRIES = {
    "AE": "United Arab Emirates", "AT": "Austria", "AU": "Australia", "BE": "Belgium", "BG": "Bulgaria", "BR": "Brazil",
    "CA": "Canada", "CH": "Switzerland", "CN": "China", "CY": "Cyprus", "CZ": "Czechia", "DE": "Germany",
    "DK": "Denmark", "EE": "Estonia", "ES": "Spain", "FI": "Finland", "FR": "France", "GB": "United Kingdom",
    "GR": "Greece", "HR": "Croatia", "HU": "Hungary", "IE": "Ireland", "IN": "India", "IS": "Iceland", "IT": "Italy",
    "JP": "Japan",
    "LT": "Lithuania", "LU": "Luxembourg", "LV": "Latvia", "MX": "Mexico", "MT": "Malta", "NL": "Netherlands",
    "NO": "Norway", "NZ": "New Zealand", "PL": "Poland", "PT": "Portugal", "RO": "Romania", "SE": "Sweden",
    "SG": "Singapore", "SI": "Slovenia", "SK": "Slovakia", "TR": "Türkiye", "US": "United States", "ZA": "South Africa",
}  # fmt: skip
_CURRENCIES = (
    ("USD", "US dollar"), ("GBP", "Pound sterling"), ("CHF", "Swiss franc"), ("JPY", "Japanese yen"),
    ("SEK", "Swedish krona"),
)  # fmt: skip
_MORE_CURRENCIES = (
    ("DKK", "Danish krone"), ("NOK", "Norwegian krone"), ("PLN", "Polish zloty"), ("EUR", "Euro"),
    ("CZK", "Czech koruna"), ("HUF", "Hungarian forint"), ("CAD", "Canadian dollar"), ("AUD", "Australian dollar"),
    ("NZD", "New Zealand dollar"), ("CNY", "Chinese yuan"), ("INR", "Indian rupee"), ("BRL", "Brazilian real"),
    ("MXN", "Mexican peso"), ("ZAR", "South African rand"), ("SGD", "Singapore dollar"), ("HKD", "Hong Kong dollar"),
    ("KRW", "South Korean won"), ("TRY", "Turkish lira"), ("ILS", "Israeli new shekel"), ("THB", "Thai baht"),
    ("ISK", "Icelandic krona"), ("RON", "Romanian leu"), ("AED", "UAE dirham"), ("SAR", "Saudi riyal"),
)  # fmt: skip
_ROWS: dict[str, list[dict[str, Any]]] = {
    "paymentTerms": [
        {"code": "COD", "displayName": "Cash on delivery", "dueDateCalculation": "0D"},
        {"code": "14 DAYS", "displayName": "Net 14 days", "dueDateCalculation": "14D"},
        {"code": "30 DAYS", "displayName": "Net 30", "dueDateCalculation": "30D"},
        {"code": "NET45", "displayName": "Net 45", "dueDateCalculation": "45D"},
        {"code": "NET60", "displayName": "Net 60", "dueDateCalculation": "60D"},
        {"code": "2%10NET30", "displayName": "2% 10, Net 30", "dueDateCalculation": "30D",
         "discountDateCalculation": "10D", "discountPercent": 2},
        {"code": "CM", "displayName": "Current month", "dueDateCalculation": "CM"},
    ],
    "paymentMethods": [
        {"code": "BANK", "displayName": "Bank transfer"},
        {"code": "CARD", "displayName": "Card payment"},
        {"code": "CASH", "displayName": "Cash"},
        {"code": "CHECK", "displayName": "Check"},
    ],
    "shipmentMethods": [
        {"code": "EXW", "displayName": "Ex works"},
        {"code": "FOB", "displayName": "Free on board"},
        {"code": "CIF", "displayName": "Cost, insurance and freight"},
        {"code": "DAP", "displayName": "Delivered at place"},
        {"code": "DDP", "displayName": "Delivered duty paid"},
        {"code": "PICKUP", "displayName": "Pick-up at location"},
    ],
    "unitsOfMeasure": [
        {"code": "PCS", "displayName": "Piece", "internationalStandardCode": "EA"},
        {"code": "HOUR", "displayName": "Hour", "internationalStandardCode": "HUR"},
        {"code": "KG", "displayName": "Kilogram", "internationalStandardCode": "KGM"},
    ],
    "itemCategories": [{"code": "MISC", "displayName": "Miscellaneous"}],
}  # fmt: skip


def set_up(work: Work) -> None:
    """Fill the tables of a new company; the ids are the same in every simulator."""
    with work.database.transaction():
        _company(work)
        countries = _MORE_COUNTRIES | COUNTRIES
        rows = {"countriesRegions": [{"code": code, "displayName": name} for code, name in sorted(countries.items())]}
        rows["currencies"] = currency_rows(work.local_currency)[: len(_CURRENCIES)]
        for name, listed in (rows | _ROWS).items():
            for row in listed:
                writing.create(work, ENTITY_SETS[name], {"id": fixed_id(name, row["code"]), **row})


def currency_rows(local_currency: str) -> list[dict[str, Any]]:
    """The currencies that a company may have, the usual ones first; the local currency has no row."""
    pairs = [pair for pair in (*_CURRENCIES, *_MORE_CURRENCIES) if pair[0] != local_currency]
    return [{"id": fixed_id("currencies", code), "code": code, "displayName": name} for code, name in pairs]


def fixed_id(entity_set: str, code: str) -> str:
    """The id of a row that every simulator has."""
    return str(uuid5(NAMESPACE_URL, f"https://alderwood.example/{entity_set}/{code}"))


def _company(work: Work) -> None:
    now = work.clock.now()
    company = TABLES["companies"].blank() | {
        "id": COMPANY_ID, "name": COMPANY_NAME, "displayName": COMPANY_NAME, "systemVersion": "27.0.0.0",
        "timestamp": 1, "systemCreatedAt": now, "systemModifiedAt": now,
    }  # fmt: skip
    work.database.insert("companies", company)
    information = TABLES["companyInformation"].blank() | {
        "id": fixed_id("companyInformation", ""), "displayName": COMPANY_NAME, "addressLine1": "Hafenstraße 12",
        "city": "Rostock", "postalCode": "18055", "country": "DE", "phoneNumber": "+49 381 5550 100",
        "email": "office@alderwood.example", "website": "https://www.alderwood.example",
        "currencyCode": work.local_currency, "lastModifiedDateTime": now, "currentFiscalYearStartDate": "2026-01-01",
    }  # fmt: skip
    work.database.insert("companyInformation", information)
