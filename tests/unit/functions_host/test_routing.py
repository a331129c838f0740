"""Route templates match as in ASP.NET Core."""

from __future__ import annotations

import pytest

from infra.local.functions_host.errors import AppError
from infra.local.functions_host.routing import most_specific_first, parse_route

GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("api/things", "/api/things", {}),
        ("api/things", "/API/Things/", {}),
        ("api/things", "/api/thing", None),
        ("api/{id}", "/api/7", {"id": "7"}),
        ("api/{id}", "/api/a%20b", {"id": "a b"}),
        ("api/{id}", "/api/a%2Fb", {"id": "a%2Fb"}),
        ("api/{id}", "/api", None),
        ("api/{id}", "/api/7/8", None),
        ("api/{id?}", "/api", {}),
        ("api/{id=1}", "/api", {"id": "1"}),
        ("api/{id=1}", "/api/2", {"id": "2"}),
        ("api/{id:int}", "/api/-7", {"id": "-7"}),
        ("api/{id:int}", "/api/2147483648", None),
        ("api/{id:long}", "/api/2147483648", {"id": "2147483648"}),
        ("api/{id:int?}", "/api", {}),
        ("api/{id:int=5}", "/api", {"id": "5"}),
        ("api/{id:guid}", f"/api/{GUID}", {"id": GUID}),
        ("api/{id:guid}", "/api/7", None),
        ("api/{name:alpha?}", "/api/Bob", {"name": "Bob"}),
        ("api/{name:alpha?}", "/api/B0b", None),
        ("api/{on:bool}", "/api/TRUE", {"on": "TRUE"}),
        ("api/{at:datetime}", "/api/2026-11-21", {"at": "2026-11-21"}),
        ("api/{at:datetime}", "/api/yesterday", None),
        ("api/{x:range(1,9):int}", "/api/9", {"x": "9"}),
        ("api/{x:range(1,9)}", "/api/10", None),
        ("api/{x:min(3)}", "/api/2", None),
        ("api/{x:length(2,3)}", "/api/abc", {"x": "abc"}),
        ("api/{x:maxlength(2)}", "/api/abc", None),
        ("api/{x:regex(^[a-c]+$)}", "/api/abc", {"x": "abc"}),
        ("api/{x:regex(^[a-c]+$)}", "/api/abd", None),
        ("api/{*rest}", "/api/a/b%20c", {"rest": "a/b c"}),
        ("api/{*rest}", "/api", {}),
        ("api/{**rest}", "/api/a/b", {"rest": "a/b"}),
        ("api/{*rest:int}", "/api/a", None),
        ("api/{name}.{extension}", "/api/a.b.csv", {"name": "a.b", "extension": "csv"}),
        ("api/v{version}/x", "/api/v2/x", {"version": "2"}),
        ("api/things(x)", "/api/thingsx", None),
        ("{id}", "/7", {"id": "7"}),
        ("", "/", {}),
    ],
)
def test_match(template: str, path: str, expected: dict[str, str] | None) -> None:
    assert parse_route(template).match(path) == expected


@pytest.mark.parametrize(
    "template",
    ["a/{*rest}/b", "a/{id?}/b", "a//b", "a/{id", "a/id}", "a/{}", "a/{id}/{ID}", "a/{id:colour}", "a/{id:range(x)}"],
)
def test_what_is_no_template_is_refused(template: str) -> None:
    with pytest.raises(AppError, match="Route"):
        parse_route(template)


def test_the_most_specific_template_is_tried_first() -> None:
    templates = ["{*rest}", "a/{*rest:int}", "a/{*rest}", "a/{id}", "a/{id:int}", "a/b", "a/{id}/c", "{x}/b"]

    ordered = most_specific_first([(parse_route(template), None) for template in templates])

    assert [route.template for route, _ in ordered] == [
        "a/b",
        "a/{id:int}",
        "a/{id}",
        "a/{id}/c",
        "a/{*rest:int}",
        "a/{*rest}",
        "{x}/b",
        "{*rest}",
    ]
