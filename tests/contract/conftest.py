"""The parts of the local stack, started once per test session when the first test asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.contract.parts import ROOT, part_running

_TOKEN = "local-token"


@dataclass(frozen=True)
class Simulator:
    """A running simulator: its address (for Business Central up to the environment), a token, the company."""

    url: str
    token: str
    company_id: str = ""


@pytest.fixture(scope="session")
def azurite() -> Iterator[str]:
    """Connection string of an Azurite of this session's own, with nothing stored."""
    with part_running("azurite") as facts:
        yield facts["connection_string"]


@pytest.fixture(scope="session")
def broker() -> Iterator[str]:
    """Connection string of a Service Bus broker with the queues of infra/local/service-bus-config.json."""
    with part_running("service_bus", "--config", str(ROOT / "infra/local/service-bus-config.json")) as facts:
        yield facts["connection_string"]


@pytest.fixture(scope="session")
def dataverse_simulator() -> Iterator[Simulator]:
    """The Dataverse simulator, empty."""
    with part_running("dataverse", "--token", _TOKEN) as facts:
        yield Simulator(facts["url"], _TOKEN)


@pytest.fixture(scope="session")
def business_central_simulator() -> Iterator[Simulator]:
    """The Business Central simulator with its one company, empty."""
    with part_running("business_central", "--token", _TOKEN) as facts:
        yield Simulator(facts["url"], _TOKEN, facts["company_id"])
