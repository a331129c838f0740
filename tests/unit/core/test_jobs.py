"""The job log's counters, passes and keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.jobs import Counters, JobStatus, job_key, passes_of
from shared.core.sides import Direction, Side, direction_from
from tests.unit.core.tables import BC, BOTH_WAYS, DV, FROM, TO

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize(("direction", "sources"), [(BOTH_WAYS, (BC, DV)), (TO, (BC,)), (FROM, (DV,))])
def test_the_pass_to_dataverse_comes_first(direction: Direction, sources: tuple[Side, ...]) -> None:
    assert passes_of(direction) == sources
    assert all(direction.allows(source) for source in sources)


@pytest.mark.parametrize("side", list(Side))
def test_a_direction_allows_what_it_is_named_for(side: Side) -> None:
    assert direction_from(side).allows(side)
    assert not direction_from(side).allows(side.other)
    assert side.other.other is side


def test_counters_add_up_member_by_member() -> None:
    sum_ = Counters(inserted=1, failed=2)
    sum_.add(Counters(inserted=2, coupled=5))
    assert sum_ == Counters(inserted=3, failed=2, coupled=5)


@given(MOMENTS, MOMENTS)
def test_keys_sort_the_newest_first(one: datetime, other: datetime) -> None:
    if abs(one - other) >= timedelta(milliseconds=1):
        assert (job_key(one, "x") < job_key(other, "x")) == (one > other)


@given(MOMENTS)
def test_keys_of_one_moment_are_told_apart(moment: datetime) -> None:
    keys = {job_key(moment, f"00000003-0000-4000-8000-{number:012}") for number in range(20)}
    assert len(keys) == 20
    assert {len(key) for key in keys} == {26}


@pytest.mark.parametrize("status", list(JobStatus))
def test_a_job_has_ended_when_nothing_more_will_happen(status: JobStatus) -> None:
    assert status.ended == (status in (JobStatus.SUCCEEDED, JobStatus.FAILED))
