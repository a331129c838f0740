"""Timer functions under the local Functions host."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.contract.functions_host_apps.running import RunningHost, host_running

FIVE_MINUTES = timedelta(minutes=5)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder that says: `monitored` ran a while ago and has missed its next run."""
    folder = tmp_path_factory.mktemp("state")
    last = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=1)
    last -= timedelta(minutes=last.minute % 5)
    status = {"Last": last, "LastUpdated": last, "Next": last + FIVE_MINUTES}
    (folder / "monitored.json").write_text(json.dumps({name: moment.isoformat() for name, moment in status.items()}))
    return folder


@pytest.fixture(scope="module")
def host(state: Path) -> Iterator[RunningHost]:
    settings = ["--set", "TICK_SCHEDULE=* * * * * *", "--set", "AzureWebJobs.disabled.Disabled=1"]
    with host_running("timers", "--state", str(state), *settings) as running:
        yield running


def test_a_timer_runs_on_the_schedule_that_a_setting_holds(host: RunningHost) -> None:
    host.wait_for_log("tick [app]: ticked")


def test_a_missed_run_is_made_up_for_and_the_next_one_is_stored(host: RunningHost, state: Path) -> None:
    host.wait_for_log("monitored past_due=True")
    host.wait_for_log("Executed 'monitored'")
    stored = json.loads((state / "monitored.json").read_text())
    assert datetime.fromisoformat(stored["Next"]) > datetime.now(UTC)


def test_a_failing_timer_is_retried_as_its_policy_says(host: RunningHost) -> None:
    host.wait_for_log("Executed 'retried' (Failed", times=3)
    assert [host.log().count(f"attempt {retry} of 2") for retry in range(4)] == [1, 1, 1, 0]


def test_a_disabled_timer_does_not_run(host: RunningHost) -> None:
    host.wait_for_log("Executed 'retried'")  # which starts at the same time
    assert "must not run" not in host.log()


def test_a_timer_runs_by_hand(host: RunningHost) -> None:
    before = host.log().count("by hand past_due=False status={}")

    assert host.admin("POST", "functions/by_hand", {"input": ""}).status_code == 202

    host.wait_for_log("by hand past_due=False status={}", before + 1)


def test_what_the_library_warns_of_while_indexing_is_shown(host: RunningHost) -> None:
    (warning,) = host.admin("GET", "host/status").json()["warnings"]
    assert "Auth level is not applied" in warning


def test_without_timers_they_run_only_by_hand() -> None:
    with host_running("timers", "--no-timers", "--set", "TICK_SCHEDULE=* * * * * *") as host:
        host.admin("POST", "functions/tick")
        host.wait_for_log("Executed 'tick'")
        host.stop()
        assert host.log().count("Executing") == 1
        assert host.process.returncode == 0
