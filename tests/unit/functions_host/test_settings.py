"""Where app settings come from, how bindings refer to them, and what host.json says."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from infra.local.functions_host.errors import AppError
from infra.local.functions_host.host_json import HostOptions, read_host_json
from infra.local.functions_host.settings import apply_settings, parse_assignments, read_settings_file, resolve
from infra.local.functions_host.time_span import parse_time_span


def test_assignments_win_over_the_environment_and_the_environment_over_the_file() -> None:
    environment = {"B": "environment", "C": "environment"}

    apply_settings({"A": "file", "B": "file", "C": "file"}, {"C": "assigned"}, environment)

    assert environment == {"A": "file", "B": "environment", "C": "assigned"}


def test_an_assignment_may_contain_equals_signs() -> None:
    assert parse_assignments(["Connection=Endpoint=sb://x;Key=y=="]) == {"Connection": "Endpoint=sb://x;Key=y=="}


@pytest.mark.parametrize("assignment", ["secret", "=secret"])
def test_an_assignment_without_a_name_is_refused_without_repeating_it(assignment: str) -> None:
    with pytest.raises(AppError, match="NAME=VALUE") as refusal:
        parse_assignments([assignment])
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("content", ["{", '{"IsEncrypted": true, "Values": {}}', '{"Values": {"A": 1}}', "[]"])
def test_an_unusable_settings_file_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "local.settings.json"
    file.write_text(content)
    with pytest.raises(AppError, match=r"local\.settings\.json"):
        read_settings_file(file)


def test_a_missing_settings_file_has_no_values(tmp_path: Path) -> None:
    assert read_settings_file(tmp_path / "local.settings.json") == {}


def test_references_are_resolved() -> None:
    assert resolve("%A%-%B% 100%", {"A": "x", "B": "y"}) == "x-y 100%"


def test_a_reference_to_no_setting_is_named() -> None:
    with pytest.raises(AppError, match="QUEUE"):
        resolve("%QUEUE%", {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00:05:00", timedelta(minutes=5)),
        ("1.02:03:04.5000000", timedelta(days=1, hours=2, minutes=3, seconds=4.5)),
        ("-00:00:01", timedelta(seconds=-1)),
        ("02:30", timedelta(hours=2, minutes=30)),
        ("7", timedelta(days=7)),
    ],
)
def test_time_spans(text: str, expected: timedelta) -> None:
    assert parse_time_span(text) == expected


@pytest.mark.parametrize("text", ["", "5m", "24:00:00", "00:60:00", "00:00:60", "1:2:3:4"])
def test_what_is_no_time_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="time span"):
        parse_time_span(text)


def test_host_json_defaults_are_those_of_the_real_host(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')

    assert read_host_json(tmp_path / "host.json", {}) == HostOptions()


@pytest.mark.parametrize("prefix", ["AzureFunctionsJobHost__", "AZUREFUNCTIONSJOBHOST__"])
def test_app_settings_override_host_json(tmp_path: Path, prefix: str) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0", "extensions": {"http": {"routePrefix": "a"}}}')
    names = {"extensions__http__routePrefix": "b", "extensions__serviceBus__sessionIdleTimeout": "00:00:01"}
    environment = {prefix + (name.upper() if prefix.isupper() else name): value for name, value in names.items()}

    options = read_host_json(tmp_path / "host.json", environment)

    assert (options.route_prefix, options.service_bus.session_idle_timeout) == ("b", timedelta(seconds=1))


def test_host_json_is_read(tmp_path: Path) -> None:
    service_bus = {"prefetchCount": 5, "autoCompleteMessages": False, "sessionIdleTimeout": "00:00:02"}
    content = {
        "version": "2.0",
        "functionTimeout": "-1",
        "logging": {"logLevel": {"default": "Warning"}},
        "extensions": {"http": {"routePrefix": "/v1/"}, "serviceBus": service_bus},
    }
    (tmp_path / "host.json").write_text(json.dumps(content))

    options = read_host_json(tmp_path / "host.json", {})

    assert (options.route_prefix, options.function_timeout) == ("v1", None)
    assert options.log_levels == {"default": "Warning"}
    assert (options.service_bus.prefetch_count, options.service_bus.auto_complete_messages) == (5, False)
    assert options.service_bus.session_idle_timeout == timedelta(seconds=2)


@pytest.mark.parametrize(
    "content",
    [
        None,
        "{",
        "{}",
        '{"version": "2.0", "functionTimeout": "soon"}',
        '{"version": "2.0", "extensions": {"serviceBus": {"prefetchCount": "many"}}}',
        '{"version": "2.0", "extensions": {"http": {"routePrefix": 5}}}',
    ],
)
def test_an_unusable_host_json_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "host.json").write_text(content)
    with pytest.raises(AppError, match=r"host\.json"):
        read_host_json(tmp_path / "host.json")
