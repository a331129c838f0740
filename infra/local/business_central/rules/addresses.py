"""Addresses: a new country clears, a known post code fills, a tax number has its country's form.

Rules of table code: Country/Region Code, Post Code and VAT Registration No. of customers, vendors and contacts.
"""

from __future__ import annotations

import re

from infra.local.business_central.database import Record
from infra.local.business_central.errors import business_rule
from infra.local.business_central.rules.work import Work
from infra.local.business_central.schema import Stored

# The Post Code table: code, city, state, country.
POST_CODES = (
    ("10115", "Berlin", "", "DE"),
    ("20095", "Hamburg", "HH", "DE"),
    ("80331", "München", "BY", "DE"),
    ("1010", "Wien", "W", "AT"),
    ("8001", "Zürich", "ZH", "CH"),
    ("2100", "København", "", "DK"),
    ("111 29", "Stockholm", "", "SE"),
    ("75001", "Paris", "", "FR"),
    ("28001", "Madrid", "Madrid", "ES"),
    ("1000-001", "Lisboa", "", "PT"),
    ("1012 AB", "Amsterdam", "NH", "NL"),
    ("WC1E 6BT", "London", "Greater London", "GB"),
    ("98052", "Redmond", "WA", "US"),
    ("10001", "New York", "NY", "US"),
    ("10001", "Tallinn", "", "EE"),
    ("00100", "Helsinki", "", "FI"),
    ("00100", "Roma", "RM", "IT"),
)
_BY_CODE: dict[str, list[tuple[str, str, str]]] = {}
for _code, _city, _state, _country in POST_CODES:
    _BY_CODE.setdefault(_code, []).append((_city, _state, _country))

# The VAT Registration No. formats, in the notation of their table: # is a digit, ? a letter, @ either.
TAX_NUMBER_FORMATS = {
    "AT": ("ATU########", "U########"),
    "BE": ("BE##########", "##########"),
    "CH": ("CHE#########", "CHE-###.###.###"),
    "DE": ("DE#########", "#########"),
    "DK": ("DK########", "########"),
    "ES": ("ES@#######@", "@#######@"),
    "FI": ("FI########", "########"),
    "FR": ("FR@@#########", "@@#########"),
    "GB": ("GB#########", "#########", "GB############", "############"),
    "IT": ("IT###########", "###########"),
    "NL": ("NL#########B##", "#########B##"),
    "SE": ("SE############", "############"),
}
_CLASSES = {"#": "[0-9]", "?": "[A-Z]", "@": "[0-9A-Z]"}


def validate_country(work: Work, record: Record, before: Record, value: Stored) -> None:
    """Changing a country that was not blank blanks post code, city and state, and re-checks the tax number."""
    record["country"] = value
    if value == before["country"]:
        return
    if before["country"] and work.switches.clear_address_on_country_change:
        record.update(postalCode="", city="", state="")
    check_tax_number(work, record)


def validate_postal_code(work: Work, record: Record, before: Record, value: Stored) -> None:
    """A post code of the table brings its city, state and country; the row of the present country is preferred."""
    record["postalCode"] = value
    rows = _BY_CODE.get(str(value), []) if work.switches.post_codes else []
    if not rows:
        return
    of_country = [row for row in rows if row[2] == record["country"]] or rows
    of_city = [row for row in of_country if row[0].casefold() == str(record["city"]).casefold()] or of_country
    city, state, country = of_city[0]
    record.update(city=city, state=state, country=country)


def validate_tax_number(work: Work, record: Record, before: Record, value: Stored) -> None:
    """The number must have one of the forms of the country."""
    record["taxRegistrationNumber"] = value
    check_tax_number(work, record)


def check_tax_number(work: Work, record: Record) -> None:
    """Refuse a tax number whose form is not one of its country's; without a country, of the company's own."""
    number, country = str(record["taxRegistrationNumber"]), str(record["country"]) or _own_country(work)
    if not number or not work.switches.tax_number_formats:
        return
    formats = TAX_NUMBER_FORMATS.get(country, ())
    if formats and not any(_pattern(one).fullmatch(number) for one in formats):
        raise business_rule(
            "The entered VAT Registration number is not in agreement with the format specified for "
            f"Country/Region Code {country}. The following formats are acceptable: {', '.join(formats)}"
        )


def _own_country(work: Work) -> str:
    rows = work.database.query("SELECT country FROM companyInformation LIMIT 1")
    return str(rows[0][0]) if rows else ""


def _pattern(form: str) -> re.Pattern[str]:
    return re.compile("".join(_CLASSES.get(one, re.escape(one)) for one in form))


VALIDATIONS = {
    "country": validate_country,
    "postalCode": validate_postal_code,
    "taxRegistrationNumber": validate_tax_number,
}
