"""Answers to batches: legal however oddly they are written, and refused when they are cut off."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.dataverse.answers import Answer
from infra.local.dataverse.multipart import Writer
from shared.adapters.multipart import Malformed, Response, is_multipart, responses

_MIXED = "multipart/mixed; boundary=r"
_HEAD = b"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
_OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"a":1}'
_EMPTY = b"HTTP/1.1 204 No Content\r\nOData-Version: 4.0\r\n\r\n"


def body(*parts: bytes, head: bytes = _HEAD, boundary: bytes = b"r") -> bytes:
    mark = b"--" + boundary
    return b"".join(mark + b"\r\n" + head + part + b"\r\n" for part in parts) + mark + b"--\r\n"


def told(content: bytes, content_type: str = _MIXED) -> list[tuple[int, bytes]]:
    return [(response.status, response.body) for response in responses(content_type, content)]


_TWO = [(200, b'{"a":1}'), (204, b"")]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(body(_OK, _EMPTY), id="as usual"),
        pytest.param(body(_OK, _EMPTY).replace(b"\r\n", b"\n"), id="line feeds"),
        pytest.param(b"A preamble\r\n--rest\r\n" + body(_OK, _EMPTY), id="preamble"),
        pytest.param(body(_OK, _EMPTY) + b"An epilogue\r\n--r\r\n" + _HEAD + _OK, id="epilogue"),
        pytest.param(body(_OK, _EMPTY).removesuffix(b"\r\n"), id="no line end behind the last delimiter"),
        pytest.param(body(_OK, _EMPTY).replace(b"--r\r\n", b"--r \t\r\n"), id="blanks behind delimiters"),
        pytest.param(body(_OK, _EMPTY, head=b"\r\n"), id="parts without headers"),
        pytest.param(body(_OK, b"\r\n" + _EMPTY), id="an empty line before a response"),
        pytest.param(body(_OK, _EMPTY.removesuffix(b"\r\n")), id="headers that nothing follows"),
        pytest.param(
            body(_OK, _EMPTY, head=b"Content-Type:\r\n application/http;\r\n\tmsgtype=response\r\n\r\n"),
            id="folded headers",
        ),
    ],
)
def test_odd_but_legal_answers_are_read(content: bytes) -> None:
    assert told(content) == _TWO


@pytest.mark.parametrize(
    "content_type",
    [
        'multipart/mixed; boundary="r"',
        "Multipart/Mixed;charset=utf-8;Boundary=r",
        "multipart/mixed; boundary=r; type=x",
        ' multipart/mixed ; boundary = "\\r"',
    ],
)
def test_the_boundary_may_be_named_in_several_ways(content_type: str) -> None:
    assert is_multipart(content_type)
    assert told(body(_OK, _EMPTY), content_type) == _TWO


def test_a_change_set_is_opened_in_its_place() -> None:
    inner = body(_OK, _EMPTY, boundary=b"r-set")
    change_set = b"--r\r\nContent-Type: multipart/mixed;\r\n boundary=r-set\r\n\r\n" + inner
    content = b"--r\r\n" + _HEAD + _EMPTY + b"\r\n" + change_set + b"\r\n" + body(_OK)
    assert told(content) == [(204, b""), *_TWO, (200, b'{"a":1}')]


@pytest.mark.parametrize("text", [b"--r", b"x --r--", b"--r-\r\n--rr\r\n --r\r\n--r- -"])
def test_what_only_looks_like_a_delimiter_is_text(text: bytes) -> None:
    part = b"HTTP/1.1 200 OK\r\n\r\n.." + text + b".."
    assert told(body(part)) == [(200, b".." + text + b"..")]


def test_headers_are_unfolded_and_found_by_their_usual_names() -> None:
    [response] = responses(_MIXED, body(b"HTTP/1.1 429 Slow\r\nretry-after:\r\n\t7\r\nREQ_ID: a:b\r\n\r\n"))
    assert response.headers["Retry-After"] == "7"
    assert response.headers["Req_Id"] == "a:b"


@pytest.mark.parametrize("part", [b"nonsense", b"", b"HTTP/1.1 2000 OK\r\n\r\n", b"HTTP/1.1\r\n\r\n", b"{}"])
def test_a_part_that_is_no_response_is_an_error_of_the_service(part: bytes) -> None:
    assert told(body(part, _EMPTY)) == [(500, b""), (204, b"")]


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"--r", b"--r\r\n", body(_OK, _EMPTY)[:-6], body(_OK, boundary=b"other")]
)
def test_an_answer_without_its_end_is_none(content: bytes) -> None:
    with pytest.raises(Malformed):
        responses(_MIXED, content)


@pytest.mark.parametrize(
    "content_type", ["multipart/mixed", "multipart/mixed; boundary=", 'multipart/mixed;boundary=""']
)
def test_an_answer_that_names_no_boundary_is_none(content_type: str) -> None:
    with pytest.raises(Malformed):
        responses(content_type, body(_OK))


def test_parts_within_parts_end_somewhere() -> None:
    content = body(_OK)
    for _ in range(5):
        content = b"--r\r\nContent-Type: multipart/mixed; boundary=r\r\n\r\n" + content + b"\r\n--r--\r\n"
    with pytest.raises(Malformed):
        responses(_MIXED, content)


_TEXTS = st.text(st.sampled_from("ä-r\r\n \t{:"))


@given(st.lists(st.tuples(st.booleans(), st.lists(st.tuples(st.integers(200, 599), _TEXTS), max_size=3)), max_size=4))
def test_whatever_the_simulator_writes_is_read(items: list[tuple[bool, list[tuple[int, str]]]]) -> None:
    writer = Writer()
    for is_set, answers in items:
        made = [Answer(status, text or None, content_type="text/plain") for status, text in answers]
        if is_set:
            writer.add_set([(str(at), one) for at, one in enumerate(made)])
        else:
            for one in made:
                writer.add(one)
    read = [(response.status, response.body.decode()) for response in responses(writer.content_type, writer.body)]
    assert read == [one for _, answers in items for one in answers]


def test_the_bodies_of_a_thousand_parts_are_told_apart() -> None:
    parts = [b'HTTP/1.1 200 OK\r\n\r\n{"at":%d}' % at for at in range(1000)]
    assert responses(_MIXED, body(*parts)) == [Response(200, b"", b'{"at":%d}' % at) for at in range(1000)]
