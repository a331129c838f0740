"""Whatever is done to Table Storage and to memory alike, they hold the same and refuse the same."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from shared.adapters.table_storage import TableStorage
from shared.memory.state import MemoryState
from shared.ports import Insert, Put, Remove, StateChange, StateConflict, StateStore

TABLE = "model"
STALE = "W/\"datetime'2020-01-01T00%3A00%3A00.0000000Z'\""
# Few keys, so that changes meet: with what must be encoded, with prefixes of one another, in several scripts.
KEYS = st.sampled_from(["a", "a/", "a/b", "a0", "ä", "\U0001f600"])
BODIES = st.dictionaries(st.sampled_from("xyz"), st.text(max_size=3) | st.integers() | st.none(), max_size=2)
VERSIONS = st.sampled_from(["none", "none", "current", "current", "stale"])
PLANS = st.lists(
    st.tuples(st.sampled_from([Insert, Put, Put, Remove]), KEYS, BODIES, VERSIONS),
    min_size=1,
    max_size=3,
    unique_by=lambda plan: plan[1],
)


def machine_against(connection_string: str) -> type[RuleBasedStateMachine]:
    """The machine that does everything twice: once to this Table service, once to memory."""

    class Both(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.runner = asyncio.Runner()
            self.partition = str(uuid4())
            self.storage = self.run(_opened(connection_string))
            self.stores: tuple[StateStore, StateStore] = (MemoryState(), self.storage)
            self.etags: dict[str, tuple[str, str]] = {}  # key -> version in memory and in Table Storage

        def run[T](self, work: Coroutine[Any, Any, T]) -> T:
            return self.runner.run(work)

        @rule(plan=PLANS)
        def transact(self, plan: Sequence[tuple[type[StateChange], str, dict[str, object], str]]) -> None:
            outcomes = [
                self.run(_outcome(store, self.partition, [_change(*each, self.etags, at) for each in plan]))
                for at, store in enumerate(self.stores)
            ]
            in_memory, in_storage = outcomes
            if isinstance(in_memory, str) or isinstance(in_storage, str):
                assert in_memory == in_storage
                return
            assert in_memory.keys() == in_storage.keys()
            for _, key, _, _ in plan:
                self.etags.pop(key, None)
            self.etags |= {key: (in_memory[key], in_storage[key]) for key in in_memory}

        @rule(prefix=KEYS | st.just(""), after=KEYS | st.none(), limit=st.integers(1, 4))
        def scan(self, prefix: str, after: str | None, limit: int) -> None:
            found = [
                self.run(store.scan(TABLE, self.partition, prefix=prefix, after=after, limit=limit))
                for store in self.stores
            ]
            assert [(row.key, row.body) for row in found[0]] == [(row.key, row.body) for row in found[1]]

        @invariant()
        def both_hold_the_same(self) -> None:
            rows = [self.run(store.scan(TABLE, self.partition)) for store in self.stores]
            assert [(row.key, row.body) for row in rows[0]] == [(row.key, row.body) for row in rows[1]]
            assert {row.key: row.etag for row in rows[1]} == {key: etags[1] for key, etags in self.etags.items()}

        def teardown(self) -> None:
            self.run(self.storage.aclose())
            self.runner.close()

    return Both


async def _opened(connection_string: str) -> TableStorage:
    return TableStorage(connection_string=connection_string)


async def _outcome(store: StateStore, partition: str, changes: Sequence[StateChange]) -> dict[str, str] | str:
    """The new versions, or the guilty key."""
    try:
        return await store.transact(TABLE, partition, changes)
    except StateConflict as conflict:
        return conflict.key


def _change(
    kind: type[StateChange],
    key: str,
    body: dict[str, object],
    version: str,
    etags: dict[str, tuple[str, str]],
    at: int,
) -> StateChange:
    if kind is Insert:
        return Insert(key, body)
    current = etags[key][at] if key in etags else STALE
    etag = {"none": None, "current": current, "stale": STALE}[version]
    return Put(key, body, etag) if kind is Put else Remove(key, etag)


def test_table_storage_and_memory_agree(azurite: str) -> None:
    run_state_machine_as_test(
        machine_against(azurite),
        settings=settings(
            max_examples=15, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
