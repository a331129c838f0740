"""`python -m infra.local.dataverse`: the simulator as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from infra.local.dataverse.server import serving
from infra.local.part import announce, wait_until_told_to_stop
from infra.local.simulator.oauth import DEFAULT_TOKEN


async def run(options: argparse.Namespace) -> None:
    """Serve until told to stop."""
    async with serving(
        port=options.port, token=options.token, database=options.database, base_currency=options.base_currency
    ) as simulator:
        announce(url=simulator.url, token=simulator.token)
        await wait_until_told_to_stop()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.dataverse", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: any free one)")
    parser.add_argument("--token", default=DEFAULT_TOKEN, help="the fixed access token (default: %(default)s)")
    parser.add_argument("--database", type=Path, help="file to keep the rows in (default: nothing is kept)")
    parser.add_argument("--base-currency", default="EUR", help="ISO code of the base currency (default: %(default)s)")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
