"""Holds the running API against its own OpenAPI document: `python -m infra.local.fuzz` starts a stack and fuzzes it.

schemathesis makes requests of the document, good and bad ones. An answer with 5xx, a status, header or shape that the
document does not know, or a bad request that is taken for good, is a finding.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.local.stack import local_stack

LONG, SHORT = "coverage,fuzzing,stateful", "coverage,fuzzing"
"""The phases: coverage goes through every limit of every schema, stateful follows from answer to request."""

LEFT_OUT = ("unsupported_method", "positive_data_acceptance")
"""The host answers 404 to a method that a route does not have, and no schema tells all that makes a good filter."""

SETTINGS = {"SYNC_SCHEDULE": "0 0 0 1 1 *"}  # the timer would only be in the way


@dataclass(frozen=True)
class Found:
    """What became of it: whether nothing was found, and the report."""

    ok: bool
    report: str


async def fuzz(url: str, key: str, *, examples: int, seed: int, phases: str = LONG) -> Found:
    """Fuzz the API at `url` (up to and with the route prefix): at most `examples` requests per operation and phase."""
    with tempfile.TemporaryDirectory() as folder:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "schemathesis.cli", "run", f"{url}/openapi.json", f"--header=x-functions-key:{key}"),
            *(f"--phases={phases}", f"--max-examples={examples}", f"--seed={seed}", "--continue-on-failure"),
            *("--exclude-checks", ",".join(LEFT_OUT), "--suppress-health-check=all", "--no-color"),
            cwd=folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        return Found(process.returncode == 0, output.decode(errors="replace"))


async def _run(examples: int, seed: int) -> Found:
    async with local_stack(settings=SETTINGS, empty=True) as stack:
        return await fuzz(f"{stack.url}/api", stack.key, examples=examples, seed=seed)


def main(arguments: Sequence[str]) -> int:
    """Start a stack and fuzz it; answers the exit code."""
    parser = argparse.ArgumentParser(prog=f"python -m infra.local.{Path(__file__).stem}", description=__doc__)
    parser.add_argument("--examples", type=int, default=100, help="requests per operation and phase, at most")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32), help="repeats an earlier run")
    options = parser.parse_args(arguments)
    print(f"Fuzzing with seed {options.seed} ...", flush=True)
    found = asyncio.run(_run(options.examples, options.seed))
    print(found.report)
    return 0 if found.ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
