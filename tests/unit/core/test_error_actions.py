"""Which actions an error offers: a table of what there can be of its records."""

from __future__ import annotations

import pytest

from shared.core.error_actions import ErrorAction, ErrorState, enabled_actions, refusal_of
from shared.core.refusals import RefusalCode
from shared.core.sides import Direction, Side

BC, DV = Side.BUSINESS_CENTRAL, Side.DATAVERSE
BOTH, ONLY_BC, ONLY_DV, NEITHER = frozenset(Side), frozenset({BC}), frozenset({DV}), frozenset[Side]()
RETRY, SYNCHRONIZE, RESTORE, DELETE, UNCOUPLE, COUPLE, LOG = ErrorAction


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        pytest.param(ErrorState("x", BOTH), {RETRY, SYNCHRONIZE, UNCOUPLE, COUPLE, LOG}, id="both exist"),
        pytest.param(ErrorState("x", ONLY_DV), {RESTORE, DELETE, UNCOUPLE}, id="BC record deleted"),
        pytest.param(ErrorState("x", ONLY_BC), {RESTORE, DELETE, UNCOUPLE, COUPLE, LOG}, id="Dataverse row deleted"),
        pytest.param(ErrorState("x", NEITHER), {UNCOUPLE}, id="both deleted"),
        pytest.param(ErrorState("x", ONLY_BC, coupled=False), {RETRY, COUPLE, LOG}, id="BC record not coupled"),
        pytest.param(ErrorState("x", ONLY_DV, coupled=False), {RETRY, COUPLE}, id="Dataverse row not coupled"),
        pytest.param(ErrorState("x", NEITHER, coupled=False), set(), id="not coupled, and gone"),
        pytest.param(ErrorState("x", NEITHER, coupled=False, is_record=False), {RETRY}, id="a missing choice"),
        pytest.param(ErrorState("x", BOTH, held=True), {UNCOUPLE, LOG}, id="kept out by a person"),
        pytest.param(
            ErrorState("x", ONLY_DV, direction=Direction.TO_INTEGRATION_TABLE),
            {DELETE, UNCOUPLE},
            id="To, source deleted",
        ),
        pytest.param(
            ErrorState("x", ONLY_BC, direction=Direction.TO_INTEGRATION_TABLE),
            {RESTORE, DELETE, UNCOUPLE, COUPLE, LOG},
            id="To, destination deleted",
        ),
    ],
)
def test_an_error_offers_what_its_records_allow(state: ErrorState, expected: set[ErrorAction]) -> None:
    assert set(enabled_actions(state)) == expected


@pytest.mark.parametrize(
    ("action", "state", "code", "words"),
    [
        (RETRY, ErrorState("C 1", ONLY_BC), RefusalCode.BROKEN, "C 1: the record in Dataverse was deleted."),
        (SYNCHRONIZE, ErrorState("x", NEITHER), RefusalCode.BROKEN, "in Business Central and Dataverse was deleted"),
        (SYNCHRONIZE, ErrorState("x", ONLY_BC, coupled=False), RefusalCode.NOT_COUPLED, "not coupled"),
        (RESTORE, ErrorState("x", BOTH), RefusalCode.BOTH_EXIST, "both records exist"),
        (DELETE, ErrorState("x", NEITHER), RefusalCode.GONE, "both records were deleted"),
        (RESTORE, ErrorState("x", ONLY_DV, direction=Direction.TO_INTEGRATION_TABLE), RefusalCode.DIRECTION_FORBIDS,
         "no data of Dataverse"),
        (COUPLE, ErrorState("x", ONLY_DV), RefusalCode.GONE, "Business Central does not have"),
        (UNCOUPLE, ErrorState("x", ONLY_DV, coupled=False), RefusalCode.NOT_COUPLED, "not coupled"),
        (DELETE, ErrorState("14T", NEITHER, coupled=False, is_record=False), RefusalCode.NOT_A_RECORD, "14T is"),
    ],
)  # fmt: skip
def test_a_refusal_says_why_and_what_helps(
    action: ErrorAction, state: ErrorState, code: RefusalCode, words: str
) -> None:
    refused = refusal_of(action, state)
    assert refused is not None
    assert refused.code is code
    assert words in refused.message
    assert refused.remedy
