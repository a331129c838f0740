"""HTTP functions under the local Functions host behave as in Azure."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from tests.contract.functions_host_apps.running import APPS, ROOT, RunningHost, command, host_running

SECRET = "a-key-that-no-log-shows"


@pytest.fixture(scope="module")
def host() -> Iterator[RunningHost]:
    options = ["--key", SECRET, "--set", "ASSIGNED=yes", "--set", "BOTH=assigned"]
    environment = {"BOTH": "environment", "IN_FILE_AND_ENVIRONMENT": "environment"}
    disabled = ["--set", "AzureWebJobs.switched_off.Disabled=true"]
    with host_running("http", *options, *disabled, environment=environment) as running:
        yield running


def test_the_ready_line_names_key_and_functions(host: RunningHost) -> None:
    assert host.key == SECRET
    assert {"echo", "record_by_key"} <= set(host.functions)


def test_a_function_gets_the_request_as_in_azure(host: RunningHost) -> None:
    headers = [("X-Twice", "1"), ("x-twice", "2"), ("Content-Type", "text/plain")]

    seen = host.client.post("/API/Echo/Bob?x=1&empty=&y=a%20b&x=2", content="hällo", headers=headers).json()

    assert seen["method"] == "POST"
    assert seen["url"] == f"{host.client.base_url}/API/Echo/Bob?x=1&empty=&y=a%20b&x=2".replace("1//API", "1/API")
    assert seen["headers"]["x-twice"] == "1,2"
    assert all(name == name.lower() for name in seen["headers"])
    assert seen["query"] == {"x": "1,2", "y": "a b"}
    assert seen["route"] == {"name": "Bob"}
    assert seen["body"] == "hällo"


def test_an_absent_optional_parameter_and_an_absent_body_are_absent(host: RunningHost) -> None:
    seen = host.client.get("/api/echo").json()
    assert (seen["route"], seen["body"]) == ({}, "")


def test_status_headers_cookies_and_bytes_of_an_answer_arrive(host: RunningHost) -> None:
    answer = host.client.get("/api/answer")

    assert (answer.status_code, answer.content) == (202, b"\x00\xff")
    assert (answer.headers["content-type"], answer.headers["location"]) == ("application/x-thing", "/x")
    cookies = answer.headers.get_list("set-cookie")
    assert [cookie.split(";")[0] for cookie in cookies] == ["first=1", "second=2"]
    assert "HttpOnly" in cookies[0]
    assert "SameSite=Lax" in cookies[1]


def test_a_returned_string_is_plain_text(host: RunningHost) -> None:
    answer = host.client.get("/api/text")
    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (
        200,
        "plain",
        "text/plain; charset=utf-8",
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("records/latest", "latest"),
        ("records/LATEST", "latest"),
        ("records/12", "number 12"),
        ("records/a%2Fb", "key a%2Fb"),
        ("records/a/b", "any a/b"),
    ],
)
def test_the_most_specific_route_answers(host: RunningHost, path: str, expected: str) -> None:
    assert host.client.get(f"/api/{path}").text == expected


def test_a_route_that_does_not_take_the_method_leaves_the_request_to_the_next(host: RunningHost) -> None:
    assert host.client.delete("/api/records/latest").text == "key latest"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/api/nothing", 404),
        ("GET", "/echo/bob", 404),  # without the prefix
        ("GET", "/api/echo/b0b", 404),  # against the constraint
        ("POST", "/api/answer", 404),  # wrong method
        ("GET", "/api/switched-off", 404),
        ("GET", "/api/fail/loudly", 500),
        ("GET", "/api/fail/silently", 500),
        ("GET", "/api/level/function", 401),
        ("GET", "/api/level/function?code=wrong", 401),
        ("GET", f"/api/level/function?code={SECRET}", 200),
        ("GET", "/api/level/admin", 401),
        ("GET", f"/api/level/admin?code={SECRET}", 200),
        ("GET", "/admin/host/status", 401),
        ("GET", f"/admin/nothing?code={SECRET}", 404),
        ("POST", f"/admin/functions/nothing?code={SECRET}", 404),
        ("POST", f"/admin/functions/echo?code={SECRET}", 400),
    ],
)
def test_status(host: RunningHost, method: str, path: str, status: int) -> None:
    answer = host.client.request(method, path)
    assert answer.status_code == status
    if status in (401, 404, 500):
        assert answer.content == b""


def test_the_key_may_come_in_a_header(host: RunningHost) -> None:
    assert host.client.get("/api/level/admin", headers={"x-functions-key": SECRET}).text == "admin"


def test_a_function_that_takes_too_long_is_cancelled(host: RunningHost) -> None:
    answer = host.client.get("/api/fail/slowly")

    assert (answer.status_code, answer.content) == (500, b"")
    assert "cancelled in time" in host.log()
    assert "Timeout value of 0:00:01 was exceeded by function: fail" in host.log()


def test_what_the_app_prints_is_a_log_line(host: RunningHost) -> None:
    assert "printed while it is imported" in host.log()


def test_a_thread_that_does_not_end_fails_its_call_and_does_not_keep_the_process() -> None:
    with host_running("http") as host:
        assert host.client.get("/api/stuck").status_code == 500
        assert host.stop() < 5.0


def test_a_body_above_the_limit_is_refused_before_it_is_sent(host: RunningHost) -> None:
    connection = HTTPConnection(host.client.base_url.host, host.client.base_url.port)
    connection.putrequest("POST", "/api/echo")
    connection.putheader("Content-Length", str(100 * 1024 * 1024 + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ASSIGNED", "yes"),
        ("BOTH", "assigned"),
        ("IN_FILE", "file"),
        ("IN_FILE_AND_ENVIRONMENT", "environment"),
        ("NOWHERE", "(none)"),
    ],
)
def test_settings_come_from_assignments_environment_and_file(host: RunningHost, name: str, expected: str) -> None:
    assert host.client.get(f"/api/setting/{name}").text == expected


def test_the_context_carries_the_invocation_that_the_log_names(host: RunningHost) -> None:
    name, invocation_id = host.client.get("/api/invocation").text.split()
    assert name == "invocation"
    assert f"Executing 'invocation' (Reason='This function was called by HTTP.', Id={invocation_id})" in host.log()
    assert re.search(rf"Executed 'invocation' \(Succeeded, Id={invocation_id}, Duration=\d+ms\)", host.log())


def test_a_failure_is_logged_once_with_its_stack_trace(host: RunningHost) -> None:
    before = host.log().count("RuntimeError: told to fail")

    host.client.get("/api/fail/loudly")

    assert host.log().count("RuntimeError: told to fail") == before + 1


def test_the_apps_loggers_are_as_loud_as_host_json_says(host: RunningHost) -> None:
    host.client.get("/api/text")
    assert "text [chatty]: a matter" in host.log()
    assert "a trifle" not in host.log()


def test_a_connection_string_in_an_error_is_blacked_out(host: RunningHost) -> None:
    host.client.get("/api/fail/revealingly")
    assert "cannot reach Endpoint=sb://bus/;SharedAccessKey=***;EntityPath=q" in host.log()
    assert "c2VjcmV0" not in host.log()


def test_no_key_is_ever_logged(host: RunningHost) -> None:
    host.client.get(f"/api/level/admin?code={SECRET}")
    assert SECRET not in host.log()


def test_the_host_tells_its_state_and_functions(host: RunningHost) -> None:
    status = host.admin("GET", "host/status").json()
    functions = {function["name"]: function for function in host.admin("GET", "functions").json()}

    assert (status["state"], status["warnings"]) == ("Running", [])
    assert functions["echo"]["invokeUrlTemplate"].endswith("/api/echo/{name:alpha?}")
    assert functions["echo"]["config"]["bindings"][0]["type"] == "httpTrigger"
    assert functions["switched_off"]["isDisabled"] is True
    assert host.admin("GET", "functions/echo").json() == functions["echo"]


def test_the_librarys_two_entries_give_the_same_answer() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.contract.functions_host_apps.both_ways"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    echo, answer, fail = (json.loads(line) for line in run.stdout.splitlines())

    assert echo[0] == echo[1]
    assert json.loads(bytes.fromhex(echo[0]["body"]))["body"] == "käse"
    assert answer[0] == answer[1]
    assert answer[0]["status"] == "202"
    assert fail == [{"error": "RuntimeError('told to fail')"}, {"error": "RuntimeError: told to fail"}]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("raise ValueError('SYNC_SCHEDULE is missing')", "ValueError: SYNC_SCHEDULE is missing"),
        ("import a_module_that_is_not_there", "No module named 'a_module_that_is_not_there'"),
        ("import azure.functions as func\napp = func.FunctionApp()", "There is no function"),
        (None, "There is no function"),
        ("@app.timer_trigger('t', 'at noon')\ndef tick(t: func.TimerRequest) -> None: ...", "The timer tick cannot be"),
        ("@app.timer_trigger('t', '%WHEN%')\ndef tick(t: func.TimerRequest) -> None: ...", "no app setting WHEN"),
        ("@app.route('{x:colour}')\ndef f(req: func.HttpRequest) -> str: ...", "there is no constraint 'colour'"),
        (
            "@app.service_bus_queue_trigger('m', connection='BUS', queue_name='q')\n"
            "def take(m: func.ServiceBusMessage) -> None: ...",
            "The Service Bus connection 'BUS' is not set",
        ),
    ],
)
def test_an_app_that_cannot_be_started_ends_the_process_with_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, source: str | None, sentence: str
) -> None:
    app = tmp_path_factory.mktemp("app")
    (app / "host.json").write_text('{"version": "2.0"}')
    if source is not None:
        beginning = "import azure.functions as func\napp = func.FunctionApp()\n" if source.startswith("@") else ""
        (app / "function_app.py").write_text(beginning + source)

    run = subprocess.run(command(app), cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=20)

    assert (run.returncode, run.stdout) == (1, "")
    assert sentence in run.stderr.splitlines()[0]


def test_a_folder_without_host_json_is_refused() -> None:
    run = subprocess.run(command(APPS), cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=20)
    assert (run.returncode, run.stderr.splitlines()) == (
        1,
        [f"There is no host.json in {APPS}: is this the folder of a function app?"],
    )
