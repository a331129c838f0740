"""Runs the checks of `dev.py test`: `python -m infra.local.checks [pytest arguments]`.

The tests come last, so that pytest's own closing line is near the end of the output.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SIDE_BY_SIDE = ("-n", "3", "--dist", "loadfile")


@dataclass(frozen=True)
class Check:
    """A command that passes with exit code 0; what it prints is shown when it fails, or at once when it is `loud`."""

    name: str
    command: tuple[str, ...]
    loud: bool = False

    def passes(self) -> bool:
        """Run it, and say how it went and how long it took."""
        start = time.perf_counter()
        output = None if self.loud else subprocess.PIPE
        done = subprocess.run(self.command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT if output else None)
        seconds = time.perf_counter() - start
        if done.returncode != 0 and done.stdout:
            print(done.stdout.decode(errors="replace").rstrip(), flush=True)
        if not self.loud:
            print(f"{self.name:<14} {seconds:5.1f} s  {'ok' if done.returncode == 0 else 'FAILED'}", flush=True)
        return done.returncode == 0


def pytest_check(arguments: list[str]) -> Check:
    """The tests, shown as they run: those that were asked for, or all. Of a folder several files run at a time, for
    many of them wait."""
    many = not arguments or any((ROOT / argument).is_dir() for argument in arguments)
    return Check("pytest", (sys.executable, "-m", "pytest", *(SIDE_BY_SIDE if many else ()), *arguments), loud=True)


def static_checks() -> list[Check]:
    """What can be said without running anything."""
    scripts = str(Path(sys.executable).parent)
    return [
        Check("ruff check", (sys.executable, "-m", "ruff", "check", ".")),
        Check("ruff format", (sys.executable, "-m", "ruff", "format", "--check", ".")),
        Check("mypy", (sys.executable, "-m", "mypy")),
        Check("import-linter", (shutil.which("lint-imports", path=scripts) or "lint-imports",)),
    ]


def main(arguments: list[str]) -> int:
    """Run every check, or only pytest when it is given arguments; answers the exit code."""
    checks = [*([] if arguments else static_checks()), pytest_check(arguments)]
    failed = [check.name for check in checks if not check.passes()]
    if failed:
        print(f"Failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
