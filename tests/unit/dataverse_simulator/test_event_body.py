"""The body of a webhook call, above all where it is too large."""

from __future__ import annotations

import json

from infra.local.dataverse.event_body import LARGEST, serialized, stripped
from infra.local.dataverse.events import Event
from infra.local.dataverse.schema.catalog import TABLES

ROW, USER, UNIT = (f"0000000{number}-0000-0000-0000-000000000000" for number in range(3))


def test_the_row_is_left_out_of_a_body_that_is_too_large() -> None:
    event = Event("Update", TABLES["account"], ROW, {"description": "x" * LARGEST}, USER, UNIT)
    assert len(serialized(event)) > LARGEST > len(stripped(event))
    context = json.loads(stripped(event))
    assert "InputParameters" not in context
    assert (context["PrimaryEntityId"], context["PrimaryEntityName"]) == (ROW, "account")


def test_lookups_and_moments_have_their_own_forms() -> None:
    values = {"parentcustomerid": USER, "parentcustomerid_type": "account", "modifiedon": 1_506_384_247}
    event = Event("Update", TABLES["contact"], ROW, values, USER, UNIT)
    target = json.loads(serialized(event))["InputParameters"][0]["value"]
    attributes = {one["key"]: one["value"] for one in target["Attributes"]}
    assert attributes["parentcustomerid"]["LogicalName"] == "account"
    assert attributes["modifiedon"] == "/Date(1506384247000)/"
