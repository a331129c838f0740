"""`subscriptions`: create, renew, list and delete webhook subscriptions (page "Working with webhooks").

Creating and renewing shake hands first: the notification URL is called with `validationToken` and must give it back
within five seconds.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from infra.local.business_central import errors, writing
from infra.local.business_central.calls import API, Answer, Call, Segment, refusal
from infra.local.business_central.checking import accept
from infra.local.business_central.company import Company
from infra.local.business_central.database import Record
from infra.local.business_central.query import Query
from infra.local.business_central.reading import PAGE, Object, Reading
from infra.local.business_central.replica import View
from infra.local.business_central.rules.plain import TABLES
from infra.local.business_central.schema import ENTITY_SETS

LIFETIME_MS = 3 * 24 * 3600 * 1000
MOST = 200
HANDSHAKE_SECONDS = 5
SET = ENTITY_SETS["subscriptions"]
# The documented list, as far as the sets are here. Contacts and salespeople are not in it.
OBSERVABLE = frozenset(
    {
        "companyInformation", "countriesRegions", "currencies", "customers", "itemCategories", "items",
        "paymentMethods", "paymentTerms", "shipmentMethods", "unitsOfMeasure", "vendors",
    }
)  # fmt: skip
_KEY = re.compile(r"'([^']*)'")
_RESOURCE = re.compile(r"/?api/v2\.0/companies\(([0-9a-f-]{36})\)/(\w+)", re.IGNORECASE)


@dataclass(frozen=True)
class Subscription:
    """A stored subscription: whom to tell about which set until when (milliseconds since 1970)."""

    id: str
    url: str
    set: str
    resource: str
    client_state: str
    expires: int


class Subscriptions:
    """Answers the calls on the set, and lists who is to be told."""

    def __init__(self, company: Company, http: aiohttp.ClientSession) -> None:
        self._company = company
        self._http = http

    async def answer(self, call: Call) -> Answer:
        """Do what a call on `subscriptions` asks; a refusal is an answer, too."""
        try:
            return await self._dispatch(call, call.segments)
        except errors.ApiError as error:
            return refusal(error)

    async def _dispatch(self, call: Call, segments: list[Segment]) -> Answer:
        if len(segments) > 1:
            raise errors.no_segment(segments[1].name)
        if segments[0].key is not None:
            key = _KEY.fullmatch(segments[0].key)
            if key is None:
                raise errors.query_syntax()
            return await self._on_one(call, key[1])
        if call.method == "POST":
            return await self._create(call)
        if call.method != "GET":
            raise errors.not_allowed(call.method, SET.name)
        page = Reading(View(self._company.database), SET, Query()).page(PAGE)
        return Answer(200, {"@odata.context": self._context(call), "value": page.rows}, rest=page.rest)

    async def _on_one(self, call: Call, key: str) -> Answer:
        found = writing.existing(self._company.work(), SET, key)
        tag = call.header("If-Match")
        match call.method:
            case "GET":
                return Answer(200, self._shown(call, key))
            case "PATCH" | "PUT":
                writing.refuse_stale(found, writing.required_tag(tag))
                await self._renew(call, found)
                return Answer(200, self._shown(call, key))
            case "DELETE":
                writing.refuse_stale(found, writing.required_tag(tag))
                self.remove(key)
                return Answer(204)
            case _:
                raise errors.not_allowed(call.method, SET.name)

    async def _create(self, call: Call) -> Answer:
        record = TABLES[SET.name].blank()
        self._fill(record, call.json_object())
        if len(self.active()) >= MOST:
            raise errors.business_rule(f"The number of webhook subscriptions cannot exceed {MOST}.")
        await self._shake_hands(str(record["notificationUrl"]))
        now = self._company.clock.now()
        record.update(subscriptionId=secrets.token_hex(16), systemCreatedAt=now, timestamp=now)
        self._date(record, now)
        self._company.database.insert(SET.name, record)
        key = str(record["subscriptionId"])
        return Answer(201, self._shown(call, key), {"Location": f"{call.root}/subscriptions('{key}')"})

    async def _renew(self, call: Call, before: Record) -> None:
        record = dict(before)
        self._fill(record, call.json_object())
        await self._shake_hands(str(record["notificationUrl"]))
        self._date(record, self._company.clock.now())
        self._company.database.update(SET.name, record, tuple(SET.properties))

    def _fill(self, record: Record, body: Mapping[str, Any]) -> None:
        work = self._company.work()
        for one, value in writing.members(work, SET, body):
            record[one.name] = accept(work.database, SET, one, value)
        if not str(record["notificationUrl"]).startswith(("http://", "https://")):
            raise errors.bad_request("The notificationUrl is not valid.")
        if _observed(str(record["resource"]), self._company) is None:
            raise errors.bad_request(f"The resource '{record['resource']}' does not support webhooks.")

    def _date(self, record: Record, now: int) -> None:
        record.update(lastModifiedDateTime=now, systemModifiedAt=now, expirationDateTime=now + LIFETIME_MS)

    async def _shake_hands(self, url: str) -> None:
        token = secrets.token_hex(16)
        try:
            timeout = aiohttp.ClientTimeout(total=HANDSHAKE_SECONDS)
            async with self._http.post(url, params={"validationToken": token}, timeout=timeout) as response:
                agreed = response.status == 200 and await response.text() == token
        except (aiohttp.ClientError, TimeoutError, ValueError):
            agreed = False
        if not agreed:
            raise errors.bad_request("The notificationUrl did not answer the validation request with its token.")

    def active(self) -> list[Subscription]:
        """The subscriptions that have not expired; expired ones are removed."""
        now = self._company.clock.now()
        rows = self._company.database.where(SET.name, "1")
        for row in rows:
            if int(row["expirationDateTime"]) <= now:
                self.remove(str(row["subscriptionId"]))
        return [_subscription(row, self._company) for row in rows if int(row["expirationDateTime"]) > now]

    @property
    def none(self) -> bool:
        """Tell whether nobody has subscribed."""
        return not self._company.database.query(f"SELECT 1 FROM {SET.name} LIMIT 1")

    def remove(self, key: str) -> None:
        """End a subscription."""
        self._company.database.delete(SET.name, key)

    def _shown(self, call: Call, key: str) -> Object:
        one = Reading(View(self._company.database), SET, Query()).one(key) or {}
        return {"@odata.context": f"{self._context(call)}/$entity"} | one

    def _context(self, call: Call) -> str:
        return f"{call.root}/$metadata#{SET.name}"


def _observed(resource: str, company: Company) -> str | None:
    """The set that a resource means, if it can be observed."""
    match = _RESOURCE.fullmatch(resource.partition(API)[1] + resource.partition(API)[2] or resource)
    if match is None or match[1].lower() != company.id:
        return None
    more = {"contacts", "salespeoplePurchasers"} if company.switches.webhooks_for_all_sets else set()
    return match[2] if match[2] in OBSERVABLE | more else None


def _subscription(row: Record, company: Company) -> Subscription:
    resource = str(row["resource"])
    return Subscription(
        str(row["subscriptionId"]),
        str(row["notificationUrl"]),
        resource.rpartition("/")[2],
        resource.lstrip("/"),
        str(row["clientState"]),
        int(row["expirationDateTime"]),
    )
