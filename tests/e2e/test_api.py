"""The API on the whole stack: asking twice, versions, pages."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from tests.e2e.people import Everything


async def test_of_many_who_ask_at_once_under_one_key_one_is_served(everything: Everything) -> None:
    await everything.fresh("CUSTOMER")
    headers = {"Idempotency-Key": str(uuid4())}
    asked = [everything.app.post("/mappings/CUSTOMER/synchronize", headers=headers) for _ in range(6)]
    answers = await asyncio.gather(*asked)
    first = [answer for answer in answers if answer.status_code == 202]
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert len({answer.json()["id"] for answer in first}) == 1
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
    again = await everything.app.post("/mappings/CUSTOMER/synchronize", headers=headers)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (202, "true")
    assert again.headers["Location"] == first[0].headers["Location"]
    other = await everything.app.post("/synchronize", headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_of_two_administrators_the_second_is_told_that_the_mapping_has_changed(everything: Everything) -> None:
    await everything.fresh("CUSTOMER")
    read = await everything.app.get("/mappings/customer")
    version = {"If-Match": read.headers["ETag"]}
    first = await everything.app.patch("/mappings/CUSTOMER", json={"guard_percent": 50}, headers=version)
    second = await everything.app.patch("/mappings/CUSTOMER", json={"guard_percent": 60}, headers=version)
    assert (first.status_code, second.status_code) == (200, 412)
    assert (await everything.app.get("/mappings/CUSTOMER")).json()["guard_percent"] == 50
    await everything.app.patch("/mappings/CUSTOMER", json={"guard_percent": 25})


async def test_the_job_log_comes_in_pages(everything: Everything) -> None:
    await everything.fresh("CUSTOMER")
    await everything.synchronize("CUSTOMER")
    whole = (await everything.app.get("/jobs", params={"mapping": "CUSTOMER", "limit": 2})).json()
    first = (await everything.app.get("/jobs", params={"mapping": "CUSTOMER", "limit": 1})).json()
    after = {"mapping": "CUSTOMER", "limit": 1, "continuation": first["continuation"]}
    second = (await everything.app.get("/jobs", params=after)).json()
    assert first["jobs"] + second["jobs"] == whole["jobs"]
