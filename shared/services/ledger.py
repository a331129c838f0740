"""What a slice writes down about itself: before it writes to a service, and after.

Every entry is stored in one transaction with the mapping's state and names the state's version. So whoever lost the
mapping to another holder (its lock ran out, a message came twice) cannot announce another write, and whoever took over
finds what was announced before. An entry goes with the checkpoint that counts what came of it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence

from shared.core.failures import SyncFailure
from shared.ports import Clock, Put, Remove, StateChange, StateConflict
from shared.services.repositories.runs import JOURNAL, MappingState, Run, RunRepository

LARGEST_WRITE = 2_500_000  # characters of JSON; a transaction takes 4 MiB, and Cyrillic needs more than it seems
_ATTEMPTS = 40  # people may ask for many tasks at the same moment
_MOST_REMOVALS = 90  # a transaction takes 100 changes


class OvertakenError(SyncFailure):
    """Another holder of the mapping went on with this run: there is nothing left to do here."""


class Ledger:
    """The state of a mapping and its active run, as one slice keeps them. Its writes wait for each other.

    `jobs` are the versions in which this slice has stored the run's jobs.
    """

    def __init__(self, runs: RunRepository, state: MappingState, run: Run, clock: Clock) -> None:
        self.state = state
        self.run = run
        self.jobs: dict[str, str] = {}
        self._runs = runs
        self._clock = clock
        self._turn = asyncio.Lock()
        self._entries = 0
        self._settled: list[str] = []
        self._due = state.next_due_at

    async def announce(self, bodies: Sequence[Mapping[str, object]]) -> list[str]:
        """Store what is about to be written; the keys of the entries. Raises OvertakenError."""
        puts = [Put(self._next_key(), body) for body in bodies]
        await self.store(puts)
        return [put.key for put in puts]

    def settle(self, keys: Iterable[str]) -> None:
        """What these entries announced is stored where it belongs: they go with the next write."""
        self._settled += keys

    async def write(self) -> None:
        """Store state and run as they stand. Raises OvertakenError."""
        await self._write(())

    async def store(self, puts: Sequence[Put]) -> None:
        """Store documents of the run beside it, in as few transactions as hold them. Raises OvertakenError."""
        for group in _groups(puts):
            await self._write(group)

    async def end(self) -> None:
        """Store the last word; no announcement is left behind. Raises OvertakenError."""
        while True:
            await self._write(())
            if not self._settled:
                return

    def _next_key(self) -> str:
        self._entries += 1
        return f"{JOURNAL}{self.state.epoch:09d}|{self._entries:06d}"

    async def _write(self, changes: Sequence[StateChange]) -> None:
        async with self._turn:
            going = self._settled[:_MOST_REMOVALS]
            self.run.touched_at = self._clock.now()
            await self._save([*changes, *(Remove(key) for key in going)])
            self._settled = [key for key in self._settled if key not in going]

    async def _save(self, changes: Sequence[StateChange]) -> None:
        """A request that came in meanwhile has only queued a run; anything else means that we were overtaken."""
        for _ in range(_ATTEMPTS):
            try:
                await self._runs.save(self.state, [self.run], changes)
                self._due = self.state.next_due_at
                return
            except StateConflict:
                fresh = await self._runs.state()
                if fresh.epoch != self.state.epoch or self.run.id not in (fresh.active, *fresh.waiting):
                    raise OvertakenError(f"run {self.run.id} went on elsewhere") from None
                self.state.etag, self.state.queued = fresh.etag, fresh.queued
                self.state.guard_released, self.state.sweeps_asked = fresh.guard_released, fresh.sweeps_asked
                self.state.pause = fresh.pause
                if fresh.next_due_at != self._due:  # made due by hand meanwhile
                    self._due = self.state.next_due_at = fresh.next_due_at
                    self.state.inactive_since = self.state.inactive_until = None
                self._take_in(fresh.waiting)
        raise OvertakenError(f"the state of {self.run.mapping} changes too fast")

    def _take_in(self, waiting: Sequence[str]) -> None:
        """The tasks that wait, those included that came in meanwhile; our own is not among them once it has ended."""
        is_retired = self.run.id not in self.state.waiting
        self.state.waiting = [one for one in waiting if not (is_retired and one == self.run.id)]


def _groups(puts: Sequence[Put]) -> list[list[Put]]:
    """The entries in as few transactions as hold them."""
    groups: list[list[Put]] = []
    room = 0
    for put in puts:
        size = len(json.dumps(put.body))
        if size > room or not groups:
            groups.append([])
            room = LARGEST_WRITE
        groups[-1].append(put)
        room -= size
    return groups
