"""Trouble on request: refusals, lost answers and latency that a test orders from a simulator."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from infra.local.simulator.service_time import Latency
from infra.local.simulator.wrong_body import (
    WrongBodyError,
    a_list,
    a_number,
    a_text,
    a_whole_number,
    a_yes_or_no,
    an_object,
    known_fields,
)


@dataclass
class Fault:
    """One kind of trouble, for the next `times` requests that match.

    `method` is a regular expression for the whole method, `route` one that is searched in "path?query" (decoded).
    Without `after_commit` the request is answered with `status`, or its connection is cut where `cut` is set, and no
    work is done. With `after_commit` the work is done first, then the connection is cut, or `status` answered where
    one is given (a gateway that gave up waiting). `delay_ms` alone makes the request slow and nothing else.
    With `operations` the fault concerns operations inside a batch instead of requests.
    """

    method: str = ".*"
    route: str = ".*"
    times: int = 1
    status: int | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    after_commit: bool = False
    cut: bool = False
    delay_ms: float = 0
    operations: bool = False

    def matches(self, method: str, target: str) -> bool:
        """Tell whether a request is meant; `target` is "path?query"."""
        return bool(re.fullmatch(self.method, method, re.IGNORECASE) and re.search(self.route, target))


class Faults:
    """The trouble that is ordered at present."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Back to health."""
        self.latency = Latency()
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Order one more fault; those ordered earlier come first."""
        self._waiting.append(fault)

    @property
    def waiting(self) -> list[Fault]:
        """The faults that have not yet happened as often as ordered."""
        return list(self._waiting)

    def take(self, method: str, target: str, *, operations: bool = False) -> Fault | None:
        """Answer the first fault that a request meets, and count it as happened."""
        for fault in self._waiting:
            if fault.operations == operations and fault.matches(method, target):
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                return fault
        return None


_FAULT_FIELDS = {one.name for one in fields(Fault)}


def fault_from(body: object, where: str) -> Fault:
    """Read a fault from JSON; raises WrongBodyError."""
    given = an_object(body, where)
    known_fields(given, _FAULT_FIELDS, f"{where}.")
    fault = Fault(**{name: _checked(name, value, f"{where}.{name}") for name, value in given.items()})
    if fault.status is None and not (fault.after_commit or fault.cut or fault.delay_ms):
        raise WrongBodyError(where, "needs a status, after_commit, cut or delay_ms")
    return fault


def _checked(name: str, value: Any, where: str) -> Any:
    match name:
        case "method" | "route":
            return _a_pattern(value, where)
        case "times":
            return a_whole_number(value, where, least=1)
        case "status":
            return a_whole_number(value, where, least=200)
        case "headers":
            return {key: a_text(one, f"{where}.{key}") for key, one in an_object(value, where).items()}
        case "delay_ms":
            return a_number(value, where)
        case "after_commit" | "cut" | "operations":
            return a_yes_or_no(value, where)
        case _:
            return value


def _a_pattern(value: object, where: str) -> str:
    pattern = a_text(value, where)
    try:
        re.compile(pattern)
    except re.error as error:
        raise WrongBodyError(where, f"is no regular expression: {error}") from error
    return pattern


_LATENCIES = {"latency_ms": "request_ms", "operation_latency_ms": "operation_ms", "page_latency_ms": "page_ms"}
FAULTS_BODY_FIELDS = {*_LATENCIES, "refuse"}


def order(faults: Faults, body: Mapping[str, Any]) -> None:
    """Do what `POST /_simulator/faults` says about latency and refusals: all of it or, on WrongBodyError, nothing."""
    ordered = [
        fault_from(one, f"refuse[{index}]") for index, one in enumerate(a_list(body.get("refuse", []), "refuse"))
    ]
    latencies = {_LATENCIES[name]: a_number(body[name], name) for name in _LATENCIES if name in body}
    for name, milliseconds in latencies.items():
        setattr(faults.latency, name, milliseconds)
    for fault in ordered:
        faults.add(fault)
