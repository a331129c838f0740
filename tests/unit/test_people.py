"""Invented people and companies: repeatable, in many scripts, and within what both systems accept."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.people import COUNTRIES, company, person

seeds = st.integers(min_value=0, max_value=2**31)
indexes = st.integers(min_value=0, max_value=10**7)
COMPANY_LENGTHS = {"name": 100, "address_line1": 100, "address_line2": 50, "city": 30, "state": 30, "postal_code": 20}
REACH_LENGTHS = {"phone": 30, "email": 80}
EMAIL = re.compile(r"[a-z0-9.-]+@[a-z0-9-]+(\.[a-z0-9-]+)+")


@given(seeds, indexes)
def test_a_row_is_the_same_every_time_and_fits_business_central(seed: int, index: int) -> None:
    made = company(seed, index)
    assert made == company(seed, index)
    assert made.country in COUNTRIES
    for field, length in {**COMPANY_LENGTHS, **REACH_LENGTHS}.items():
        assert len(asdict(made)[field]) <= length, field
    someone = person(seed, index)
    assert someone == person(seed, index)
    for field, length in {**REACH_LENGTHS, "job_title": 30, "mobile": 30}.items():
        assert len(asdict(someone)[field]) <= length, field


@given(seeds, indexes)
def test_telephones_have_no_letters_and_addresses_are_plain_ascii(seed: int, index: int) -> None:
    made, someone = company(seed, index), person(seed, index)
    assert EMAIL.fullmatch(made.email)
    assert EMAIL.fullmatch(someone.email)
    for number in (made.phone, someone.phone, someone.mobile):
        assert re.fullmatch(r"\+[0-9 ]+", number)


@given(seeds, indexes)
def test_a_full_name_falls_apart_into_the_same_three_names(seed: int, index: int) -> None:
    someone = person(seed, index)
    names = [someone.first_name, someone.middle_name, someone.last_name]
    assert " ".join(filter(None, names)).split(" ") == [name for name in names if name]
    assert someone.first_name
    assert someone.last_name


def test_names_and_addresses_tell_100000_companies_and_people_apart() -> None:
    companies = [company(7, index) for index in range(100_000)]
    assert len({made.name.casefold() for made in companies}) == len(companies)
    assert len({made.email for made in companies}) == len(companies)
    people = [person(7, index) for index in range(100_000)]
    assert len({someone.email for someone in people}) == len(people)
    full_names = {(someone.first_name, someone.middle_name, someone.last_name) for someone in people}
    assert len(full_names) > 80_000


def test_seeds_and_neighbours_give_different_companies() -> None:
    assert not {company(1, index).name for index in range(500)} & {company(2, index).name for index in range(500)}
    rows = [company(1, index) for index in range(190)]
    assert {made.country for made in rows} == set(COUNTRIES)


def test_every_country_keeps_its_post_codes_to_its_cities() -> None:
    cities: dict[tuple[str, str], set[str]] = {}
    for index in range(20_000):
        made = company(3, index)
        cities.setdefault((made.country, made.postal_code), set()).add(made.city)
    assert all(len(names) == 1 for names in cities.values())


@pytest.mark.parametrize("script", ["LATIN", "GREEK", "CYRILLIC", "CJK", "HANGUL", "ARABIC"])
def test_names_come_in_many_scripts(script: str) -> None:
    names = [company(5, index).name + person(5, index).last_name for index in range(200)]
    assert sum(any(unicodedata.name(letter, "").startswith(script) for letter in name) for name in names) >= 3
