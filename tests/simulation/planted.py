"""`python -m tests.simulation.planted [NAME ...]`: plant faults of the run time, and find a seed that shows each.

Each fault is a slip in the product that no single run shows: somebody has to be killed, overtaken or delayed first.
The seeds found are kept here, so that the daily test plays only these.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

from infra.local.mutants.fault import Fault, Stale
from tests.simulation.faults import Fault as Luck
from tests.simulation.many import first_broken
from tests.simulation.scenario import Plan, Scenario, scenario_of

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("shared", "tests/simulation")
DRAWN, MOST = 5000, 500  # worlds that are looked at, and how many of them are played
_PLAY = """
import json, sys
from tests.simulation.many import first_broken
number, law = first_broken(json.load(sys.stdin))
print(number, law, sep="|")
"""


@dataclass(frozen=True, slots=True)
class Planted:
    """Slips that belong together, in files below `shared/`; what people would suffer; a seed that shows it.

    Each edit is a file, the text that stands there just once, and what it becomes. `luck` is the bad luck that it takes
    to show it, if it takes some of its own.
    """

    name: str
    edits: tuple[tuple[str, str, str], ...]
    harm: str
    seed: int
    luck: tuple[Luck, ...] = ()

    def plant(self, root: Path) -> None:
        """Put it into the copy of the project in `root`. Raises Stale when the product's text has moved on."""
        for file, old, new in self.edits:
            Fault(self.name, file, old, new, self.harm).plant(root)


PLANTED: tuple[Planted, ...] = (
    Planted(
        "creates-not-announced",
        (("services/apply.py", "await work.ledger.announce(entries(intents, ()))", "[]"),),
        "After a kill nobody knows of the record that was just created: it is created again.",
        6,
    ),
    Planted(
        "no-fencing",
        (
            (
                "services/repositories/runs.py",
                "Insert(STATE, body) if state.etag is None else Put(STATE, body, state.etag),",
                "Put(STATE, body),",
            ),
        ),
        "Two that hold the same mapping overwrite each other's checkpoints and create everything twice.",
        20,
    ),
    Planted(
        "checkpoint-before-the-writes",
        (
            (
                "services/pipeline.py",
                "            page = await reading\n",
                "            page = await reading\n            advance(work, page.progress)\n",
            ),
        ),
        "What was read and not written when the host died is never looked at again.",
        0,
    ),
    Planted(
        "watermark-moved-early",
        (("services/pipeline.py", "is_done = work.turns.failure is None and all(outcomes)", "is_done = True"),),
        "Records whose turn did not come are passed by.",
        0,
    ),
    Planted(
        "no-overlap",
        (("adapters/feeds.py", "overlapping = self.since - OVERLAP", "overlapping = self.since"),),
        "An edit that was stamped before and committed after the last reading is never seen.",
        14499,
        (Luck.LATE,),
    ),
    Planted(
        "create-repeated-blindly",
        (
            (
                "services/create.py",
                "if before is not None and before.target_id is None and now < before.in_doubt_until:",
                "if before is None and False:",
            ),
        ),
        "A record whose creation was not answered is created again in Business Central before the first one appears.",
        19834,
        (Luck.UNKNOWN, Luck.IN_FLIGHT),
    ),
    Planted(
        "another-id-for-each-attempt",
        (
            (
                "services/create.py",
                "if before is not None and before.target_id is not None:",
                "if before is not None and before.target_id is None:",
            ),
        ),
        "A row whose creation was not answered is created again in Dataverse under another id.",
        16178,
        (Luck.UNKNOWN, Luck.IN_FLIGHT, Luck.LOST_AFTER),
    ),
    Planted(
        "successor-not-sent",
        (
            (
                "services/run_slice.py",
                "            await work.ledger.write()\n            await send_slice(work.services, work.run)\n",
                "            await work.ledger.write()\n",
            ),
        ),
        "A run of several slices stops after the first until the timer notices it a quarter of an hour later.",
        0,
    ),
    Planted(
        "if-match-dropped",
        (("services/apply.py", "record.etag if record else end.etag)", "None)"),),
        "What a person typed between our reading and our writing is lost.",
        19,
    ),
    Planted(
        "journal-removed-before-the-couplings-are-stored",
        (
            (
                "services/apply.py",
                "        await conclude(work, chunk)\n",
                "        work.ledger.settle(announcements)\n        await work.ledger.write()\n"
                "        await conclude(work, chunk)\n",
            ),
        ),
        "A kill in between leaves a record that is coupled with nobody: it is created again.",
        5183,
        (Luck.CRASH,),
    ),
    Planted(
        "item-forgotten-on-a-setback",
        (
            (
                "services/record_outcomes.py",
                "            kept[item.key] = item\n",
                "            kept |= {item.key: item} if item.is_error else {}\n",
            ),
        ),
        "A record that met a busy service is not tried again until somebody edits it.",
        1,
    ),
    Planted(
        "replica-believed-for-deletions",
        (("services/sweep.py", "deleted |= set(missing) - found.keys()", "deleted |= set(missing)"),),
        "A record that a lagging replica does not show is taken for deleted.",
        825,
        (Luck.STALE,),
    ),
    Planted(
        "replica-believed-for-contents",
        (("services/observe.py", "if record is None or end.is_newer_than(record):", "if record is None:"),),
        "A lagging replica shows what was before our own write, and that is written back over a person's edit.",
        22,
        (Luck.STALE,),
    ),
    Planted(
        "duplicate-not-recognised",
        (
            ("services/run_slice.py", "run is None or run.ended or not _is_next(run, message):", "run is None:"),
            ("services/taking_over.py", "run is None or run.ended or run.slice != asked.slice:", "run is None:"),
        ),
        "A message that comes again starts a run that has ended once more.",
        135,
        (Luck.TWICE, Luck.LOST_AFTER),
    ),
    Planted(
        "job-finalized-before-its-run",
        (
            (
                "services/run_slice.py",
                "    await work.ledger.end()\n    await follow_run(services, work.run, work.ledger.jobs)\n",
                "    await follow_run(services, work.run, work.ledger.jobs)\n    await work.ledger.end()\n",
            ),
        ),
        "The job log says that a job has ended, and a minute later that it runs.",
        2953,
        (Luck.CRASH, Luck.LOST_BEFORE),
    ),
    Planted(
        "request-forgotten-by-a-checkpoint",
        (
            (
                "services/ledger.py",
                "self.state.etag, self.state.queued = fresh.etag, fresh.queued",
                "self.state.etag = fresh.etag",
            ),
        ),
        "A synchronization that was asked for during a run never begins, and its job never ends.",
        4330,
        (Luck.SLOW,),
    ),
    Planted(
        "no-sweep-after-an-expired-feed",
        (
            (
                "services/feeds.py",
                "        progress.sweep_dataverse = progress.sweep_dataverse or side is Side.DATAVERSE\n",
                "",
            ),
        ),
        "What was deleted in Dataverse before its feed had to start over is never noticed.",
        125,
        (Luck.EXPIRE,),
    ),
    Planted(
        "couplings-of-creates-get-lost",
        (("services/conclude.py", "    if done:\n        intents", "    if not done:\n        intents"),),
        "A new record is not coupled with what was made of it.",
        0,
    ),
    Planted(
        "deletions-overlooked",
        (("services/observe.py", "        for record_id in page.deleted:\n", "        for record_id in ():\n"),),
        "What was deleted in Dataverse is never noticed.",
        127,
    ),
    Planted(
        "base-before-the-write-kept",
        (
            (
                "core/remember.py",
                "base, writes = merged.base[side], merged.writes[side]",
                "base, writes = pair.now[side], merged.writes[side]",
            ),
        ),
        "The echo of our own write looks like an edit and is written back, or clashes with the next real one.",
        0,
    ),
    Planted(
        "conflict-lets-one-side-win",
        (("core/merge.py", "return self._lines.winner", "return self._lines.winner or Side.BUSINESS_CENTRAL"),),
        "Two people edit the same field, and Dataverse's edit disappears without a word.",
        2,
    ),
    Planted(
        "field-group-split",
        (("core/lines.py", 'line.field.group or f"line:', 'f"line:'),),
        "Half of one address is merged with half of another.",
        2,
    ),
)


def planted_copy(fault: Planted, folder: Path) -> Path:
    """A copy of what the simulation needs, with the fault in it. Raises Stale."""
    for part in COPIED:
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("tests/__init__.py", "tests/world.py"):
        shutil.copy2(ROOT / file, folder / file)
    fault.plant(folder)
    return folder


def is_shown(fault: Planted) -> bool:
    """Whether a seed shows the fault: the one kept with it, or, when the product has moved on, another one."""
    return first_seed(fault, [fault.seed]) is not None or first_seed(fault, promising(fault)) is not None


def promising(fault: Planted) -> list[int]:
    """Seeds to look at, those first in whose worlds its luck is worst, and little else goes wrong."""
    if not fault.luck:
        return list(range(MOST))
    worth = {seed: _worth(fault, scenario_of(Plan(seed))) for seed in range(DRAWN)}
    return sorted(worth, key=worth.__getitem__, reverse=True)[:MOST]


def _worth(fault: Planted, scenario: Scenario) -> float:
    strengths, busy = scenario.strengths, scenario.deeds / scenario.minutes
    return sum(strengths.get(each, 0.0) for each in fault.luck) * busy / sqrt(1 + sum(strengths.values()))


def first_seed(fault: Planted, seeds: Sequence[int]) -> tuple[int, str] | None:
    """The first of these seeds that shows the fault, and the law that it breaks then. Raises Stale."""
    with tempfile.TemporaryDirectory(prefix="planted-", ignore_cleanup_errors=True) as folder:
        copy = planted_copy(fault, Path(folder))
        while True:
            found = _first_broken(copy, seeds)
            if found is None or first_broken([found[0]])[0] is None:
                return found
            seeds = seeds[seeds.index(found[0]) + 1 :]  # breaks a law without the fault, too: it shows nothing


def _first_broken(copy: Path, seeds: Sequence[int]) -> tuple[int, str] | None:
    done = subprocess.run(
        [sys.executable, "-c", _PLAY],
        input=json.dumps(seeds),
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    number, _, law = done.stdout.strip().partition("|")
    return (int(number), law) if number != "None" else None


def main(arguments: Sequence[str]) -> int:
    """Look for a seed for each fault; exit code 1: there is none for one of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split(": ", 1)[1])
    parser.add_argument("names", metavar="NAME", nargs="*", help="only these faults (default: all)")
    names = parser.parse_args(arguments).names
    missed = 0
    for fault in PLANTED:
        if names and fault.name not in names:
            continue
        try:
            found = first_seed(fault, [fault.seed]) or first_seed(fault, promising(fault))
        except Stale as stale:
            found = None
            print(stale)
        missed += found is None
        print(f"{fault.name}: {'nothing shows it' if found is None else f'seed {found[0]} ({found[1]})'}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
