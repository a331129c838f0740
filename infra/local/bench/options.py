"""The command line of the bench. Any Python from 3.9 reads this, with its standard library: dev.py does so first."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

CASES = ("idle", "changed-bc", "changed-dv", "changed-both", "load-dv", "load-bc", "match")
MEASURES = ("own-work", "memory", "cold-start", "cost")
RECORDS = 100_000
QUICK_RECORDS = 2_000


def add_options(parser: argparse.ArgumentParser) -> None:
    """Describe the options."""
    parser.add_argument(
        "--records", metavar="N", type=at_least(100), help=f"customers on each side (default {RECORDS:,})"
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write everything that was measured as JSON")
    parser.add_argument("--docs", action="store_true", help="write docs/speed.json, the page and the chart from it")
    parser.add_argument(
        "--cases",
        metavar="NAME",
        nargs="+",
        choices=(*CASES, *MEASURES),
        default=[*CASES, *MEASURES],
        help=f"run only some: {', '.join((*CASES, *MEASURES))}",
    )
    parser.add_argument(
        "--storage", choices=("file", "azurite"), default="file", help="where the state is kept (default: a file)"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"no latency and {QUICK_RECORDS:,} customers: calls and end states are judged, times are not",
    )
    for name, default, help in (
        ("request", 80, "milliseconds of each request to either service"),
        ("operation", 3, "milliseconds of each write operation in it"),
        ("page", 20, "milliseconds more of each page of a list"),
        ("state", 8, "milliseconds of each transaction of the state (file only)"),
    ):
        parser.add_argument(f"--{name}-ms", metavar="MS", type=number, help=f"{help} (default {default})")
    parser.add_argument(
        "--prices", metavar="FILE", type=Path, help="price sheet (default: infra/local/bench/prices.json)"
    )


def arguments_of(options: argparse.Namespace) -> list[str]:
    """The same options as arguments for another process, which may run in another folder."""
    arguments: list[str] = []
    for name in ("records", "storage", "request_ms", "operation_ms", "page_ms", "state_ms"):
        value = getattr(options, name)
        if value is not None:
            arguments += ["--" + name.replace("_", "-"), str(value)]
    for name in ("json", "prices"):
        file = getattr(options, name)
        if file is not None:
            arguments += ["--" + name, str(file.resolve())]
    return [*arguments, *["--quick"] * options.quick, *["--docs"] * options.docs, "--cases", *options.cases]


def at_least(least: int) -> Callable[[str], int]:
    """A type of argument: a whole number, and not too small."""

    def read(text: str) -> int:
        found = int(text)
        if found < least:
            raise argparse.ArgumentTypeError(f"{text} is less than {least}")
        return found

    return read


def number(text: str) -> float:
    """A type of argument: a number that is not negative."""
    found = float(text)
    if not 0 <= found < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no time")
    return found
