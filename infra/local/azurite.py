"""`python -m infra.local.azurite`: Azurite's Table service as a part of the local stack.

Nothing is kept on disk unless it is given a folder: then what was stored is there again after the next start.

Azurite comes from npm (`package.json` beside this file); `dev.py` installs it into `.dev/node`.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import sys
import tempfile
from pathlib import Path

from infra.local.part import announce, wait_until_told_to_stop

SCRIPT = Path(__file__).resolve().parents[2] / ".dev/node/node_modules/azurite/dist/src/azurite.js"
# Only the combined command prints the port that it really got.
OPTIONS = ("--blobPort", "0", "--queuePort", "0", "--silent", "--disableTelemetry")
# Azurite does not notice that whoever started it was killed, but the end of its input tells. Then it stores what it
# holds and ends, with nobody left to read what it prints.
ENDS_WITH_US = (
    "data:text/javascript,"
    "for (const stream of [process.stdin, process.stdout, process.stderr]) stream.on('error', () => {});"
    "process.stdin.on('close', () => process.kill(process.pid, 'SIGTERM')).resume().unref()"
)
TABLE_SERVICE = re.compile(r"Azurite Table service is successfully listening at (http://[\d.]+:\d+)")
# The account that every Azurite has; its key is public, printed in Azurite's own documentation.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def connection_string(table_service: str) -> str:
    """The connection string for a Table service at this address, such as `http://127.0.0.1:10002`."""
    return (
        f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};TableEndpoint={table_service}/{ACCOUNT};"
    )


async def serve(port: int, location: Path | None) -> int:
    """Run Azurite until told to stop, with its state in the folder `location` if any; answers the exit code."""
    node = shutil.which("node")
    if node is None or not SCRIPT.exists():
        print("Azurite is not installed: `python3 dev.py` with any command installs it.", file=sys.stderr)
        return 1
    kept = ("--location", str(location)) if location else ("--inMemoryPersistence",)
    with tempfile.TemporaryDirectory(prefix="azurite-", ignore_cleanup_errors=True) as folder:
        process = await asyncio.create_subprocess_exec(
            node,
            *("--import", ENDS_WITH_US),
            str(SCRIPT),
            *(*OPTIONS, "--tablePort", str(port), *kept),
            cwd=folder,  # Azurite leaves settings files where it is started
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            return await _announce_and_wait(process)
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()


async def _announce_and_wait(process: asyncio.subprocess.Process) -> int:
    table_service = await _table_service(process)
    if table_service is None:
        print("Azurite ended before it served tables.", file=sys.stderr)
        return 1
    announce(url=table_service, connection_string=connection_string(table_service))
    told, ended = asyncio.create_task(wait_until_told_to_stop()), asyncio.create_task(_drain(process))
    await asyncio.wait({told, ended}, return_when=asyncio.FIRST_COMPLETED)
    if not told.done():
        print("Azurite ended by itself.", file=sys.stderr)
        return 1
    return 0


async def _table_service(process: asyncio.subprocess.Process) -> str | None:
    assert process.stdout is not None
    async for line in process.stdout:
        if found := TABLE_SERVICE.search(line.decode(errors="replace")):
            return found[1]
    return None


async def _drain(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    while await process.stdout.read(65536):
        pass


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.local.azurite", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 is any free one")
    parser.add_argument("--location", type=Path, metavar="FOLDER", help="where to keep what is stored")
    return parser.parse_args()


if __name__ == "__main__":
    arguments = _arguments()
    sys.exit(asyncio.run(serve(arguments.port, arguments.location and arguments.location.resolve())))
