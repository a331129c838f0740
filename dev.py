#!/usr/bin/env python3
"""The one developer command: prepares everything on first use, then runs the demo, the local stack or the checks.

Any Python from 3.9 starts it, on Windows, macOS and Linux; it needs only the standard library. It finds Python 3.13 (or
has uv fetch it), keeps an environment in `.dev/` beside this file, and lets that one do the work.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

from infra.local.bench import options as bench_options  # noqa: E402
from infra.local.interpreters import WINDOWS, Missing, work_environment  # noqa: E402
from infra.local.preparation import Preparation  # noqa: E402

SIMULATE = {
    "seeds": ("N", "how many seeds to play (1000; only the one if --seed is given)"),
    "seed": ("S", "the first seed (any); alone: play this one and tell its story"),
    "jobs": ("J", "processes at once (2)"),
    "spare": ("FAULTS", "leave out these kinds of bad luck, as a failure's command says"),
    "skip": ("DEEDS", "leave out these deeds of people, as a failure's command says"),
}


def main(arguments: Sequence[str]) -> int:
    """Prepare, then run what was asked for; answers the exit code."""
    module, rest = parse(arguments)
    try:
        python = Preparation(ROOT).prepare()
    except (Missing, OSError) as problem:
        print(f"dev.py: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return run_in_place([str(python), "-m", module, *rest])


def parse(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """The module that does what is asked, and its arguments; a wrong command line ends here with exit code 2."""
    parser, test = command_line()
    if arguments[:1] == ["test"]:  # what follows is pytest's
        rest = list(arguments[1:])
        if rest in (["-h"], ["--help"]):
            test.print_help()
            sys.exit(0)
        return "infra.local.checks", rest
    options = parser.parse_args(arguments)
    if options.command == "demo":
        return "infra.local.demo", []
    if options.command == "bench":
        return "infra.local.bench", bench_options.arguments_of(options)
    if options.command == "mutants":
        return "infra.local.mutants", ["--list"] * options.list + options.names
    if options.command == "chaos":
        seed = [] if options.seed is None else [f"--seed={options.seed}"]
        return "infra.local.chaos", [f"--kills={options.kills}", f"--records={options.records}", *seed]
    if options.command == "fuzz":
        seed = [] if options.seed is None else [f"--seed={options.seed}"]
        return "infra.local.fuzz", [f"--examples={options.examples}", *seed]
    if options.command == "simulate":
        given = {name: value for name in SIMULATE if (value := getattr(options, name)) is not None}
        return "tests.simulation", [f"--{name}={value}" for name, value in given.items()] + ["--go-on"] * options.go_on
    rest = ["--info", str(options.info.resolve())] if options.info else []
    rest += ["--empty"] if options.empty else []
    rest += [f"--connections={options.connections}"] if options.connections > 1 else []
    return "infra.local.stack", rest + [f"--set={assignment}" for assignment in options.set]


def command_line() -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    """The parser of all commands, and the one that only describes `test`."""
    parser = argparse.ArgumentParser(
        prog="dev.py",
        description=(__doc__ or "").split("\n")[0],
        epilog="The first command installs what is needed into .dev/; nothing else on this machine is changed.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser(
        "demo",
        help="synchronize a sample company between two simulated systems and show what happened",
        description="Starts the stack with the sample company, couples and synchronizes both systems, lets people "
        "edit records on both sides, synchronizes again and shows what happened. Exit code 0: both ended in step.",
    )
    add_up(commands.add_parser("up", help="start the local stack and keep it running until Ctrl-C"))
    test = commands.add_parser(
        "test",
        help="run every check: ruff, mypy, import-linter and all tests",
        usage="dev.py test [-h] [pytest arguments]",
        description="Without arguments: ruff, mypy, import-linter and all tests, each even when one fails. With "
        "arguments: only pytest, with them (for example: dev.py test tests/unit -k people). Exit code 0: all passed.",
    )
    bench = commands.add_parser(
        "bench",
        help="measure calls, time, memory and money against the simulators, beside a loop and the ideal",
        description="Runs the cases of the bench against both simulators with stated latency, compares every row in "
        "the end and shows what was measured and what was to be reached. Exit code 0: every end state was right.",
    )
    bench_options.add_options(bench)
    fuzz = commands.add_parser(
        "fuzz",
        help="hold the running API against its own OpenAPI document with many good and bad requests",
        description="Starts an empty stack and lets schemathesis make requests of the API's own document. Exit code 0: "
        "no answer with 5xx, none with a status or shape that the document does not know.",
    )
    fuzz.add_argument(
        "--examples", type=int, default=100, metavar="N", help="requests per operation and phase, at most"
    )
    fuzz.add_argument("--seed", type=int, help="repeats an earlier run")
    mutants = commands.add_parser(
        "mutants",
        help="plant faults one by one and see that the fast tests find each",
        description="Plants one-line faults into a private copy of the project, one at a time, and runs the fast tests "
        "against each. Exit code 0: every fault was found.",
    )
    mutants.add_argument("--list", action="store_true", help="only say what would be planted")
    mutants.add_argument("names", metavar="NAME", nargs="*", help="try only these faults (default: all)")
    add_chaos(commands.add_parser("chaos", help="kill the host again and again and see that nothing is lost"))
    add_simulate(commands.add_parser("simulate", help="play the app against thousands of seeded worlds of bad luck"))
    return parser, test


def add_simulate(parser: argparse.ArgumentParser) -> None:
    """Describe `simulate`."""
    parser.description = (
        "Plays the whole app over ports in memory, on a virtual clock, while instances are killed and frozen, answers "
        "get lost and people edit both sides; then every law is checked. Exit code 0: all of them held. Otherwise "
        "the seed, the shortest story that breaks a law and the command that repeats it are shown."
    )
    for name, (metavar, text) in SIMULATE.items():
        parser.add_argument(f"--{name}", metavar=metavar, help=text)
    parser.add_argument("--go-on", action="store_true", help="play all, and list every seed that breaks a law")


def add_chaos(parser: argparse.ArgumentParser) -> None:
    """Describe `chaos`."""
    parser.description = (
        "Loads records on the real local stack and synchronizes them while the host is killed at random moments, "
        "services stumble and people edit both sides. Exit code 0: nothing was lost or doubled."
    )
    parser.add_argument("--kills", type=int, default=50, metavar="N", help="how often the host is killed (50)")
    parser.add_argument("--records", type=int, default=5000, metavar="N", help="records at first (5000)")
    parser.add_argument("--seed", type=int, metavar="S", help="repeat the choices of a former trial")


def add_up(parser: argparse.ArgumentParser) -> None:
    """Describe `up`."""
    parser.description = (
        "Starts Functions host, Service Bus broker, Azurite and simulators of Business Central and Dataverse, prints "
        "their addresses and keys, and runs until Ctrl-C. Logs are in .dev/runs/."
    )
    parser.add_argument(
        "--info", metavar="FILE", type=Path, help="write addresses and keys as JSON when everything is ready"
    )
    parser.add_argument("--empty", action="store_true", help="start without the sample company")
    parser.add_argument(
        "--connections",
        metavar="N",
        type=int,
        choices=range(1, 10),
        default=1,
        help="so many pairs of a company and an environment, each in simulators of its own (1)",
    )
    parser.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        type=assignment,
        help="override an app setting, as often as needed; a given DATAVERSE_URL, BUSINESS_CENTRAL_URL, "
        "ServiceBusConnection or AzureWebJobsStorage is used instead of starting that part",
    )


def assignment(text: str) -> str:
    """Check NAME=VALUE."""
    if not re.match(r"[A-Za-z_][A-Za-z0-9_.:-]*=", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return text


def run_in_place(command: Sequence[str]) -> int:
    """Let the command take over this process; Windows has no such thing, so there it is waited for."""
    os.chdir(ROOT)
    if not WINDOWS:
        os.execve(command[0], list(command), work_environment())
    child = subprocess.Popen(command, env=work_environment())
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:  # the child got the same Ctrl-C and is stopping
            continue


if __name__ == "__main__":
    if sys.version_info < (3, 9):
        sys.exit("dev.py: Python 3.9 or newer is needed to start this; here is " + sys.version.split()[0])
    sys.exit(main(sys.argv[1:]))
