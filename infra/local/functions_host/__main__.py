"""`python -m infra.local.functions_host --app DIRECTORY`: serve an app until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
import threading
from contextlib import redirect_stdout
from pathlib import Path
from typing import NoReturn

from infra.local.functions_host.errors import AppError
from infra.local.functions_host.host_json import HostOptions, read_host_json
from infra.local.functions_host.settings import SETTINGS_FILE, apply_settings, parse_assignments, read_settings_file
from infra.local.part import announce, wait_until_told_to_stop


def main() -> int:
    """The process's exit code: 1 after one sentence on standard error when the app cannot be started."""
    arguments = _parse_arguments()
    # Relative paths are the starter's; the app itself starts in its own folder, as under the real host.
    app_directory = Path(arguments.app).resolve()
    state_directory = Path(arguments.state).resolve() if arguments.state else None
    try:
        _apply_settings(app_directory, arguments)
        options = read_host_json(app_directory / "host.json")
        os.chdir(app_directory)
        asyncio.run(_serve(app_directory, state_directory, options, arguments))
    except AppError as error:
        print(f"{error}\n{error.stack_trace}".rstrip(), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _apply_settings(app_directory: Path, arguments: argparse.Namespace) -> None:
    settings_file = Path(arguments.settings or app_directory / SETTINGS_FILE)
    if arguments.settings and not settings_file.is_file():
        raise AppError(f"There is no settings file {settings_file}.")
    apply_settings(read_settings_file(settings_file), parse_assignments(arguments.set))


async def _serve(
    app_directory: Path, state_directory: Path | None, options: HostOptions, arguments: argparse.Namespace
) -> None:
    # Imported only now: the worker library and the app read their settings from the environment.
    from infra.local.functions_host.host import FunctionsHost, HostChoices
    from infra.local.functions_host.log import configure_logging

    configure_logging(options.log_levels)
    key = arguments.key or secrets.token_urlsafe(32)
    choices = HostChoices(key, arguments.port, not arguments.no_timers, state_directory)
    own_output = sys.stdout
    # What the app prints is a log line, as under the real host; standard output belongs to the READY line.
    with redirect_stdout(sys.stderr):
        async with FunctionsHost(app_directory, options, choices) as host:
            with redirect_stdout(own_output):
                announce(url=host.url, key=key, functions=[function.name for function in host.functions])
            await wait_until_told_to_stop()


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.local.functions_host", description=__doc__)
    parser.add_argument("--app", required=True, help="folder of the app: function_app.py and host.json")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes any free one")
    parser.add_argument("--settings", help=f"settings file; {SETTINGS_FILE} in the app's folder when left out")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="one app setting; wins over all"
    )
    parser.add_argument("--key", help="host key for functions and /admin; a random one when left out")
    parser.add_argument("--no-timers", action="store_true", help="timers run only when fired by hand")
    parser.add_argument("--state", metavar="FOLDER", help="folder for the timers' last runs; not kept when left out")
    return parser.parse_args()


def _leave(exit_code: int) -> NoReturn:
    """End the process, also when a function that was given up still keeps a thread busy."""
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join(timeout=0.2)
            if thread.is_alive():
                sys.stderr.flush()
                os._exit(exit_code)
    sys.exit(exit_code)


if __name__ == "__main__":
    _leave(main())
