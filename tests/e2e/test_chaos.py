"""A short trial of `dev.py chaos`, and what its logs must not tell: nothing is lost, nothing doubled, nobody named."""

from __future__ import annotations

import pytest

from infra.local.chaos.plan import Plan
from infra.local.chaos.trial import Report, trial
from infra.local.people import company
from tests.e2e.logs import leaks, secrets

PLAN = Plan(seed=20, kills=6, records=300, newcomers=5, shortest_life=0.2, longest_life=1.5, settling=60)
CLIENT_SECRET = "planted~client~secret"
PLANTED = {
    "CLIENT_SECRET": CLIENT_SECRET,
    "TENANT_ID": "b3d1e9f0-2a54-4a0e-9d0e-6f2f4f9f4a11",
    "CLIENT_ID": "0a6e9c9e-51cb-4b0f-8f0c-3a1d5b7c2e22",
}


@pytest.fixture(scope="module")
async def report() -> Report:
    """The trial, told to nobody."""
    return await trial(PLAN, lambda _: None, PLANTED)


async def test_nothing_is_lost_or_doubled_when_the_host_is_killed(report: Report) -> None:
    assert report.complaints == []
    assert sum(report.kills.values()) == PLAN.kills
    assert report.edits > 0, "people were there"
    assert sum(report.faults.values()) > 0, "services stumbled"


async def test_no_log_names_a_secret_or_a_person_or_holds_a_record(report: Report) -> None:
    assert report.folder is not None
    people = [company(PLAN.seed, number) for number in range(report.records)]
    values = {text for one in people for text in (one.name, one.email, one.address_line1, one.phone, one.website)}
    opened = secrets(report.settings)
    assert len(opened) >= 4, "tokens and keys of all parts"
    assert leaks(report.folder, ["Executed 'run_job_slice'"]), "the logs are read"

    assert leaks(report.folder, {*values, *opened, CLIENT_SECRET, "https://www.edit-"}) == []
