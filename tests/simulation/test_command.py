"""The command that plays seeds: what it tells of a product with a fault, and of a seed alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import shared.services.apply
from shared.core.records import Update
from tests.simulation.__main__ import main


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A product that overwrites whatever has become of a row since it was read."""

    def update(*arguments: Any) -> Update:
        return replace(Update(*arguments), etag=None)

    monkeypatch.setattr(shared.services.apply, "Update", update)


def test_a_failure_tells_the_shortest_story_and_the_command_that_repeats_it(
    blind: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--seeds", "50", "--seed", "0", "--jobs", "1"]) == 1
    first = capsys.readouterr().out
    assert first.index("breaks a law") < first.index("Looking for the shortest story")
    command = first.split("dev.py simulate ")[-1].split()
    assert any(f" breaks a law: {law}: " in first for law in ("no edit is lost", "a group is one"))
    assert {"--spare", "--skip"} <= set(command)
    assert main(command) == 1
    assert capsys.readouterr().out.splitlines()[-2:] == first.splitlines()[-2:]


def test_going_on_lists_every_seed_that_breaks_a_law(blind: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "50", "--seed", "0", "--jobs", "1", "--go-on"]) == 1
    told = capsys.readouterr().out
    listed = told.count("breaks a law")
    assert listed > 1
    assert f"{listed} of 50 seeds from 0 on break a law." in told


def test_one_seed_alone_tells_its_story(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "3"]) == 0
    told = capsys.readouterr().out
    assert "every law holds" in told
    assert "takes CUSTOMER" in told
