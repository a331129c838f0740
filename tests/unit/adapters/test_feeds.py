"""The feeds where a real service is hard to bring there: links that die, tracking that is off, other columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.dataverse_errors import NOT_TRACKED
from shared.adapters.dataverse_tracking import changed_page, has_changed
from shared.adapters.dataverse_tracking import is_settled as is_tracking_settled
from shared.adapters.feeds import Dated, is_settled, modified_news, modified_page
from shared.adapters.wire import Explained, Row, moment_literal
from shared.core.failures import FeedExpired, NeedsPerson, Passing
from shared.core.records import ChangePage
from shared.core.sides import Side
from shared.defaults import standard_tables

CUSTOMERS = standard_tables()["business_central", "customers"]
ACCOUNT = standard_tables()["dataverse", "account"]
HOST = "https://api.example.com"
NAMES = ["displayName"]


def customer(number: int, modified: str) -> Row:
    key = f"00000000-0000-4000-8000-{number:012}"
    return {"id": key, "displayName": f"C{number}", "lastModifiedDateTime": modified, "@odata.etag": f"e{number}"}


def account(number: int) -> Row:
    return {"accountid": f"00000000-0000-4000-8000-{number:012}", "name": f"A{number}", "modifiedon": None}


class Pages:
    """A service that answers its pages in turn; an exception among them is raised. Asked paths are noted."""

    def __init__(self, *pages: Row | Exception) -> None:
        self._pages = list(pages)
        self.asked: list[str] = []
        self.preferences: list[str] = []
        self.latest: list[bool] = []
        self.date: datetime | None = None

    async def __call__(self, path: str, how: Mapping[str, str] | bool) -> Dated:
        self.asked.append(unquote(path))
        if isinstance(how, bool):
            self.latest.append(how)
        else:
            self.preferences.append(how["Prefer"])
        page = self._pages.pop(0)
        if isinstance(page, Exception):
            raise page
        return Dated(page, self.date)


async def scan(pages: Pages, position: str | None = None) -> ChangePage:
    return await modified_page(CUSTOMERS, NAMES, position, pages)


def names(page: ChangePage, column: str = "displayName") -> list[Any]:
    return [record.values[column] for record in page.records]


async def test_only_a_completed_scan_moves_the_moment_and_the_next_one_begins_before_it() -> None:
    pages = Pages(
        {"value": [customer(1, "2026-01-01T12:00:00.057Z")], "@odata.nextLink": f"{HOST}/v2.0/customers?$skiptoken=1"},
        {"value": [customer(2, "2026-01-01T11:00:00Z")]},
        {"value": []},
        {"value": [customer(3, "2026-01-02T00:00:00Z")]},
        {"value": []},
    )
    first = await scan(pages)
    second = await scan(pages, first.position)
    third = await scan(pages, second.position)
    fourth = await scan(pages, third.position)
    await scan(pages, fourth.position)
    assert [names(page) for page in (first, second, third, fourth)] == [["C1"], ["C2"], [], ["C3"]]
    assert [page.more for page in (first, second, third, fourth)] == [True, False, False, False]
    select = "customers?$select=id,displayName,lastModifiedDateTime"
    since = f"{select}&$filter=lastModifiedDateTime ge "
    assert pages.asked == [
        select,
        "/v2.0/customers?$skiptoken=1",
        f"{since}2026-01-01T11:50:00.057Z",
        f"{since}2026-01-01T11:50:00.057Z",
        f"{since}2026-01-01T23:50:00.000Z",
    ]


def at(clock: str) -> datetime:
    """That time on the day of these tests."""
    return datetime.fromisoformat(f"2026-01-01T{clock}:00Z")


@pytest.mark.parametrize(
    ("newest", "begun", "start"),
    [
        pytest.param("12:00", "12:01", "11:50", id="busy: the newest row, less the overlap"),
        pytest.param("12:00", "12:05", "11:50", id="both say the same"),
        pytest.param("12:00", "12:06", "11:51", id="idle: the scan's own beginning, less the margin"),
        pytest.param("12:00", "20:00", "19:45", id="idle for long"),
        pytest.param("12:00", "11:00", "11:50", id="a Date that is late tells nothing"),
        pytest.param("12:00", None, "11:50", id="no Date"),
    ],
)
async def test_a_scan_begins_at_the_later_of_newest_row_and_last_scan_with_a_margin_each(
    newest: str, begun: str | None, start: str
) -> None:
    pages = Pages({"value": [customer(1, f"2026-01-01T{newest}:00Z")]}, {"value": []}, {"value": []})
    first = await scan(pages)
    pages.date = at(begun) if begun else None
    second = await scan(pages, first.position)
    await scan(pages, second.position)
    assert pages.asked[2].endswith(f"$filter=lastModifiedDateTime ge 2026-01-01T{start}:00.000Z")


async def test_the_first_scan_reads_a_replica_whose_lag_nobody_knows_so_only_its_rows_count() -> None:
    pages = Pages({"value": [customer(1, "2026-01-01T12:00:00Z")]}, {"value": []})
    pages.date = at("20:00")
    first = await scan(pages)
    await scan(pages, first.position)
    assert pages.latest == [False, True]
    assert pages.asked[1].endswith("ge 2026-01-01T11:50:00.000Z")


async def test_what_counts_is_when_the_scan_began_and_only_once_it_is_completed() -> None:
    link = {"@odata.nextLink": f"{HOST}/c?$skiptoken=1"}
    old = customer(1, "2026-01-01T12:00:00Z")
    pages = Pages({"value": [old]}, {"value": [], **link}, FeedExpired("gone"), {"value": [], **link}, {"value": []})
    position = (await scan(pages)).position
    for date in ("13:00", "14:00", "15:00"):
        pages.date = at(date)
        position = (await scan(pages, position)).position
    assert pages.asked[3] == pages.asked[1]
    assert pages.latest[1:] == [True] * 4
    pages = Pages({"value": []})
    await scan(pages, position)
    assert pages.asked[0].endswith("ge 2026-01-01T13:45:00.000Z")  # the scan that was completed began at 14:00


class Company:
    """Records whose modifications commit some minutes after their stamp, and a replica that lags behind them."""

    def __init__(self, modifications: list[tuple[int, int]]) -> None:
        self._modifications = modifications
        self.minute = 0
        self.lag = 0

    def visible(self, minute: int) -> set[int]:
        """The modifications that a reader of the primary sees then."""
        return {number for number, (stamp, lasts) in enumerate(self._modifications) if stamp + lasts <= minute}

    async def __call__(self, path: str, latest: bool) -> Dated:
        since = unquote(path).partition("ge ")[2]
        seen = self.visible(self.minute if latest else self.minute - self.lag)
        rows = [self._row(number) for number in sorted(seen)]
        page: Row = {"value": [row for row in rows if row["lastModifiedDateTime"] >= since]}
        return Dated(page, at("00:00") + timedelta(minutes=self.minute))

    def _row(self, number: int) -> Row:
        moment = at("00:00") + timedelta(minutes=self._modifications[number][0])
        return customer(number, moment_literal(moment))


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 8)), max_size=12),
    st.lists(st.integers(1, 60), min_size=1, max_size=12),
    st.integers(0, 500),
)
async def test_every_modification_is_told_by_the_first_scan_that_could_see_it(
    modifications: list[tuple[int, int]], pauses: list[int], lag: int
) -> None:
    company, told, position = Company(modifications), set[str](), None
    company.lag = lag
    for pause in pauses:
        company.minute += pause
        page = await modified_page(CUSTOMERS, NAMES, position, company)
        position, reads_replica = page.position, not told
        told |= {str(record.values["displayName"]) for record in page.records}
        if not reads_replica:
            assert told == {f"C{number}" for number in company.visible(company.minute)}


@pytest.mark.parametrize(
    ("each_minute", "told"),
    [
        pytest.param(1, [30, 0, 0, 0], id="few: each is told once"),
        pytest.param(10, [300, 110, 0, 0], id="too many to be remembered: those of the overlap once more"),
        pytest.param(50, [1500, 550, 500, 250], id="as long as they overlap"),
    ],
)
async def test_an_idle_company_is_soon_asked_in_vain(each_minute: int, told: list[int]) -> None:
    company, position, sizes = Company([(minute, 0) for minute in range(30) for _ in range(each_minute)]), None, []
    for minute in (30, 35, 40, 45, 50):
        company.minute = minute
        page = await modified_page(CUSTOMERS, NAMES, position, company)
        position = page.position
        sizes.append(len(page.records))
    assert sizes == [*told, 0]


@pytest.mark.parametrize(
    ("again", "columns", "told"),
    [
        pytest.param({}, NAMES, [], id="as it was"),
        pytest.param({"@odata.etag": "e2"}, NAMES, ["C1"], id="another version"),
        pytest.param({"lastModifiedDateTime": "2026-01-01T12:00:01Z"}, NAMES, ["C1"], id="modified once more"),
        pytest.param({}, [*NAMES, "city"], ["C1"], id="with a column that was not asked for"),
        pytest.param({}, [], [], id="with fewer columns"),
    ],
)
async def test_a_row_is_told_again_when_it_has_something_to_tell(
    again: Row, columns: list[str], told: list[str]
) -> None:
    row = customer(1, "2026-01-01T12:00:00Z") | {"city": None}
    pages = Pages({"value": [row]}, {"value": [row | again]})
    first = await scan(pages)
    page = await modified_page(CUSTOMERS, columns, first.position, pages)
    assert [record.id for record in page.records] == [row["id"] for _ in told]


async def test_the_rows_of_a_scan_of_several_pages_are_not_remembered() -> None:
    rows = [customer(number, f"2026-01-01T12:00:0{number}Z") for number in (1, 2)]
    link = {"@odata.nextLink": f"{HOST}/v2.0/customers?$skiptoken=1"}
    pages = Pages({"value": rows[:1], **link}, {"value": rows[1:]}, {"value": rows})
    first = await scan(pages)
    second = await scan(pages, first.position)
    assert names(await scan(pages, second.position)) == ["C1", "C2"]


async def test_a_scan_whose_link_died_begins_again() -> None:
    pages = Pages(
        {"value": [customer(1, "2026-01-01T12:00:00Z")], "@odata.nextLink": f"{HOST}/c?$skiptoken=1"},
        FeedExpired("gone"),
        {"value": [customer(1, "2026-01-01T12:00:00Z"), customer(2, "2026-01-01T11:00:00Z")]},
    )
    first = await scan(pages)
    second = await scan(pages, first.position)
    assert names(second) == ["C1", "C2"]
    assert pages.asked[2] == pages.asked[0]


NO_PAGES: list[Row] = [{}, {"value": None}, {"value": ["row"]}, {"error": {"code": "x"}}, {"value": {}}]


@pytest.mark.parametrize("answer", NO_PAGES)
async def test_an_object_that_is_no_page_does_not_say_that_nothing_changed(answer: Row) -> None:
    first = await scan(Pages({"value": [customer(1, "2026-01-01T12:00:00Z")]}))
    with pytest.raises(Passing, match="no list of rows"):
        await scan(Pages(answer), first.position)
    with pytest.raises(Passing, match="no list of rows"):
        await modified_news(CUSTOMERS, first.position, Pages(answer))
    with pytest.raises(Passing, match="no list of rows"):
        await track(Pages(answer))


async def test_a_page_that_names_itself_as_the_next_one_is_no_endless_feed() -> None:
    page = {"value": [customer(1, "2026-01-01T12:00:00Z")], "@odata.nextLink": f"{HOST}/c?$skiptoken=1"}
    second = await scan(Pages(page))
    with pytest.raises(Passing, match="names itself"):
        await scan(Pages(page), second.position)
    page = {"value": [account(1)], "@odata.nextLink": f"{HOST}/accounts?$skiptoken=1"}
    second = await track(Pages(page))
    with pytest.raises(Passing, match="names itself"):
        await track(Pages(page), second.position)


async def test_a_scan_that_is_asked_for_other_columns_half_way_begins_again() -> None:
    pages = Pages(
        {"value": [customer(1, "2026-01-01T12:00:00Z")], "@odata.nextLink": f"{HOST}/c?$skiptoken=1"}, {"value": []}
    )
    first = await scan(pages)
    await modified_page(CUSTOMERS, ["displayName", "city"], first.position, pages)
    assert pages.asked[1] == "customers?$select=id,displayName,city,lastModifiedDateTime"


@pytest.mark.parametrize("position", ["", "{", "[]", '{"v":2,"feed":"modified"}', '{"v":1,"feed":"tracking"}'])
async def test_a_position_of_another_shape_begins_the_feed_again(position: str) -> None:
    with pytest.raises(FeedExpired):
        await scan(Pages(), position)


async def track(pages: Pages, position: str | None = None, columns: tuple[str, ...] = ("name",)) -> ChangePage:
    return await changed_page(ACCOUNT, columns, position, 2, pages)


async def test_tracking_keeps_links_as_they_came_and_asks_for_the_page_size_each_time() -> None:
    pages = Pages(
        {"value": [account(1), account(2)], "@odata.nextLink": f"{HOST}/accounts?$skiptoken=%3Ca%20b=%22%252f%22/%3E"},
        {"value": [account(3)], "@odata.deltaLink": f"{HOST}/accounts?$deltatoken=91%2108%2f22"},
        {
            "value": [
                account(4),
                {"@odata.context": f"{HOST}/$metadata#accounts/$deletedEntity", "id": "AB", "reason": "deleted"},
            ],
            "@odata.deltaLink": f"{HOST}/accounts?$deltatoken=92",
        },
    )
    first = await track(pages)
    second = await track(pages, first.position)
    third = await track(pages, second.position)
    assert [names(page, "name") for page in (first, second, third)] == [["A1", "A2"], ["A3"], ["A4"]]
    assert [page.more for page in (first, second, third)] == [True, False, False]
    assert [page.deleted for page in (first, second, third)] == [(), (), ("ab",)]
    assert json.loads(first.position)["link"] == "/accounts?$skiptoken=%3Ca%20b=%22%252f%22/%3E"
    assert json.loads(second.position)["link"] == "/accounts?$deltatoken=91%2108%2f22"
    paging = "odata.maxpagesize=2"
    assert pages.preferences == [f"odata.track-changes,{paging}", paging, paging]


async def test_an_answer_without_changes_and_without_a_link_keeps_the_link() -> None:
    pages = Pages({"value": [], "@odata.deltaLink": f"{HOST}/accounts?$deltatoken=1"}, {})
    first = await track(pages)
    assert await track(pages, first.position) == ChangePage((), first.position, more=False)


async def test_a_first_read_that_ends_nowhere_needs_a_person() -> None:
    with pytest.raises(NeedsPerson, match="names no place to go on from"):
        await track(Pages({"value": [account(1)]}))


async def test_other_columns_need_the_feed_from_its_start() -> None:
    page = {"value": [account(1)], "@odata.deltaLink": f"{HOST}/accounts?$deltatoken=1"}
    first = await track(Pages(page), columns=("name", "fax"))
    with pytest.raises(FeedExpired, match="other columns"):
        await track(Pages(), first.position, columns=("name", "fax", "telephone1"))
    fewer = await track(Pages(page), first.position, columns=("name",))
    assert await track(Pages(page), fewer.position, columns=("fax", "name"))


async def test_a_link_that_the_service_cannot_read_means_the_feed_from_its_start() -> None:
    first = await track(Pages({"value": [], "@odata.deltaLink": f"{HOST}/accounts?$deltatoken=1"}))
    refusal = Explained("The delta token is not valid.", "", side=Side.DATAVERSE, code="0x80040203")
    with pytest.raises(FeedExpired, match="not valid"):
        await track(Pages(refusal), first.position)
    with pytest.raises(NeedsPerson):
        await track(Pages(refusal))


async def test_a_table_without_tracking_is_followed_by_time_of_modification() -> None:
    refusal = Explained("Change tracking is off.", "", side=Side.DATAVERSE, code=NOT_TRACKED)
    row = account(1) | {"modifiedon": "2026-01-01T12:00:00Z"}
    pages = Pages(refusal, {"value": [row]}, {"value": []})
    first = await track(pages)
    await track(pages, first.position)
    assert first.records[0].modified_at == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert pages.asked[2].endswith("$filter=modifiedon ge 2026-01-01T11:50:00.000Z")
    assert pages.preferences[2] == "odata.maxpagesize=2"
    # Tracking that is switched off later: only reading everything again shows where the feed stands.
    with pytest.raises(FeedExpired):
        await track(Pages(refusal), '{"v":1,"feed":"tracking","select":"accountid,name,modifiedon","link":"/x"}')


async def position_after(newest: str | None, scanned: str | None) -> str:
    """Where a feed stands whose newest row is of that time, and whose last whole scan began then."""
    rows = [customer(1, f"2026-01-01T{newest}:00.057Z")] if newest else []
    pages = Pages({"value": rows}, {"value": []})
    first = await scan(pages)
    pages.date = at(scanned) if scanned else None
    return (await scan(pages, first.position)).position


async def test_only_what_is_newer_than_the_newest_row_is_news() -> None:
    position = await position_after("12:00", "20:00")
    pages = Pages(
        {"value": []},
        {"value": [customer(1, "2026-01-01T12:00:00.057Z")]},
        {"value": [customer(2, "2026-01-01T12:00:00.058Z")]},
        FeedExpired("gone"),
    )
    assert [await modified_news(CUSTOMERS, position, pages) for _ in range(4)] == [False, False, True, True]
    assert pages.latest == [True] * 4
    assert pages.asked[0] == (
        "customers?$select=id,lastModifiedDateTime&$filter=lastModifiedDateTime gt 2026-01-01T12:00:00.057Z"
        "&$orderby=lastModifiedDateTime desc&$top=1"
    )


async def test_any_row_is_news_where_there_was_none() -> None:
    position = await position_after(None, None)
    pages = Pages({"value": []}, {"value": [customer(1, "2026-01-01T12:00:00Z")]})
    assert [await modified_news(CUSTOMERS, position, pages) for _ in range(2)] == [False, True]
    assert is_settled(position)


@pytest.mark.parametrize(
    ("newest", "scanned", "settled"),
    [("12:00", "12:15", False), ("12:00", "12:16", True), ("12:00", "11:00", False), ("12:00", None, False)],
)
async def test_a_feed_by_time_is_settled_when_nothing_older_can_come_any_more(
    newest: str, scanned: str | None, settled: bool
) -> None:
    position = await position_after(newest, scanned)
    assert is_settled(position) is settled
    assert is_tracking_settled(position) is settled


LINK = f"{HOST}/accounts?$deltatoken=1"
TRACKED = '{"v":1,"feed":"tracking","select":"accountid,name,modifiedon","link":"/accounts?$deltatoken=1"}'


@pytest.mark.parametrize(
    ("answer", "news"),
    [
        ({"value": [], "@odata.deltaLink": LINK}, False),
        ({"value": [account(1)], "@odata.nextLink": LINK}, True),
        ({"value": [{"id": "x", "reason": "deleted"}], "@odata.deltaLink": LINK}, True),
        ({"value": [], "@odata.nextLink": LINK}, True),
        (FeedExpired("too old"), True),
        (NeedsPerson("off", side=Side.DATAVERSE, code=NOT_TRACKED), True),
    ],
)
async def test_a_page_of_one_tells_whether_a_tracked_table_has_news(answer: Row | Exception, news: bool) -> None:
    pages = Pages(answer)
    assert await has_changed(ACCOUNT, TRACKED, pages) is news
    assert (pages.asked, pages.preferences) == (["/accounts?$deltatoken=1"], ["odata.maxpagesize=1"])
    assert is_tracking_settled(TRACKED)


async def test_what_the_service_forbids_is_not_taken_for_news() -> None:
    with pytest.raises(NeedsPerson):
        await has_changed(ACCOUNT, TRACKED, Pages(NeedsPerson("no", side=Side.DATAVERSE, code="0x80040220")))
