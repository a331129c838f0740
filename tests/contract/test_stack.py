"""Parts of the local stack as child processes: ready, failing, ending, told to stop."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from infra.local import child, stack
from infra.local.child import Child, PartError
from infra.local.door import Door
from infra.local.further import connections_setting, further_services
from infra.local.service import SERVICES
from infra.local.stack import Stack, new_run_folder, write_information

CONFIGURATION = SERVICES[1].arguments


@pytest.fixture
async def broker(tmp_path: Path) -> Child:
    return Child("service_bus", CONFIGURATION, tmp_path)


async def test_a_part_says_where_it_is_and_ends_when_it_is_told(broker: Child) -> None:
    facts = await broker.start()
    assert facts["connection_string"].startswith("Endpoint=sb://localhost:")
    assert not broker.ended.is_set()
    await broker.stop()
    assert broker.ended.is_set()


async def test_parts_side_by_side_pick_their_own_ports(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    parts = [Child("service_bus", CONFIGURATION, folder) for folder in (tmp_path, tmp_path / "other")]
    facts = await asyncio.gather(*(part.start() for part in parts))
    await asyncio.gather(*(part.stop() for part in parts))
    assert facts[0]["port"] != facts[1]["port"]


async def test_a_part_that_does_not_start_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    part = Child("service_bus", ["--config", str(tmp_path / "nowhere.json")], tmp_path)
    with pytest.raises(PartError, match=r"(?s)part service_bus ended with exit code 2 .*nowhere\.json") as caught:
        await part.start()
    assert str(tmp_path / "service_bus.log") in str(caught.value)
    await part.stop()


async def test_a_part_that_says_nothing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "SECONDS_TO_START", 0.01)
    part = Child("service_bus", CONFIGURATION, tmp_path)
    with pytest.raises(PartError, match="did not start within"):
        await part.start()
    await part.stop()


async def test_a_part_that_was_killed_starts_again_where_it_was(broker: Child, tmp_path: Path) -> None:
    before = await broker.start()
    running = Stack("http://127.0.0.1:1", {}, tmp_path, [broker])
    await running.kill("service_bus")
    assert (broker.ended.is_set(), broker.ended_by_itself) == (True, False)
    await running.start("service_bus")
    assert (await _answers(before["port"]), broker.port) == (True, before["port"])
    await running.stop("service_bus")
    assert not await _answers(before["port"])


async def test_a_closed_door_breaks_off_and_refuses_and_opens_again(broker: Child) -> None:
    port = (await broker.start())["port"]
    async with Door(port).standing() as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        await door.close()
        assert await _is_broken_off(reader)
        writer.close()
        assert (await _answers(door.port), await _answers(port)) == (False, True)
        await door.open()
        assert await _answers(door.port)
    await broker.stop()


async def _is_broken_off(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read(1) == b""
    except ConnectionError:
        return True


async def _answers(port: int) -> bool:
    """Whether somebody greets back there, as a broker does."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.write(b"AMQP\x03\x01\x00\x00")
    greeting = await reader.read(8)
    writer.close()
    return greeting.startswith(b"AMQP")


async def test_a_running_stack_notices_that_a_part_has_ended(broker: Child, tmp_path: Path) -> None:
    await broker.start()
    running = Stack("http://127.0.0.1:1", {}, tmp_path, [broker])
    watching = asyncio.create_task(running.until_a_part_ends())
    assert broker._process is not None
    broker._process.kill()
    with pytest.raises(PartError, match="part service_bus ended by itself"):
        await asyncio.wait_for(watching, 10)
    await broker.stop()


def test_information_has_all_addresses_and_comes_whole(tmp_path: Path) -> None:
    settings = {setting: f"<{setting}>" for service in SERVICES for setting in service.settings}
    running = Stack("http://127.0.0.1:7071", settings, tmp_path, [])
    file = tmp_path / "info.json"
    file.write_text("an older one")
    write_information(file, running.information())
    assert json.loads(file.read_text()) == {
        "functions": {"url": "http://127.0.0.1:7071", "key": running.key},
        "dataverse": {"url": "<DATAVERSE_URL>", "token": "<DATAVERSE_TOKEN>"},
        "business_central": {
            "url": "<BUSINESS_CENTRAL_URL>",
            "company_id": "<BUSINESS_CENTRAL_COMPANY_ID>",
            "token": "<BUSINESS_CENTRAL_TOKEN>",
        },
        "storage": {"connection_string": "<AzureWebJobsStorage>"},
        "service_bus": {"connection_string": "<ServiceBusConnection>"},
    }
    assert [path.name for path in tmp_path.iterdir()] == ["info.json"]


def test_the_settings_of_a_second_connection_are_those_of_the_first_with_a_number(tmp_path: Path) -> None:
    services = [*SERVICES, *further_services(2)]
    settings = {setting: f"<{setting}>" for service in services for setting in service.settings}
    running = Stack("http://127.0.0.1:7071", settings, tmp_path, [], connections=2)
    assert running.information()["dataverse_2"] == {"url": "<DATAVERSE_URL_2>", "token": "<DATAVERSE_TOKEN_2>"}
    (told,) = json.loads(connections_setting(2, settings)["CONNECTIONS"])
    assert told["name"] == "connection-2"
    assert (told["dataverse_url"], told["dataverse_token_setting"]) == ("<DATAVERSE_URL_2>", "DATAVERSE_TOKEN_2")
    assert "<DATAVERSE_TOKEN_2>" not in told.values(), "a secret never stands in this setting"


def test_each_run_has_a_folder_and_old_ones_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "RUNS", tmp_path / "runs")
    folders = [new_run_folder() for _ in range(stack.RUNS_KEPT + 5)]
    assert len(set(folders)) == len(folders)
    assert len(list((tmp_path / "runs").iterdir())) == stack.RUNS_KEPT
    assert folders[-1].is_dir()


async def test_up_says_in_one_sentence_which_part_failed(tmp_path: Path) -> None:
    """The app refuses to start with a wrong setting; so does `up`, and no part is left behind."""
    command = [sys.executable, "-m", "infra.local.stack", "--empty", "--set", "SYNC_SLICE_SECONDS=x"]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=stack.ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    _, complaints = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert b"part functions_host ended with exit code 1" in complaints
    assert b"SYNC_SLICE_SECONDS" in complaints
