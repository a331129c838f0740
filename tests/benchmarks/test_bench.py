"""The bench, small and quick: right end states, equal counters, the same calls twice, everything in table and JSON."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from infra.local.bench import cold_start, cost, match, match_world, memory, own_work, page
from infra.local.bench import options as command_line
from infra.local.bench.__main__ import PRICES as PRICE_SHEET
from infra.local.bench.__main__ import as_json, main
from infra.local.bench.cases import CASES, merged
from infra.local.bench.chart import BAR
from infra.local.bench.customers import fields_of, id_of, index_of, values_of
from infra.local.bench.loop import LoopRates
from infra.local.bench.oracle import Expected, judge
from infra.local.bench.progress import progress_on
from infra.local.bench.results import Report, Target
from infra.local.bench.runner import Bench, Plan
from infra.local.bench.show import show
from infra.local.bench.simulators import NO_LATENCY, Simulators, running
from infra.local.bench.whole import SMALL, run_all
from infra.local.child import Child
from shared.core.sides import Side

BC, DV = Side.BUSINESS_CENTRAL, Side.DATAVERSE
PRICES = json.loads(PRICE_SHEET.read_text("utf-8"))
QUICK = Plan(200, command_line.CASES, latency=NO_LATENCY, state_latency=0, sample=5, prices=PRICES)


def quiet() -> Console:
    return Console(file=io.StringIO(), width=200)


@pytest.fixture(scope="module")
async def simulators(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulators]:
    """Both simulators, for every test here: each world begins with a reset."""
    async with running(tmp_path_factory.mktemp("simulators")) as started:
        yield started


@pytest.fixture(scope="module")
async def report(simulators: Simulators, tmp_path_factory: pytest.TempPathFactory) -> Report:
    return await run_all(bench(QUICK, simulators, tmp_path_factory.mktemp("report")))


def bench(plan: Plan, simulators: Simulators, folder: Path, azurite: str | None = None) -> Bench:
    return Bench(plan, simulators, folder, azurite, progress_on(quiet()))


def test_every_case_ends_right_and_both_sides_counted_the_same(report: Report) -> None:
    assert [case.name for case in report.cases] == list(command_line.CASES) == [case.name for case in CASES]
    for case in report.cases:
        assert (case.name, case.complaints, case.compared) == (case.name, [], 2 * QUICK.records)
        assert case.calls == case.served
        assert case.right


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("idle", {BC: 0, DV: 0}),
        ("changed-bc", {BC: 0, DV: 20}),
        ("changed-dv", {BC: 20, DV: 0}),
        ("changed-both", {BC: 20, DV: 10}),
        ("load-dv", {BC: 0, DV: 200}),
        ("load-bc", {BC: 200, DV: 0}),
        ("match", {BC: 0, DV: 0}),
    ],
)
def test_only_what_must_be_written_is_written(report: Report, name: str, written: dict[Side, int]) -> None:
    (case,) = (case for case in report.cases if case.name == name)
    assert case.writes == written


async def test_another_run_makes_the_same_calls_and_an_idle_one_as_many_for_more_records(
    report: Report, simulators: Simulators, tmp_path: Path
) -> None:
    again = await run_all(bench(QUICK, simulators, tmp_path))
    for one, other in zip(report.cases, again.cases, strict=True):
        assert (one.name, one.calls, one.transactions) == (other.name, other.calls, other.transactions)
    (tmp_path / "larger").mkdir()
    plan = replace(QUICK, records=1000, cases=["idle"])
    (larger,) = (await run_all(bench(plan, simulators, tmp_path / "larger"))).cases
    assert larger.calls == report.cases[0].calls
    assert all(target.met for target in larger.targets)


async def test_file_and_table_storage_count_the_same(report: Report, simulators: Simulators, tmp_path: Path) -> None:
    cases = ["idle", "changed-dv"]
    plan = replace(QUICK, cases=cases, storage="azurite")
    azurite = Child("azurite", (), tmp_path)
    try:
        address = (await azurite.start())["connection_string"]
        stored = await run_all(bench(plan, simulators, tmp_path, address))
    finally:
        await azurite.stop()
    assert {case.name: case.transactions for case in stored.cases} == {
        case.name: case.transactions for case in report.cases if case.name in cases
    }


def test_table_and_json_are_complete(report: Report) -> None:
    screen = quiet()
    show(screen, report)
    assert isinstance(screen.file, io.StringIO)
    shown, written = screen.file.getvalue(), json.loads(as_json(report))
    assert written["right"] is True
    for case in CASES:
        assert case.title in shown
        (found,) = (one for one in written["cases"] if one["name"] == case.name)
        assert {"calls", "served", "seconds", "ideal", "transactions", "targets"} <= found.keys()
        assert len(found["targets"]) >= len(case.limits)


def test_page_and_chart_are_made_of_the_json(report: Report) -> None:
    document = json.loads(as_json(report))
    for place, case in enumerate(document["cases"]):
        case["ideal"] = case["ideal"] and {**case["ideal"], "seconds": 0.5 + place}
    made = page.pages(document)
    chart = ElementTree.fromstring(made["speed.svg"])
    bars = [bar.get("class") for bar in chart.iter("{http://www.w3.org/2000/svg}rect") if bar.get("height") == str(BAR)]
    assert Counter(bars) == {"ideal": 7, "app": 7, "loop": 6}
    for case in CASES:
        assert case.title in made["speed.md"]
    assert "requests(side) = max(1, ceil(rows / page))" in made["speed.md"]


def test_the_page_says_why_something_was_not_reached_as_far_as_somebody_has_said_so(report: Report) -> None:
    document = json.loads(as_json(report))
    idle = document["cases"][0]
    idle["targets"] = [asdict(Target("times the ideal", 1.25, 7.0)) | {"met": False}]
    (remark,) = (one for one in json.loads(page.REMARKS.read_text("utf-8")) if one["case"] == "idle")
    told = page.page(document)
    assert f"- *Nothing changed*, times the ideal: 7. {remark['why']} What would be needed: {remark['needed']}" in told
    for one in json.loads(page.REMARKS.read_text("utf-8")):
        assert one["case"] in (*command_line.CASES, *command_line.MEASURES)


async def test_a_pair_that_must_not_be_is_found(
    simulators: Simulators, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wanted(index: int, records: int) -> match_world.Wanted:
        due = match_world.wanted(index, records)
        return replace(due, partner=None) if index in (0, 30) else due

    monkeypatch.setattr(match, "wanted", wanted)
    (case,) = (case for case in CASES if case.apart)
    result = await match.run(bench(replace(QUICK, records=40), simulators, tmp_path), case, LoopRates({}))
    assert (result.wrong, result.right) == (2, False)


async def test_a_wrong_end_state_is_found(simulators: Simulators, tmp_path: Path) -> None:
    async with bench(QUICK, simulators, tmp_path).world(120, tuple(Side)) as world:
        changed = {"accountid": id_of(DV, 7)} | values_of(DV, {"phone": "+49 30 1"}, world.lookups)
        await simulators.dataverse.edit("account", [changed])
        expected = Expected(world.records, {})
        verdict = await judge(simulators, expected, world.lookups)
        assert verdict.wrong == 1
        assert "phone '+49 30 1' instead of" in verdict.complaints[0]
        await simulators.dataverse.http.delete(f"{simulators.dataverse.api}/accounts({id_of(DV, 7)})")
        verdict = await judge(simulators, expected, world.lookups)
        assert verdict.complaints == [f"Dataverse: {fields_of(7)['name']} is missing."]
        assert (await judge(simulators, replace(expected, records=119), world.lookups)).wrong == 3


def test_a_customer_is_known_by_its_address() -> None:
    assert [index_of(fields_of(index)["e-mail"]) for index in (0, 7, 99_999)] == [0, 7, 99_999]
    assert index_of("info@somebody.example") is None


@pytest.mark.parametrize("wave", [1, 4])
def test_a_wave_changes_a_tenth_and_never_the_first(wave: int) -> None:
    for case in CASES:
        edits = case.edits(1000, wave)
        assert len(edits) in (0, 100)
        assert 0 not in edits


def test_where_both_changed_the_same_field_dataverse_is_kept() -> None:
    edits = {1: {BC: {"phone": "1"}, DV: {"phone": "2"}}, 2: {BC: {"phone": "3"}, DV: {"web site": "4"}}}
    assert merged(edits) == {1: {"phone": "2"}, 2: {"phone": "3", "web site": "4"}}


def test_the_command_writes_what_it_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bench.json"
    assert main(["--quick", "--records", "100", "--cases", "idle", "--json", str(file)]) == 0
    assert "Nothing changed" in capsys.readouterr().out
    assert [case["name"] for case in json.loads(file.read_text("utf-8"))["cases"]] == ["idle"]


def test_a_month_is_worked_out_from_a_tick_and_the_price_sheet() -> None:
    use = {**PRICES["use"], "hours_of_a_month": 100, "minutes_between_runs": 6}
    tick = cost.Tick([0.5, 2.5, 1.0], transactions=40)
    found = cost.month({**PRICES, "use": use}, tick, coupled=1024**3)
    assert (found.executions, found.gigabyte_seconds, found.transactions) == (3000, 9000, 40_000)
    assert found.functions == 0  # within what is free
    assert found.service_bus == pytest.approx(1.35)
    assert found.table_storage == pytest.approx(4 * 0.00036 + 4000 * 0.045)
    dear = cost.month({**PRICES, "use": {**use, "minutes_between_runs": 0.006}}, tick, coupled=0)
    assert dear.functions == pytest.approx((9e6 - 1e5) * 0.000026 + (3e6 - 25e4) / 1e6 * 0.4)


def test_our_own_work_is_measured_beside_decoding() -> None:
    measure = own_work.measure(records=3, repeats=3)
    assert len(measure.targets) == 6
    assert all(figure is not None and figure > 0 for figure in measure.figures.values())


async def test_cold_start_is_told_by_module() -> None:
    measure = await cold_start.measure(repeats=1)
    own, with_all = measure.tables.values()
    assert "shared" in dict(own)
    assert next(iter(with_all))[0] == "function_app"
    assert measure.targets[0].measured > 0


async def test_memory_is_measured_in_processes_of_their_own(simulators: Simulators, tmp_path: Path) -> None:
    measure = await memory.measure(simulators, tmp_path, 60, progress_on(quiet()))
    peaks = [figure for name, figure in measure.figures.items() if name.startswith("peak")]
    assert all(peak is None or 20 < peak < 400 for peak in peaks)
    assert measure.figures["records changed in each"] == 6


async def test_a_tick_is_measured(simulators: Simulators, tmp_path: Path) -> None:
    small = bench(QUICK, simulators, tmp_path)
    async with small.world(SMALL, tuple(Side)) as world:
        tick = await small.tick(world)
    assert len(tick.seconds) == 1 + PRICES["use"]["mappings"]
    assert tick.transactions > 0
