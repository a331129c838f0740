"""What couple, uncouple, match and synchronize now take: what makes no sense is refused before any record is read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from shared.core.likeness import Trait, TraitScore
from shared.core.sides import Side
from shared.core.sync_options import ColumnChange
from shared.services.forms.base import MOST_IDS, Form
from shared.services.forms.coupling import CoupleRequest
from shared.services.forms.matching import LikenessReason, MatchRequest, PreviewRequest
from shared.services.forms.synchronize_now import ColumnChangeAnswer, SyncNowRequest
from shared.services.forms.uncoupling import UncoupleRequest

ONE, OTHER = "2A601998-480D-51E2-B41A-32326D131495", "5b5450db-eb26-4c1a-981c-ba1d25f0483d"
BOTH = {"business_central_id": ONE, "dataverse_id": OTHER}

GOOD: list[tuple[type[Form], dict[str, Any]]] = [
    (CoupleRequest, {"mapping": "CUSTOMER", "pairs": [BOTH]}),
    (CoupleRequest, {"table": "account", "pairs": [{"dataverse_id": OTHER, "create_new": True}]}),
    (
        CoupleRequest,
        {"pairs": [{**BOTH, "replace": True}], "synchronize_after_coupling": "business_central_data"},
    ),
    (UncoupleRequest, {"mappings": ["CUSTOMER"], "business_central_ids": [ONE], "dataverse_ids": [OTHER]}),
    (UncoupleRequest, {"table": "customers", "filter": "city eq 'Kiel'", "side": "business_central"}),
    (UncoupleRequest, {"mappings": ["CUSTOMER", "VENDOR"], "all": True}),
    (MatchRequest, {"mapping": "CUSTOMER", "match_by": [["email"], ["displayName", "city"]], "create_new": "no_match"}),
    (PreviewRequest, {"mapping": "CUSTOMER", "limit": 10}),
    (SyncNowRequest, {"mapping": "CUSTOMER", "dataverse_ids": [OTHER], "choice": "merge"}),
]


@pytest.mark.parametrize(("form", "body"), GOOD)
def test_what_makes_sense_is_taken(form: type[Form], body: dict[str, Any]) -> None:
    form.model_validate_json(json.dumps(body), strict=True)


# What is changed in a good request: the member that the refusal is about.
WRONG: list[tuple[type[Form], dict[str, Any], str]] = [
    (CoupleRequest, {"pairs": []}, "pairs"),
    (CoupleRequest, {"pairs": [{"dataverse_id": OTHER}]}, "pairs"),
    (CoupleRequest, {"pairs": [{**BOTH, "create_new": True}]}, "pairs"),
    (CoupleRequest, {"pairs": [{"create_new": True}]}, "pairs"),
    (CoupleRequest, {"pairs": [{**BOTH, "dataverse_id": "K40090"}]}, "pairs"),
    (CoupleRequest, {"pairs": [{**BOTH, "dataverse_id": f"{OTHER}\n"}]}, "pairs"),
    (CoupleRequest, {"pairs": [BOTH] * (MOST_IDS + 1)}, "pairs"),
    (CoupleRequest, {"pairs": [BOTH], "synchronize_after_coupling": "both"}, "synchronize_after_coupling"),
    (CoupleRequest, {"pairs": [BOTH], "synchronise": "no"}, "synchronise"),
    (UncoupleRequest, {"mappings": ["CUSTOMER"]}, ""),
    (UncoupleRequest, {"mappings": ["CUSTOMER"], "all": True, "filter": "true"}, ""),
    (UncoupleRequest, {"all": True}, ""),
    (UncoupleRequest, {"mappings": ["CUSTOMER"], "table": "account", "all": True}, ""),
    (UncoupleRequest, {"mappings": ["CUSTOMER", "VENDOR"], "dataverse_ids": [OTHER]}, ""),
    (MatchRequest, {"match_by": []}, "match_by"),
    (MatchRequest, {"create_new": True}, "create_new"),
    (PreviewRequest, {"limit": 0}, "limit"),
    (SyncNowRequest, {"mapping": "CUSTOMER"}, ""),
    (SyncNowRequest, {"dataverse_ids": [OTHER], "choice": "push"}, "choice"),
]


@pytest.mark.parametrize(("form", "body", "member"), WRONG)
def test_what_makes_no_sense_is_refused(form: type[Form], body: dict[str, Any], member: str) -> None:
    with pytest.raises(ValidationError) as refused:
        form.model_validate_json(json.dumps(body), strict=True)
    (first, *_) = refused.value.errors()
    assert ".".join(map(str, first["loc"])).partition(".")[0] == member


def test_ids_are_told_apart_without_their_case() -> None:
    request = CoupleRequest.model_validate({"pairs": [BOTH]})
    assert request.pairs[0].business_central_id == ONE.lower()


def test_the_cores_own_types_become_answers_by_their_names() -> None:
    score = TraitScore(Trait.NAME, "Fabrikam", "Fabricam", 93.5, 40, 37.4)
    assert LikenessReason.model_validate(score).model_dump(mode="json")["trait"] == "name"
    change = ColumnChange(Side.DATAVERSE, "telephone1", None, "1", False)
    assert ColumnChangeAnswer.model_validate(change).new == "1"
