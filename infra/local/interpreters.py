"""Finds Python 3.13, Node.js and npm on this machine. Runs in any Python from 3.9, before anything is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

PYTHON = "3.13"  # azure-functions-runtime takes no older one and is not tested with a newer one
OLDEST_NODE = 20
WINDOWS = sys.platform == "win32"


class Missing(Exception):
    """Something that this machine has to have; the text says in one sentence what."""


def find_python() -> str:
    """The path of a Python 3.13. Each candidate is run: a pyenv shim may be there and yet start nothing."""
    for candidate in python_candidates():
        if version_of(candidate) == PYTHON:
            return output_of([*candidate, "-c", "import sys; print(sys.executable)"]) or candidate[0]
    uv = shutil.which("uv")
    if uv and subprocess.run([uv, "python", "install", PYTHON], env=work_environment()).returncode == 0:
        found = output_of([uv, "python", "find", PYTHON])
        if found and version_of([found]) == PYTHON:
            return found
    raise Missing(
        f"Python {PYTHON} is needed and was not found: install it (python.org, your package manager, pyenv or uv) "
        "or set PYTHON to its path."
    )


def python_candidates() -> Iterator[list[str]]:
    """Commands that may start the right Python, the likeliest and quickest first."""
    if os.environ.get("PYTHON"):
        yield [os.environ["PYTHON"]]
    yield [sys.executable]
    for name in (f"python{PYTHON}", "python3", "python"):
        yield from ([found] for found in all_on_path(name))
    launcher = shutil.which("py") if WINDOWS else None
    if launcher:
        yield [launcher, f"-{PYTHON}"]
    yield from ([str(found)] for found in pyenv_pythons())
    uv = shutil.which("uv")
    found = output_of([uv, "python", "find", PYTHON]) if uv else None
    if found:
        yield [found]


def all_on_path(name: str) -> Iterator[str]:
    """Every executable of this name on PATH: a shim that does not work may hide one that does."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        found = shutil.which(name, path=folder) if folder else None
        if found:
            yield found


def pyenv_pythons() -> list[Path]:
    """The interpreters that pyenv keeps, selected or not, newest first."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv" / ("pyenv-win" if WINDOWS else ""))
    versions = sorted(root.glob(f"versions/{PYTHON}*"), key=lambda path: numbers(path.name), reverse=True)
    return [version / ("python.exe" if WINDOWS else "bin/python") for version in versions]


def find_npm() -> str:
    """The path of npm, beside a Node.js that is new enough.

    Raises:
        Missing: Node.js is not there, does not answer or is too old.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    need = f"Node.js {OLDEST_NODE} or newer with npm is needed for Azurite, the storage emulator"
    if not node or not npm:
        raise Missing(f"{need}; it was not found on PATH.")
    version = output_of([node, "--version"])
    if numbers(version or "0")[:1] < [OLDEST_NODE]:
        raise Missing(f"{need}; the one on PATH is {version or 'not working'}.")
    return npm


def version_of(command: Sequence[str]) -> str | None:
    """The version of this interpreter as "3.13", or "3.13t" where it has no global lock; None where it does not run."""
    code = "import sys; print('%d.%d' % sys.version_info[:2] + getattr(sys, 'abiflags', ''))"
    return output_of([*command, "-c", code])


def numbers(version: str) -> list[int]:
    """The numbers in a version, to compare versions by: `3.13.10` is newer than `3.13.9`."""
    return [int(number) for number in re.findall(r"\d+", version)]


def output_of(command: Sequence[str]) -> str | None:
    """What a short command prints; None when it cannot be run, fails, hangs or prints nothing."""
    try:
        done = subprocess.run(
            command,
            env=work_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=30,
            text=True,
        )
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def work_environment() -> dict[str, str]:
    """This process's environment without what would mix another Python in or make every start slow."""
    dropped = {"PYTHONHOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"}
    return {**{name: value for name, value in os.environ.items() if name not in dropped}, "PYTHONUTF8": "1"}
