"""Running the fast tests against a copy of the project: as it is, and with one fault in it.

Faults never touch the project itself. Each trial has a folder and a pytest process of its own.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from infra.local.mutants.fault import Fault

COPIED = ("shared", "functions", "tests", "pyproject.toml")
# The quickest first: a trial ends with the first failing test.
# What plants faults of its own is left out: two at once prove nothing.
SUITES = (
    "tests/unit/core",
    "tests/unit/test_synchronization.py",
    "tests/unit/test_codes_nobody_told_of.py",
    "tests/unit/functions/test_removed_mappings.py",
    "tests/unit/test_planted.py",
    "tests/simulation/test_lost_answers.py",
    "tests/simulation/test_error_tasks_killed.py",
    "tests/simulation/test_simulation.py",
)
PATIENCE = 5  # times as long as without a fault; a fault may keep a test from ending
NO_END = "no end"


@dataclass(frozen=True, slots=True)
class Result:
    """How the tests went: the first failing one (None: all passed) and the seconds it took; `output` is pytest's."""

    failed: str | None
    seconds: float
    output: str = ""

    @property
    def is_useless(self) -> bool:
        """Whether not even the tests could be loaded: then the fault is no fault of behaviour."""
        return self.failed is not None and self.failed != NO_END and "::" not in self.failed


def copy_of(project: Path, target: Path) -> Path:
    """A copy of what the fast tests need, compiled files included where they are fresh."""
    target.mkdir()
    for name in COPIED:
        source = project / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("e2e", "contract", "benchmarks"))
        else:
            shutil.copy2(source, target / name)
    return target


def try_fault(project: Path, fault: Fault, folder: Path, seconds: float) -> Result:
    """The tests against a copy of `project` with this fault; `seconds` is how long they take without."""
    copy = copy_of(project, folder)
    try:
        fault.plant(copy)
        return run_tests(copy, limit=max(60.0, PATIENCE * seconds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_tests(root: Path, limit: float | None = None) -> Result:
    """The fast tests of the project in `root`, until the first one fails or `limit` seconds are over."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=line", "-rfE", "--show-capture=no"]
    command += ["-p", "no:cacheprovider", *SUITES]
    start = time.perf_counter()
    try:
        done = subprocess.run(
            command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=limit
        )
    except subprocess.TimeoutExpired:
        return Result(NO_END, time.perf_counter() - start)
    output = done.stdout.decode(errors="replace")
    failed = None if done.returncode == 0 else first_failure(output)
    return Result(failed, time.perf_counter() - start, output)


def first_failure(output: str) -> str:
    """The id of the first failing test in pytest's summary; its last line when pytest itself did not get that far."""
    lines = [line for line in output.splitlines() if line.strip()]
    for line in lines:
        for mark in ("FAILED ", "ERROR "):
            if line.startswith(f"{mark}tests"):
                return line.removeprefix(mark).split(" - ")[0]
    return lines[-1] if lines else "pytest did not start"
