"""The whole app in hundreds of seeded worlds of bad luck: every law holds in each of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import shared.services.apply
from shared.core.records import Update
from tests.simulation.__main__ import main
from tests.simulation.faults import Fault
from tests.simulation.many import Played, outcomes
from tests.simulation.scenario import Plan
from tests.simulation.shorten import shortened, text_of
from tests.simulation.simulation import Outcome, play

ROOT = Path(__file__).resolve().parents[2]
SEEDS = 300
# What the seeds must have come by besides every kind of bad luck; worlds that never get there prove nothing.
REACHED = {"created", "carried", "one way", "overruled", "taken back"}
_STORY = """
import hashlib
from tests.simulation.scenario import Plan
from tests.simulation.simulation import play
print(hashlib.sha256(repr([play(Plan(seed), tell=True).story for seed in (3, 4, 5)]).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def played() -> Played:
    """The seeds of the ordinary test run, and those that break a law."""
    seeds, happened, broken = 0, Counter[str](), tuple[Outcome, ...]()
    for some in outcomes(range(SEEDS), 2):
        seeds, happened, broken = seeds + some.seeds, happened + some.happened, broken + some.broken
    return Played(seeds, happened, broken)


def test_every_law_holds(played: Played) -> None:
    assert not played.broken, text_of(shortened(played.broken[0]))


def test_the_seeds_go_everywhere(played: Played) -> None:
    assert played.happened.keys() >= REACHED | set(map(str, Fault))


def test_a_seed_is_one_story_whatever_the_order_of_hashes() -> None:
    told = {
        subprocess.run(
            [sys.executable, "-c", _STORY],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hashes},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hashes in ("1", "2")
    }
    assert len(told) == 1


def test_listening_does_not_change_the_story() -> None:
    silent, told = play(Plan(6)), play(Plan(6), tell=True)
    assert (silent.steps, silent.happened, silent.story) == (told.steps, told.happened, [])
    assert told.story


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


def test_what_is_spared_never_happens() -> None:
    for seed in range(20):
        happened = play(Plan(seed, spared=frozenset(Fault))).happened
        assert not happened.keys() & set(map(str, Fault))
