"""`python -m infra.local.business_central`: serve the Business Central simulator until told to stop."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from infra.local.business_central.server import serving
from infra.local.part import announce, wait_until_told_to_stop
from infra.local.simulator.oauth import DEFAULT_TOKEN


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.local.business_central", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 is any free one")
    parser.add_argument("--token", default=DEFAULT_TOKEN, help="the token that is always accepted")
    parser.add_argument("--database", type=Path, help="the SQLite file that keeps the rows; without it nothing is kept")
    parser.add_argument("--local-currency", default="EUR", help="code of the local currency of a new company")
    return parser.parse_args()


async def _main(arguments: argparse.Namespace) -> None:
    async with serving(
        port=arguments.port,
        token=arguments.token,
        database=arguments.database,
        local_currency=arguments.local_currency,
    ) as running:
        announce(**running.facts)
        await wait_until_told_to_stop()


if __name__ == "__main__":
    asyncio.run(_main(_arguments()))
