"""What held records have in common, and how that is told."""

from __future__ import annotations

from typing import Any

import pytest

from shared.core.causes import causes_of, sentence_of
from shared.core.reasons import Reason
from shared.core.references import Unresolved
from shared.core.sides import Side

BC, DV = Side.BUSINESS_CENTRAL, Side.DATAVERSE
XYZ = Unresolved(BC, "id-of-xyz", "Currency XYZ", ("CURRENCY",), "currencyId")
ANNA = Unresolved(BC, "AB", "Salesperson AB", ("SALESPEOPLE",), "salespersonCode")
TELLS: list[tuple[Reason, dict[str, Any], str]] = [
    (Reason.WAITS_FOR_PARENT, {"waits": (XYZ,)}, "Currency XYZ is not coupled: holds 1,412 records of CUSTOMER."),
    (Reason.WAITS_FOR_PARENT, {"waits_for": ("CUSTOMER", "VENDOR")},
     "A record of CUSTOMER or VENDOR is not coupled: holds 1,412 records of CUSTOMER."),
    (Reason.OPTION_NOT_MAPPED, {"column": "paymentTermsId", "value": "1", "what": "Payment Terms 14T"},
     "Payment Terms 14T has no choice in Dataverse: records keep the value they have."),
    (Reason.SERVICE_REFUSED, {"column": "country", "code": "0x80040265"},
     "Dataverse refuses country (0x80040265): holds 1,412 records of CUSTOMER."),
    (Reason.SERVICE_REFUSED, {"code": "0x80040265"},
     "Dataverse refuses the data (0x80040265): holds 1,412 records of CUSTOMER."),
    (Reason.VALUE_REFUSED, {"column": "name"}, "Values do not fit name in Dataverse: holds 1,412 records of CUSTOMER."),
    (Reason.PERMISSION_MISSING, {},
     "The application user lacks a permission in Dataverse: holds 1,412 records of CUSTOMER."),
    (Reason.UPDATE_CONFLICT, {}, "The same data was edited on both sides: 1,412 records of CUSTOMER."),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "held", "sentence"), TELLS)
def test_a_cause_is_told_with_what_it_holds(reason: Reason, held: dict[str, Any], sentence: str) -> None:
    (cause,) = causes_of(reason, "CUSTOMER", BC, **held)
    assert sentence_of(cause, {"CUSTOMER": 1412}) == sentence


def test_a_parent_is_one_cause_whoever_waits_for_it() -> None:
    (here,) = causes_of(Reason.WAITS_FOR_PARENT, "CUSTOMER", BC, waits=(XYZ,))
    (there,) = causes_of(Reason.WAITS_FOR_PARENT, "VENDOR", BC, waits=(XYZ,))
    assert here == there
    assert here.id == there.id
    told = sentence_of(here, {"CUSTOMER": 2, "VENDOR": 1}, "Currency XYZ Xyz dollar")
    assert told == "Currency XYZ Xyz dollar is not coupled: holds 2 records of CUSTOMER and 1 record of VENDOR."


def test_a_record_that_waits_for_two_parents_has_two_causes() -> None:
    found = causes_of(Reason.WAITS_FOR_PARENT, "CUSTOMER", BC, waits=(XYZ, ANNA, XYZ))
    assert [cause.value for cause in found] == ["id-of-xyz", "AB"]
    assert len({cause.id for cause in found}) == 2


@pytest.mark.parametrize(
    "other",
    [
        {"code": "other", "column": "country"},
        {"code": "0x1", "column": "name"},
        {"code": "0x1", "column": "country", "mapping": "VENDOR"},
        {"code": "0x1", "column": "country", "source": DV},
    ],
)
def test_another_refusal_is_another_cause(other: dict[str, Any]) -> None:
    first = causes_of(Reason.SERVICE_REFUSED, "CUSTOMER", BC, code="0x1", column="country")
    second = causes_of(
        Reason.SERVICE_REFUSED, other.get("mapping", "CUSTOMER"), other.get("source", BC), code=other["code"],
        column=other["column"],
    )  # fmt: skip
    assert first != second
    assert first[0].id != second[0].id


def test_what_the_service_gives_no_code_for_is_told_apart_by_its_words() -> None:
    first, second = (
        causes_of(Reason.SERVICE_REFUSED, "CUSTOMER", BC, message=message) for message in ("No country.", "No terms.")
    )
    assert first != second
