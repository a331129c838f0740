"""Couple and uncouple by request: what is done, and the refusals that name both records."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.core.actions import GONE, Seen, View
from shared.core.coupling import CoupledRecord, Coupling
from shared.core.coupling_requests import (
    AfterCoupling,
    Couple,
    CoupleRequest,
    CreateNew,
    Found,
    InPlace,
    PairRequest,
    couple,
    repeated,
    uncouple,
)
from shared.core.mapping import Mapping
from shared.core.records import Record
from shared.core.refusals import Refusal, RefusalCode
from shared.core.sides import Side
from tests.unit.core.tables import BC, DV, FROM, TABLES, TO, mapping

NOW = datetime(2026, 1, 5, tzinfo=UTC)
BOTH = mapping()
HERE = Record("b1", {"code": "C1", "a_bu": "Adatum"})
THERE = Record("d1", {"code": "A-1", "a_da": "Adatum Corp"})
RECORDS = {BC: HERE, DV: THERE}
B, D = "Business Central record C1 Adatum", "Dataverse record A-1 Adatum Corp"
WITH_BC, WITH_DV = AfterCoupling.WITH_BUSINESS_CENTRAL_DATA, AfterCoupling.WITH_DATAVERSE_DATA


def coupling(here: str = "b1", there: str = "d1") -> Coupling:
    names = {"b1": ("C1", "Adatum"), "d1": ("A-1", "Adatum Corp"), "b9": ("C9", "Fabrikam"), "d9": (None, None)}
    ends = [CoupledRecord(one, number=names[one][0], title=names[one][1]) for one in (here, there)]
    return Coupling(ends[0], ends[1], NOW)


def found(
    side: Side,
    *,
    coupled: Coupling | None = None,
    broken: bool = False,
    inside: bool = True,
    gone: bool = False,
    table: str | None = None,
) -> Found:
    return Found(GONE if gone else View(Seen.PRESENT, RECORDS[side], inside), coupled, broken, table)


FREE = {BC: found(BC), DV: found(DV)}
OURS, BC_ELSEWHERE, DV_ELSEWHERE = coupling(), coupling("b1", "d9"), coupling("b9", "d1")
PAIR = CoupleRequest("b1", "d1")
FROM_BC, FROM_DV = CoupleRequest("b1", create_new=True), CoupleRequest(dataverse="d1", create_new=True)


def asked(**settings: object) -> CoupleRequest:
    return CoupleRequest("b1", "d1", **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rules", "request_", "state", "expected"),
    [
        pytest.param(BOTH, PAIR, FREE, Couple(RECORDS), id="two free records"),
        pytest.param(BOTH, asked(synchronize=WITH_BC), FREE, Couple(RECORDS, (), TO), id="then send"),
        pytest.param(BOTH, asked(synchronize=WITH_DV), FREE, Couple(RECORDS, (), FROM), id="then get"),
        pytest.param(BOTH, PAIR, FREE | {BC: found(BC, coupled=BC_ELSEWHERE, broken=True)},
                     Couple(RECORDS, (BC_ELSEWHERE,)), id="over a broken coupling of the BC record"),
        pytest.param(BOTH, PAIR, FREE | {DV: found(DV, coupled=DV_ELSEWHERE, broken=True)},
                     Couple(RECORDS, (DV_ELSEWHERE,)), id="over a broken coupling of the row"),
        pytest.param(BOTH, asked(replace=True),
                     {BC: found(BC, coupled=BC_ELSEWHERE), DV: found(DV, coupled=DV_ELSEWHERE)},
                     Couple(RECORDS, (BC_ELSEWHERE, DV_ELSEWHERE)), id="two couplings become one when asked"),
        pytest.param(BOTH, asked(synchronize=WITH_BC), {side: found(side, coupled=OURS) for side in Side},
                     InPlace(OURS, TO), id="coupled like this already"),
        pytest.param(BOTH, FROM_BC, {BC: found(BC)}, CreateNew(DV, HERE), id="a new row"),
        pytest.param(mapping(direction=TO), FROM_BC, {BC: found(BC)}, CreateNew(DV, HERE), id="a new row, To"),
        pytest.param(BOTH, FROM_DV, {DV: found(DV)}, CreateNew(BC, THERE), id="a new BC record"),
        pytest.param(BOTH, FROM_BC, {BC: found(BC, coupled=OURS, broken=True)}, CreateNew(DV, HERE, OURS),
                     id="a new row in place of a deleted one"),
    ],
)  # fmt: skip
def test_what_is_done(rules: Mapping, request_: CoupleRequest, state: dict[Side, Found], expected: object) -> None:
    assert couple(rules, request_, state, TABLES) == expected


@pytest.mark.parametrize(
    ("rules", "request_", "state", "code", "message"),
    [
        pytest.param(BOTH, PAIR, FREE | {BC: found(BC, coupled=BC_ELSEWHERE)}, RefusalCode.ALREADY_COUPLED,
                     f"{B} is already coupled, with Dataverse record d9.", id="the BC record is coupled"),
        pytest.param(BOTH, PAIR, FREE | {DV: found(DV, coupled=DV_ELSEWHERE)}, RefusalCode.ALREADY_COUPLED,
                     f"{D} is already coupled, with Business Central record C9 Fabrikam.", id="the row is coupled"),
        pytest.param(BOTH, FROM_BC, {BC: found(BC, coupled=OURS)}, RefusalCode.ALREADY_COUPLED,
                     f"{B} is already coupled, with {D}.", id="create new for a coupled record"),
        pytest.param(BOTH, PAIR, FREE | {DV: found(DV, inside=False)}, RefusalCode.OUTSIDE_FILTER,
                     f"{D} is outside the filter of TEST in Dataverse.", id="outside the filter"),
        pytest.param(BOTH, PAIR, FREE | {BC: found(BC, gone=True)}, RefusalCode.GONE,
                     "Business Central has no Business Central record b1.", id="gone"),
        pytest.param(BOTH, PAIR, FREE | {DV: found(DV, gone=True, table="contact")}, RefusalCode.WRONG_TABLE,
                     "d1 is a record of contact, not of dataverse_table, which TEST maps.", id="wrong table"),
        pytest.param(mapping(direction=TO), asked(synchronize=WITH_DV), FREE, RefusalCode.DIRECTION_FORBIDS,
                     "TEST is ToIntegrationTable: it does not carry the data of Dataverse over.", id="direction"),
        pytest.param(mapping(direction=TO), FROM_DV, {DV: found(DV)}, RefusalCode.DIRECTION_FORBIDS,
                     f"No Business Central record can be created in Business Central from {D}: TEST is "
                     "ToIntegrationTable.", id="direction of create new"),
        pytest.param(mapping(create_new_in=[BC]), FROM_BC, {BC: found(BC)}, RefusalCode.CREATE_NOT_ALLOWED,
                     f"No Dataverse record can be created in Dataverse from {B}: TEST creates no records there.",
                     id="the mapping creates none"),
        pytest.param(BOTH, CoupleRequest("b1", create_new=True, synchronize=WITH_DV), {BC: found(BC)},
                     RefusalCode.DIRECTION_FORBIDS,
                     f"No Dataverse record can be created in Dataverse from {B} with the data of Dataverse.",
                     id="a new row has no data of its own"),
        pytest.param(BOTH, CoupleRequest("b1"), {BC: found(BC)}, RefusalCode.INCOMPLETE,
                     "A coupling takes a record of each side, or one and a new one.", id="one record"),
        pytest.param(BOTH, asked(create_new=True), FREE, RefusalCode.INCOMPLETE,
                     "A coupling takes a record of each side, or one and a new one.", id="two records and a new one"),
        pytest.param(BOTH, CoupleRequest(create_new=True), {}, RefusalCode.INCOMPLETE,
                     "A coupling takes a record of each side, or one and a new one.", id="nothing"),
    ],
)  # fmt: skip
def test_what_is_refused(
    rules: Mapping, request_: CoupleRequest, state: dict[Side, Found], code: RefusalCode, message: str
) -> None:
    assert couple(rules, request_, state, TABLES) == Refusal(code, message)


def test_every_refusal_has_a_remedy() -> None:
    assert all(Refusal(code, "").remedy for code in RefusalCode)


def test_a_record_is_named_once_in_a_request() -> None:
    requests = [
        CoupleRequest("b1", "d1"),
        CoupleRequest("b2", "d2"),
        CoupleRequest("b3", "d1"),
        CoupleRequest("b3", create_new=True),
        PairRequest("d1"),
    ]
    refused = repeated(requests)
    assert {at: (one.code, one.message) for at, one in refused.items()} == {
        0: (RefusalCode.REPEATED, "The Dataverse record d1 is named more than once: in the pairs 1, 3."),
        2: (RefusalCode.REPEATED, "The Dataverse record d1 is named more than once: in the pairs 1, 3."),
        3: (RefusalCode.REPEATED, "The Business Central record b3 is named more than once: in the pairs 3, 4."),
    }


@pytest.mark.parametrize(
    ("request_", "state"),
    [
        (PairRequest("b1", "d1"), {BC: OURS, DV: OURS}),
        (PairRequest("b1"), {BC: OURS}),
        (PairRequest(dataverse="d1"), {DV: OURS}),
    ],
)
def test_a_coupling_is_removed_by_either_record(request_: PairRequest, state: dict[Side, Coupling]) -> None:
    assert uncouple(request_, state, TABLES) == OURS


@pytest.mark.parametrize(
    ("request_", "state", "code", "message"),
    [
        (PairRequest(), {}, RefusalCode.INCOMPLETE, "No record is named."),
        (PairRequest("b1"), {BC: None}, RefusalCode.NOT_COUPLED, "Business Central record b1 is not coupled."),
        (
            PairRequest("b1", "d1"),
            {BC: OURS, DV: None},
            RefusalCode.NOT_COUPLED,
            "Dataverse record d1 is not coupled.",
        ),
        (
            PairRequest("b1", "d1"),
            {BC: BC_ELSEWHERE, DV: DV_ELSEWHERE},
            RefusalCode.OTHER_PARTNER,
            "Business Central record C1 Adatum is coupled with Dataverse record d9, not with Dataverse record d1.",
        ),
    ],
)
def test_what_is_not_uncoupled(
    request_: PairRequest, state: dict[Side, Coupling | None], code: RefusalCode, message: str
) -> None:
    assert uncouple(request_, state, TABLES) == Refusal(code, message)
