"""The times that have to fit into each other, as they are really set: of the app, the host and the queue."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from annotated_types import Le

from infra.local.functions_host.host_json import HostOptions, read_host_json
from infra.local.service_bus.config import QueueSettings, load
from shared.adapters.http import READ_SECONDS, WRITE_SECONDS
from shared.adapters.settings import Settings
from shared.services.connections import QUEUE
from shared.services.idempotency import LONGEST_WORK

ROOT = Path(__file__).resolve().parents[2]
LONGEST_REQUEST = timedelta(seconds=max(READ_SECONDS, WRITE_SECONDS))
DUPLICATES_AT_LEAST = timedelta(minutes=2)  # within which the same message may be sent again


@pytest.fixture(scope="module")
def host() -> HostOptions:
    """host.json, without anybody's overriding settings."""
    return read_host_json(ROOT / "host.json", {})


@pytest.fixture(scope="module")
def queue() -> QueueSettings:
    """The queue as the stack has it, and as a deployment must have it."""
    (found,) = load(ROOT / "infra/local/service-bus-config.json")
    assert found.name == QUEUE
    return found


def longest_slice() -> timedelta:
    """The longest time that the setting allows; a slice looks at the clock between two requests only."""
    (most,) = [rule.le for rule in Settings.model_fields["slice_seconds"].metadata if isinstance(rule, Le)]
    return timedelta(seconds=float(most))  # type: ignore[arg-type]


def test_a_slice_is_over_before_the_host_ends_its_function(host: HostOptions) -> None:
    assert host.function_timeout is not None
    assert longest_slice() + LONGEST_REQUEST < host.function_timeout


def test_the_lock_of_a_session_is_renewed_for_many_slices(host: HostOptions) -> None:
    """The time counts from the acceptance of the session, and a long run's slices all come in one (.NET SDK)."""
    assert host.function_timeout is not None
    assert host.service_bus.max_auto_lock_renewal >= 10 * host.function_timeout


def test_a_lock_that_a_lost_host_leaves_behind_ends_before_its_run_counts_as_abandoned(queue: QueueSettings) -> None:
    from shared.services.context import Policy

    lock = timedelta(milliseconds=queue.lock_duration)
    assert timedelta(seconds=30) <= lock <= timedelta(minutes=5), "longer than a pause of the process, within the limit"
    assert lock * queue.max_delivery_count < Policy().abandoned_after


def test_duplicates_are_known_as_long_as_messages_are_sent_again(queue: QueueSettings) -> None:
    assert queue.requires_duplicate_detection
    assert timedelta(milliseconds=queue.duplicate_detection_window) >= DUPLICATES_AT_LEAST


def test_a_request_that_was_begun_counts_as_dead_only_when_its_function_must_be(host: HostOptions) -> None:
    assert host.function_timeout is not None
    assert host.function_timeout <= LONGEST_WORK
