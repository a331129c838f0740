"""Shared access signatures: which are accepted for what."""

from __future__ import annotations

import time

import pytest

from infra.local.service_bus.errors import Unauthorized
from infra.local.service_bus.tokens import SharedKey, covers, entity_path
from tests.unit.service_bus.tokens_for_tests import signed


def now() -> int:
    return int(time.time() * 1000)


@pytest.mark.parametrize("audience", ["sb://localhost:5672/jobs", "amqps://localhost/JOBS/$DeadLetterQueue", "jobs"])
def test_signed_token_is_accepted_for_its_resource_and_beneath(audience: str) -> None:
    expiry = SharedKey().verify(signed("sb://localhost:5672/jobs", seconds=600), audience, now())
    assert 590_000 < expiry - now() <= 600_000


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (signed("sb://host/jobs", key="other"), "InvalidSignature"),
        (signed("sb://host/jobs", name="Listen"), "InvalidSignature"),
        (signed("sb://host/jobs").replace("jobs", "jobz"), "InvalidSignature"),
        (signed("sb://host/jobs", seconds=-1), "ExpiredToken"),
        (signed("sb://host/job"), "InvalidAudience"),
        ("eyJ0eXAiOiJKV1Qi", "InvalidToken"),
        (None, "InvalidToken"),
    ],
)
def test_other_tokens_are_refused_with_the_reason(token: str | None, reason: str) -> None:
    with pytest.raises(Unauthorized, match=reason):
        SharedKey().verify(token, "sb://host/jobs", now())


@pytest.mark.parametrize(
    ("address", "path"),
    [("amqps://localhost:1/Jobs", "jobs"), ("sb://host/a/$management", "a/$management"), ("/jobs/", "jobs"), ("", "")],
)
def test_entity_path_of_an_address(address: str, path: str) -> None:
    assert entity_path(address) == path


@pytest.mark.parametrize(
    ("granted", "path", "allowed"),
    [
        ("", "jobs", True),
        ("jobs", "jobs", True),
        ("jobs", "jobs/x", True),
        ("jobs", "jobs2", False),
        ("a/b", "a", False),
    ],
)
def test_right_on_a_path(granted: str, path: str, allowed: bool) -> None:
    assert covers(granted, path) is allowed
