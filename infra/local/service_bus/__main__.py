"""`python -m infra.local.service_bus --config <file> [--port <number>]`: the broker as a process."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterable
from pathlib import Path

from infra.local.part import announce, wait_until_told_to_stop
from infra.local.service_bus.config import ConfigurationError, QueueSettings, load
from infra.local.service_bus.server import serve
from infra.local.service_bus.tokens import DEFAULT_KEY, SharedKey


def main() -> int:
    """Run until told to stop. Returns the exit code: 2 when the configuration or the port cannot be used."""
    options = argparse.ArgumentParser(prog="python -m infra.local.service_bus", description=__doc__)
    options.add_argument("--config", type=Path, required=True, help="queues, in the JSON of the official emulator")
    options.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 (default) takes any free one")
    options.add_argument("--key", default=DEFAULT_KEY, help="shared access key (default: %(default)s)")
    options.add_argument("--state", type=Path, metavar="FILE", help="keep what the queues hold here while stopped")
    given = options.parse_args()
    try:
        asyncio.run(_run(load(given.config), given.port, SharedKey(key=given.key), given.state))
    except (ConfigurationError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


async def _run(queues: Iterable[QueueSettings], port: int, key: SharedKey, state: Path | None) -> None:
    async with serve(queues, port, key=key, state=state) as service:
        announce(connection_string=service.connection_string, port=service.port)
        await wait_until_told_to_stop()


if __name__ == "__main__":
    sys.exit(main())
