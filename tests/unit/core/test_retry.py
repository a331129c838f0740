"""When a record that could not be synchronized is tried again, and whether it is a person's task."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.core.reasons import Reason
from shared.core.retry import needs_person, next_attempt

NOW = datetime(2026, 1, 5, tzinfo=UTC)
BY_THEMSELVES = {
    Reason.SERVICE_BUSY,
    Reason.CHANGED_MEANWHILE,
    Reason.WAITS_FOR_PARENT,
    Reason.RELEASED,
    Reason.WAITS_FOR_RELEASE,
    Reason.HELD,
}


@pytest.mark.parametrize("reason", list(Reason))
def test_only_what_does_not_pass_by_itself_is_a_persons_task(reason: Reason) -> None:
    assert needs_person(reason) == (reason not in BY_THEMSELVES)


@pytest.mark.parametrize(
    ("reason", "attempts", "minutes"),
    [
        (Reason.SERVICE_BUSY, 1, 1),
        (Reason.SERVICE_BUSY, 2, 2),
        (Reason.CHANGED_MEANWHILE, 15, 15),
        (Reason.WAITS_FOR_PARENT, 16, 15),
        (Reason.WAITS_FOR_PARENT, 10_000, 15),
        (Reason.UPDATE_CONFLICT, 1, 2),
        (Reason.UPDATE_CONFLICT, 2, 4),
        (Reason.VALUE_REFUSED, 5, 32),
        (Reason.SERVICE_REFUSED, 6, 60),
        (Reason.DELETION_CONFLICT, 1_000_000, 60),
    ],
)
def test_the_pause_grows_to_its_limit(reason: Reason, attempts: int, minutes: int) -> None:
    assert next_attempt(reason, attempts, NOW) == NOW + timedelta(minutes=minutes)


@pytest.mark.parametrize("reason", list(Reason))
def test_the_pause_never_shrinks_and_never_exceeds_an_hour(reason: Reason) -> None:
    pauses = [next_attempt(reason, attempts, NOW) - NOW for attempts in range(1, 40)]
    assert pauses == sorted(pauses)
    assert timedelta(0) < pauses[0] <= timedelta(minutes=2)
    assert pauses[-1] <= timedelta(hours=1)


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_sentence(reason: Reason) -> None:
    assert reason.sentence.endswith(".")
    assert reason.sentence[0].isupper()
