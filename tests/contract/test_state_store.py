"""What `ports.StateStore` promises, held against memory, a file and Table Storage (Azurite)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from infra.local.bench.file_state import FileState
from shared.adapters.table_storage import TableStorage
from shared.core.failures import NeedsPerson, Passing
from shared.memory.state import MemoryState
from shared.ports import Insert, Put, Remove, StateChange, StateConflict, StateRow, StateStore
from tests.contract.cutting_proxy import CuttingProxy

MISSING_VERSION = "W/\"datetime'2020-01-01T00%3A00%3A00.0000000Z'\""


@dataclass
class Shelf:
    """One partition of a store: the tests name keys only."""

    store: StateStore
    table: str = "documents"
    partition: str = ""

    async def get(self, key: str) -> StateRow | None:
        return await self.store.get(self.table, self.partition, key)

    async def keys(self, prefix: str = "", after: str | None = None, limit: int = 1000) -> list[str]:
        rows = await self.store.scan(self.table, self.partition, prefix=prefix, after=after, limit=limit)
        return [row.key for row in rows]

    async def do(self, *changes: StateChange) -> dict[str, str]:
        return await self.store.transact(self.table, self.partition, changes)


@pytest.fixture(scope="session")
async def table_storage(azurite: str) -> AsyncIterator[TableStorage]:
    storage = TableStorage(connection_string=azurite)
    yield storage
    await storage.aclose()


@pytest.fixture(params=["memory", "file", "table storage"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    """A partition that nobody has used before."""
    stores: dict[str, Callable[[], StateStore]] = {
        "memory": MemoryState,
        "file": lambda: FileState(tmp_path / "state.sqlite"),
        "table storage": lambda: request.getfixturevalue("table_storage"),
    }
    return Shelf(stores[request.param](), partition=str(uuid4()))


@pytest.fixture
def stored(table_storage: TableStorage) -> Shelf:
    """The same on Table Storage only."""
    return Shelf(table_storage, partition=str(uuid4()))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": "Å, 東京, \u0000\u001f\u007f\u0085\u2028\ufffe", "quotes": "'\"\\/"},
        {"int": 2**70, "float": 0.1, "true": True, "none": None, "list": [1, [], {}], "object": {"a": {"b": "c"}}},
        {"half a surrogate pair": "\ud83d", "a whole one": "\U0001f600"},
        {"text": "x" * 15_980 + "\U0001f600" * 40_000},
        {"x": "y" * (400_000 - len('{"x":""}'))},
    ],
    ids=["empty", "scripts", "kinds", "surrogates", "pieces", "largest"],
)
async def test_a_body_comes_back_as_it_was_stored(shelf: Shelf, body: dict[str, object]) -> None:
    etags = await shelf.do(Insert("key", body))
    assert await shelf.get("key") == StateRow("key", body, etags["key"])


async def test_a_document_is_a_copy(shelf: Shelf) -> None:
    body: dict[str, object] = {"list": [1]}
    await shelf.do(Insert("key", body))
    for mine in (body, (await _existing(shelf, "key")).body):
        mine["list"] = "changed by its holder"
    assert (await _existing(shelf, "key")).body == {"list": [1]}


async def test_what_is_not_there_is_none(shelf: Shelf) -> None:
    assert await shelf.get("nothing") is None
    assert await shelf.keys() == []


@pytest.mark.parametrize(
    ("change", "guilty"),
    [
        (Insert("taken", {}), "taken"),
        (Put("taken", {}, MISSING_VERSION), "taken"),
        (Remove("taken", MISSING_VERSION), "taken"),
        (Put("absent", {}, MISSING_VERSION), "absent"),
        (Remove("absent", MISSING_VERSION), "absent"),
    ],
    ids=str,
)
async def test_a_conflict_names_the_guilty_and_stores_nothing(shelf: Shelf, change: StateChange, guilty: str) -> None:
    before = await shelf.do(Insert("taken", {"who": "first"}), Insert("doomed", {}))
    with pytest.raises(StateConflict) as conflict:
        await shelf.do(Insert("new", {}), change, Put("other", {}), Remove("doomed"))
    assert conflict.value.key == guilty
    assert await shelf.keys() == ["doomed", "taken"]
    assert await shelf.get("taken") == StateRow("taken", {"who": "first"}, before["taken"])


async def test_a_conflict_is_found_beside_the_removal_of_what_is_absent(shelf: Shelf) -> None:
    await shelf.do(Insert("taken", {}))
    with pytest.raises(StateConflict, match="taken"):
        await shelf.do(Remove("absent"), Insert("new", {}), Insert("taken", {}))
    assert await shelf.keys() == ["taken"]


async def test_changes_without_a_version_always_go_through(shelf: Shelf) -> None:
    await shelf.do(Insert("old", {"n": 1}), Insert("doomed", {}))
    etags = await shelf.do(Put("old", {"n": 2}), Put("new", {"n": 3}), Remove("doomed"), Remove("absent"), Remove("no"))
    assert etags.keys() == {"old", "new"}
    assert await shelf.keys() == ["new", "old"]
    assert await shelf.do(Remove("absent")) == {}
    assert await shelf.do() == {}


async def test_the_version_moves_with_every_write(shelf: Shelf) -> None:
    first = (await shelf.do(Insert("key", {"n": 1})))["key"]
    second = (await shelf.do(Put("key", {"n": 1}, first)))["key"]
    third = (await shelf.do(Put("key", {"n": 1})))["key"]
    assert len({first, second, third}) == 3
    for stale in (first, second):
        with pytest.raises(StateConflict):
            await shelf.do(Put("key", {"n": 4}, stale))
    await shelf.do(Remove("key", third))
    assert await shelf.get("key") is None


ODD = [
    "", " ", "/", "\\", "#", "?", "%", "%2F", "+", "&=", "'", "''", '"', "!", "!0", "~", "~0", ".", "..", ">", "[",
    "[0", "a/b", "a#b", "\x00", "\x1f", "\x7f", "\x85", "\x9f", "\xa0", "tab\t", "line\n", " lead", "trail ", "ü",
    "東京", "Ω", "е", "\U0001f600", "\ue000", "\ufeff", "\uffff", "x" * 250, "/" * 250, "\U0001f600" * 250,
]  # fmt: skip


async def test_keys_may_be_any_text(shelf: Shelf) -> None:
    etags = await shelf.do(*(Insert(key, {"key": key}) for key in ODD))
    expected = {key: StateRow(key, {"key": key}, etags[key]) for key in ODD}
    assert await shelf.store.get_many(shelf.table, shelf.partition, ODD) == expected
    assert await shelf.keys() == sorted(ODD, key=lambda key: key.encode("utf-16-be"))
    await shelf.do(*(Remove(key, etags[key]) for key in ODD))
    assert await shelf.keys() == []


async def test_partitions_may_be_any_text(shelf: Shelf) -> None:
    shelves = [Shelf(shelf.store, "partitions", key[:200] + shelf.partition) for key in ODD]
    for other in shelves:
        await other.do(Insert("key", {"partition": other.partition}))
    for other in shelves:
        assert (await _existing(other, "key")).body == {"partition": other.partition}
        assert await other.keys() == ["key"]


async def test_tables_are_apart(shelf: Shelf) -> None:
    await shelf.do(Insert("key", {}))
    assert await shelf.store.get("others", shelf.partition, "key") is None


@pytest.mark.parametrize(
    "prefix", ["", "a", "a/", "A", "a\x00", "ä", "ä/", "東", "\U0001f600", "~", "\uffff", "a|", "0"]
)
async def test_a_prefix_finds_exactly_its_keys(shelf: Shelf, prefix: str) -> None:
    ends = ["", "\x00", "!", "/", "0", "|", "~", "ä", "\U0001f600", "\uffff"]
    keys = [start + end for start in ("a", "b", "A", "ä", "東", "\U0001f600", "~", "\uffff") for end in ends]
    await shelf.do(*(Insert(key, {}) for key in keys))
    found = await shelf.keys(prefix)
    assert found == sorted((k for k in keys if k.startswith(prefix)), key=lambda key: key.encode("utf-16-be"))


async def test_a_scan_goes_on_where_the_last_one_ended(shelf: Shelf) -> None:
    keys = [f"{number:04}" for number in range(1150)]
    for at in range(0, len(keys), 50):
        await shelf.do(*(Insert(key, {}) for key in keys[at : at + 50]), Put("other", {}))
    assert await shelf.keys(limit=2000) == [*keys, "other"]
    assert await shelf.keys(limit=1000) == keys[:1000]
    assert await shelf.keys(after="0999", limit=1000) == [*keys[1000:], "other"]
    assert await shelf.keys("00", after="0097", limit=2) == ["0098", "0099"]
    assert await shelf.keys("00", after="0097", limit=3) == ["0098", "0099"]
    assert await shelf.keys("01", after="00", limit=2) == ["0100", "0101"]
    assert await shelf.keys(limit=0) == []


async def test_many_are_read_at_once(shelf: Shelf) -> None:
    keys = [f"{number:03}" for number in range(100)]
    await shelf.do(*(Insert(key, {"key": key}) for key in keys))
    found = await shelf.store.get_many(shelf.table, shelf.partition, [*keys, *keys, "absent"])
    assert {key: row.body for key, row in found.items()} == {key: {"key": key} for key in keys}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ([Put(str(number), {}) for number in range(101)], "at most 100"),
        ([Put("key", {}), Remove("key")], "at most once"),
        ([Put("key", {"x": "y" * 400_000})], "400,000 characters"),
        ([Put("key", {"x": "\U0001f600" * 200_000})], "400,000 characters"),
        ([Put(str(number), {"x": "y" * 399_000}) for number in range(11)], "below"),
        ([Put("x" * 251, {})], "250 characters"),
        ([Put("\ud83d", {})], "surrogates"),
        ([Put("key", {"x": float("nan")})], "JSON"),
    ],
    ids=["changes", "twice", "body", "surrogate pairs", "bytes", "key", "half a pair", "nan"],
)
async def test_what_cannot_be_stored_is_refused(shelf: Shelf, changes: list[StateChange], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        await shelf.do(*changes)
    assert await shelf.keys() == []


@pytest.mark.parametrize("table", ["", "a-b", "a/b", "ä"])
async def test_a_table_has_a_plain_name(shelf: Shelf, table: str) -> None:
    with pytest.raises(ValueError, match="letters and digits"):
        await shelf.store.get(table, "partition", "key")


async def test_racing_writers_lose_no_increment(shelf: Shelf) -> None:
    await shelf.do(Insert("counter", {"n": 0}))

    async def increment() -> None:
        while True:
            row = await _existing(shelf, "counter")
            try:
                await shelf.do(Put("counter", {"n": int(str(row.body["n"])) + 1}, row.etag))
                return
            except StateConflict:
                continue

    await asyncio.gather(*(increment() for _ in range(10)))
    assert (await _existing(shelf, "counter")).body == {"n": 10}


async def test_one_of_racing_inserts_wins(shelf: Shelf) -> None:
    attempts = [shelf.do(Insert("lock", {"same": "content"}), Put(f"by {n}", {})) for n in range(10)]
    results = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(not isinstance(result, BaseException) for result in results) == 1
    assert all(isinstance(result, dict | StateConflict) for result in results)
    assert len(await shelf.keys("by ")) == 1


async def test_a_healthy_store_says_so(shelf: Shelf) -> None:
    assert [line.ok for line in await shelf.store.check()] == [True]


# Table Storage only ---------------------------------------------------------------------------------------------------


async def test_an_unreachable_storage_passes(azurite: str) -> None:
    nowhere = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:1", azurite)
    storage = TableStorage(connection_string=nowhere, attempts=2)
    with pytest.raises(Passing, match="cannot be reached"):
        await storage.get("documents", "partition", "key")
    (line,) = await storage.check()
    assert (line.ok, "firewall" in line.fix) == (False, True)
    await storage.aclose()


@pytest.mark.filterwarnings("ignore:Testing an element's truth value:DeprecationWarning")
async def test_a_refusing_storage_needs_a_person_who_is_told_the_role(azurite: str) -> None:
    storage = TableStorage(connection_string=azurite.replace("AccountKey=Eby8", "AccountKey=AAAA"))
    with pytest.raises(NeedsPerson, match="Storage Table Data Contributor"):
        await storage.transact("documents", "partition", [Put("key", {})])
    (line,) = await storage.check()
    assert (line.ok, "Storage Table Data Contributor" in line.fix) == (False, True)
    await storage.aclose()


async def test_a_document_of_a_newer_version_is_refused(stored: Shelf, azurite: str) -> None:
    from azure.data.tables.aio import TableClient

    await stored.do(Insert("key", {}))
    async with TableClient.from_connection_string(azurite, "syncDocuments") as client:
        await client.upsert_entity({"PartitionKey": stored.partition, "RowKey": "key", "shape": 2})
    with pytest.raises(NeedsPerson, match="newer version"):
        await stored.get("key")


async def test_a_table_that_was_deleted_is_made_again(table_storage: TableStorage, azurite: str) -> None:
    from azure.data.tables.aio import TableClient

    shelf = Shelf(table_storage, table="shortLived")
    await shelf.do(Insert("key", {}))
    async with TableClient.from_connection_string(azurite, "syncShortLived") as client:
        await client.delete_table()
    with pytest.raises(Passing):
        await shelf.get("key")
    assert await shelf.get("key") is None


@pytest.fixture
async def lossy(azurite: str) -> AsyncIterator[tuple[Shelf, CuttingProxy]]:
    """A partition reached through a proxy that can swallow the answers to transactions."""
    host, port = re.findall(r"http://([\d.]+):(\d+)", azurite)[0]
    async with CuttingProxy(host, int(port)).running() as proxy:
        storage = TableStorage(connection_string=azurite.replace(f":{port}/", f":{proxy.port}/"))
        yield Shelf(storage, partition=str(uuid4())), proxy
        await storage.aclose()


TRANSACTION = b"POST /devstoreaccount1/$batch"


async def test_a_lost_answer_is_no_conflict(lossy: tuple[Shelf, CuttingProxy]) -> None:
    shelf, proxy = lossy
    before = await shelf.do(Insert("old", {"n": 1}), Insert("doomed", {}))
    proxy.cut(TRANSACTION, 2)
    etags = await shelf.do(Remove("doomed", before["doomed"]), Put("old", {"n": 2}, before["old"]), Insert("new", {}))
    assert etags == {key: (await _existing(shelf, key)).etag for key in ("old", "new")}
    assert (await _existing(shelf, "old")).body == {"n": 2}
    assert await shelf.get("doomed") is None


async def test_a_lost_answer_to_removals_counts_as_done_when_all_are_gone(lossy: tuple[Shelf, CuttingProxy]) -> None:
    shelf, proxy = lossy
    before = await shelf.do(Insert("a", {}), Insert("b", {}))
    proxy.cut(TRANSACTION, 1)
    assert await shelf.do(Remove("a", before["a"]), Remove("b", before["b"])) == {}
    assert await shelf.keys() == []


async def test_equal_content_of_somebody_else_is_a_conflict_although_an_answer_was_lost(
    lossy: tuple[Shelf, CuttingProxy],
) -> None:
    shelf, proxy = lossy
    await shelf.do(Insert("lock", {"same": "content"}))
    proxy.cut(TRANSACTION, 1)
    with pytest.raises(StateConflict, match="lock"):
        await shelf.do(Insert("lock", {"same": "content"}))


async def test_what_was_written_over_ours_meanwhile_is_not_taken_for_ours(
    lossy: tuple[Shelf, CuttingProxy], table_storage: TableStorage
) -> None:
    shelf, proxy = lossy
    direct = Shelf(table_storage, partition=shelf.partition)
    proxy.cut(TRANSACTION, 1)
    transaction = asyncio.create_task(shelf.do(Insert("a", {"by": "us"}), Insert("b", {"by": "us"})))
    while await direct.get("b") is None:
        pass
    await direct.do(Put("b", {"by": "somebody else"}))
    etags = await transaction
    assert etags["a"] == (await _existing(direct, "a")).etag
    with pytest.raises(StateConflict, match="b"):
        await shelf.do(Put("b", {"by": "us again"}, etags["b"]))


async def test_answers_that_stay_lost_pass(azurite: str, lossy: tuple[Shelf, CuttingProxy]) -> None:
    _, proxy = lossy
    host_port = re.findall(r"127\.0\.0\.1:\d+", azurite)[0]
    storage = TableStorage(connection_string=azurite.replace(host_port, f"127.0.0.1:{proxy.port}"), attempts=2)
    proxy.cut(TRANSACTION, 2)
    with pytest.raises(Passing):
        await storage.transact("documents", str(uuid4()), [Insert("key", {})])
    await storage.aclose()


async def _existing(shelf: Shelf, key: str) -> StateRow:
    row = await shelf.get(key)
    assert row is not None
    return row
