"""The emulator's configuration: what is understood, and the sentence for what is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.local.service_bus.config import ConfigurationError, QueueSettings, load, parse


def document(*queues: Any) -> dict[str, Any]:
    return {"UserConfig": {"Namespaces": [{"Name": "n", "Queues": list(queues), "Topics": []}]}}


def queue(**properties: Any) -> dict[str, Any]:
    return {"Name": "jobs", "Properties": properties}


def test_configuration_of_the_local_stack() -> None:
    path = Path(__file__).parents[3] / "infra" / "local" / "service-bus-config.json"
    (settings,) = load(path)
    assert (settings.name, settings.requires_session, settings.requires_duplicate_detection) == (
        "sync-jobs",
        True,
        True,
    )


def test_defaults_are_those_of_the_service() -> None:
    assert parse(document({"Name": "jobs"})) == [QueueSettings("jobs")]


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("PT1M", 60_000), ("PT0.5S", 500), ("PT4M59S", 299_000), ("PT5M", 300_000)],
)
def test_durations(text: str, milliseconds: int) -> None:
    assert parse(document(queue(LockDuration=text)))[0].lock_duration == milliseconds


def test_long_durations() -> None:
    assert parse(document(queue(DefaultMessageTimeToLive="P1DT2H")))[0].default_time_to_live == 26 * 3_600_000


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ([], "UserConfig"),
        ({"UserConfig": {"Namespaces": {}}}, "Namespaces"),
        (document(), "Queues"),
        ({"UserConfig": {"Namespaces": [{"Queues": [queue()], "Topics": [{"Name": "t"}]}]}}, "Topics"),
        (document({"Properties": {}}), "Name"),
        (document({"Name": ""}), "Name"),
        (document({"Name": "a"}, {"Name": "A"}), "Name"),
        (document({"Name": "a", "Properties": []}), "Properties"),
        (document(queue(LockDuration="1 minute")), "LockDuration"),
        (document(queue(LockDuration="PT")), "LockDuration"),
        (document(queue(LockDuration="PT0S")), "LockDuration"),
        (document(queue(LockDuration="PT6M")), "LockDuration"),
        (document(queue(LockDuration=60)), "LockDuration"),
        (document(queue(MaxDeliveryCount=0)), "MaxDeliveryCount"),
        (document(queue(MaxDeliveryCount=True)), "MaxDeliveryCount"),
        (document(queue(RequiresSession="true")), "RequiresSession"),
        (document(queue(RequiresSessions=True)), "RequiresSessions"),
        (document(queue(ForwardTo="other")), "ForwardTo"),
        (document(queue(ForwardDeadLetteredMessagesTo="missing")), "ForwardDeadLetteredMessagesTo"),
        (document(queue(ForwardDeadLetteredMessagesTo="JOBS")), "ForwardDeadLetteredMessagesTo"),
        (
            document(queue(ForwardDeadLetteredMessagesTo="s"), {"Name": "s", "Properties": {"RequiresSession": True}}),
            "ForwardDeadLetteredMessagesTo",
        ),
    ],
)
def test_wrong_field_is_named_in_one_sentence(given: Any, named: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"\b{named}\b") as refused:
        parse(given)
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)


def test_unreadable_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    with pytest.raises(ConfigurationError, match=r"config\.json"):
        load(path)
    path.write_text("{")
    with pytest.raises(ConfigurationError, match=r"config\.json"):
        load(path)
