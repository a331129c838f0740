"""The OpenAPI document is valid, whole, and true of what the functions answer."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from functions.api.openapi import document, problems_of
from functions.api.operation import Call, FileBody, Operation, Page, Redirect, Reply, operation
from functions.api.problems import KINDS
from functions.routes import operations
from shared.core.access import Role
from shared.services.forms.base import Answer, Form
from tests.unit.functions.api import Api

OPERATIONS = operations()
EACH = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document(OPERATIONS)


def test_the_document_is_valid(described: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(described).validate()


async def test_the_api_hands_it_out_itself(described: dict[str, Any]) -> None:
    assert (await Api().call("openapi")).json == described


@EACH
def test_every_operation_is_described_in_words(described: dict[str, Any], operation: Operation) -> None:
    found = described["paths"][f"/{operation.route}"][operation.method.lower()]
    assert found["operationId"] == operation.name
    assert found["summary"].endswith(".")
    assert found["security"] == [{"functionKey": []}, {"entra": [operation.role]}]
    assert all(parameter.get("description") for parameter in found["parameters"] if parameter["in"] != "path")


def test_every_member_that_can_be_sent_says_what_it_means(described: dict[str, Any]) -> None:
    sent = {operation.body.__name__ for operation in OPERATIONS if operation.body not in (None, FileBody)}
    silent = [
        (name, member)
        for name in sent
        for member, schema in described["components"]["schemas"][name]["properties"].items()
        if not schema.get("description")
    ]
    assert silent == []


def references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        yield from (value for name, value in part.items() if name == "$ref")
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            yield from references(one)


def test_there_is_no_type_that_nothing_refers_to(described: dict[str, Any]) -> None:
    named = {reference.rpartition("/")[2] for reference in references(described)}
    assert named == set(described["components"]["schemas"])


def test_every_kind_of_problem_can_come_from_some_operation() -> None:
    declared = {code for one in OPERATIONS for codes in problems_of(one).values() for code in codes}
    assert {kind.code for kind in KINDS} <= declared


@EACH
def test_a_handler_is_one_thought(operation: Operation) -> None:
    """A trigger parses, calls one use case and shapes the answer; more than a few statements would be a rule."""
    (tree,) = ast.parse(inspect.getsource(operation.handler)).body
    assert isinstance(tree, ast.AsyncFunctionDef)
    assert len(tree.body) <= 7


class Query(Form):
    """Something."""

    size: int


class Cup(Answer):
    """A cup."""

    size: int = 1


class Plate(Answer):
    """A plate."""


def declared(reply: Reply) -> Operation:
    @operation(Role.READER, {200: Cup})
    async def cups(call: Call[Query]) -> Reply:
        """The cups.

        All of them.
        """
        return reply

    return cups.at("GET", "cups")


def test_what_an_operation_takes_is_read_from_its_handler() -> None:
    cups = declared(Reply(Cup()))
    assert (cups.query, cups.body, cups.summary, cups.description) == (Query, None, "The cups.", "All of them.")


@pytest.mark.parametrize("reply", [Reply(Plate()), Reply(Cup(), 201)])
async def test_an_answer_that_is_not_declared_never_leaves(reply: Reply) -> None:
    assert (await Api().call(declared(reply), query="size=1")).code == "internal_error"


async def test_a_browser_may_be_shown_a_page_or_sent_on() -> None:
    @operation(Role.READER, {200: Page, 303: Redirect})
    async def shown(call: Call) -> Reply:
        """Open the cup."""
        known = call.path["size"] == "1"
        return (
            Reply(Redirect(), 303, {"Location": "https://cups.example/1"}) if known else Reply(Page("<p>No cup.</p>"))
        )

    open_cup = shown.at("GET", "open/{size}")
    page, sent_on = await Api().call(open_cup, {"size": "2"}), await Api().call(open_cup, {"size": "1"})
    assert (page.status, page.headers["content-type"], page.text) == (200, "text/html", "<p>No cup.</p>")
    assert (sent_on.status, sent_on.headers["location"], sent_on.text) == (303, "https://cups.example/1", "")
    responses = document([open_cup])["paths"]["/open/{size}"]["get"]["responses"]
    assert list(responses["200"]["content"]) == ["text/html"]
    assert (responses["303"]["content"], list(responses["303"]["headers"])) == ({}, ["Location"])


async def test_all_members_of_an_answer_are_told_and_said_to_be_there() -> None:
    schema = document([declared(Reply(Cup()))])["components"]["schemas"]["Cup"]
    assert schema["required"] == ["size"]
    assert (await Api().call(declared(Reply(Cup())), query="size=1")).json == {"size": 1}
