"""The calls of the API: from an address to a use of reading or writing, and to the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from urllib.parse import quote

from infra.local.business_central import errors, metadata, writing
from infra.local.business_central.calls import Answer, Call, Segment, refusal
from infra.local.business_central.company import Company
from infra.local.business_central.query import Query, parse_options
from infra.local.business_central.reading import PAGE, Object, Reading
from infra.local.business_central.rules.work import Work
from infra.local.business_central.schema import ENTITY_SETS, ZERO_GUID, EntitySet
from infra.local.business_central.values import GUID

JSON = "application/json; odata.metadata=minimal; odata.streaming=true"
_RIGHTS = {"GET": "read", "POST": "insert", "PATCH": "modify", "PUT": "modify", "DELETE": "delete"}
_OF_PARTNERS = {"customers": "Customer", "vendors": "Vendor"}


class Service:
    """Answers calls on the one company."""

    def __init__(self, company: Company) -> None:
        self.company = company

    def answer(self, call: Call) -> Answer:
        """Do what a call asks; a refusal is an answer, too."""
        try:
            call.refuse_long_url()
            return self._dispatch(call, call.segments)
        except errors.ApiError as error:
            return refusal(error)
        except RecursionError:
            return refusal(errors.bad_request("The query is nested too deeply."))

    def _dispatch(self, call: Call, segments: Sequence[Segment]) -> Answer:
        if not segments:
            return _only_get(call) or Answer(200, metadata.service_document(call.root, call.api))
        if segments[0].name == "$metadata" and len(segments) == 1:
            text = metadata.edmx(call.api)
            return _only_get(call) or Answer(200, text=text, headers={"Content-Type": "application/xml"})
        if segments[0].name == "companies" and (len(segments) == 1 or segments[1].name == "$count"):
            return self._on_set(call, ENTITY_SETS["companies"], segments[0], segments[1:])
        rest = self._within_company(call, segments)
        if not rest:
            return self._on_set(call, ENTITY_SETS["companies"], segments[0], [])
        entity_set = ENTITY_SETS.get(rest[0].name)
        if entity_set is None or entity_set.api != call.api or entity_set.name in ("companies", "subscriptions"):
            raise errors.no_route()
        return self._on_set(call, entity_set, rest[0], rest[1:])

    def _within_company(self, call: Call, segments: Sequence[Segment]) -> Sequence[Segment]:
        """Check the company of a call; answers the segments behind it."""
        available = self.company.switches.company_available
        if segments[0].name == "companies":
            key = segments[0].key or ""
            if not GUID.fullmatch(key):
                raise errors.query_syntax()
            if key.lower() != self.company.id or not available:
                raise errors.ApiError(404, "Internal_CompanyNotFound", f"The company '{key}' does not exist.")
            return segments[1:]
        named = dict(call.options).get("company") or call.header("Company") or ""
        if GUID.fullmatch(named) and (named.lower() != self.company.id or not available):
            raise errors.ApiError(404, "Internal_CompanyNotFound", f"The company '{named}' does not exist.")
        if not GUID.fullmatch(named) and (named.casefold() != self.company.name.casefold() or not available):
            if segments[0].name not in ENTITY_SETS:
                raise errors.no_route()
            raise errors.ApiError(400, "Unknown", "The supplied company name is not valid.")
        return segments

    def _on_set(self, call: Call, entity_set: EntitySet, first: Segment, rest: Sequence[Segment]) -> Answer:
        if first.key is None:
            counted = [one.name for one in rest] == ["$count"]
            if rest and not counted:
                raise errors.no_segment(rest[0].name)
            return self._on_collection(call, self._reading(call, entity_set), counted=counted)
        if not GUID.fullmatch(first.key):
            raise errors.query_syntax()
        if rest:
            return self._on_child(call, entity_set, first, rest)
        return self._on_record(call, entity_set, first.key)

    def _reading(self, call: Call, entity_set: EntitySet) -> Reading:
        query = parse_options(call.options, entity_set)
        return Reading(self.company.view(call), entity_set, query, self.company.switches.case_insensitive_filters)

    def _on_collection(self, call: Call, reading: Reading, *, counted: bool = False) -> Answer:
        entity_set = reading.set
        if call.method == "POST" and not counted and entity_set.insert:
            self.company.permit(call, entity_set.name, "insert")
            return self._create(call, reading)
        if call.method != "GET":
            raise errors.not_allowed(call.method, entity_set.name)
        self.company.permit(call, entity_set.name, "read")
        if counted:
            return Answer(200, text=str(reading.total()), headers={"Content-Type": "text/plain"})
        return self._list(call, reading)

    def _list(self, call: Call, reading: Reading) -> Answer:
        size, applied = _page_size(call)
        page = reading.page(size)
        body: Object = {"@odata.context": f"{self._context(call, reading.set)}"}
        if page.total is not None:
            body["@odata.count"] = page.total
        body["value"] = page.rows
        if page.token:
            body["@odata.nextLink"] = _next_link(call, reading.query, page.token, page.size)
        return Answer(200, body, {"Content-Type": JSON, **applied}, rest=page.rest)

    def _on_child(self, call: Call, entity_set: EntitySet, first: Segment, rest: Sequence[Segment]) -> Answer:
        """`customers(id)/contactsInformation`, `customers(id)/currency` and the like."""
        navigation = entity_set.find_navigation(rest[0].name)
        target = ENTITY_SETS.get(navigation.set) if navigation else None
        counted = [one.name for one in rest[1:]] == ["$count"]
        if navigation is None or target is None or (rest[1:] and not counted) or rest[0].key:
            raise errors.no_segment(rest[0].name)
        parent = self._one(call, Reading(self.company.view(call), entity_set, Query()), first.key or "")
        reading = self._reading(call, target)
        if navigation.via:
            key = str(parent[navigation.via])
            if key == ZERO_GUID:
                return Answer(204)
            return self._on_record(replace(call, path=f"/{target.name}({key})"), target, key)
        own = "relatedId" if entity_set.name in _OF_PARTNERS else "contactId"
        reading = replace(reading, parent=(f'"{own}" = ?', [(first.key or "").lower()]))
        return self._on_collection(call, reading, counted=counted)

    def _on_record(self, call: Call, entity_set: EntitySet, key: str) -> Answer:
        right = _RIGHTS.get(call.method)
        allowed = {"read": True, "modify": entity_set.update, "delete": entity_set.delete}
        if right is None or not allowed.get(right):
            raise errors.not_allowed(call.method, entity_set.name)
        self.company.permit(call, entity_set.name, right)
        reading = self._reading(call, entity_set)
        match right:
            case "read":
                return self._single(call, reading, key)
            case "modify":
                tag = writing.required_tag(call.header("If-Match"))
                self._do(partial(writing.update, identity=key, body=call.json_object(), tag=tag), entity_set)
                return self._single(call, self._own(reading), key)
            case _:
                self._do(partial(writing.delete, identity=key, tag=call.header("If-Match")), entity_set)
                return Answer(204)

    def _create(self, call: Call, reading: Reading) -> Answer:
        key = str(self._do(partial(writing.create, body=call.json_object()), reading.set))
        location = f"{call.root}/companies({self.company.id})/{reading.set.name}({key})"
        if call.preference("return-no-content") is not None:
            return Answer(204, headers={"Location": location})
        made = self._single(call, self._own(reading), key)
        made.status = 201
        made.headers["Location"] = location
        return made

    def _do[Result](self, write: Callable[[Work, EntitySet], Result], entity_set: EntitySet) -> Result:
        """Write, and note for the subscribers what has changed."""
        work = self.company.work()
        result = write(work, entity_set)
        self.company.unsent += work.events
        return result

    def _own(self, reading: Reading) -> Reading:
        """The same reading on the writing side, which sees what was just done."""
        return replace(reading, view=replace(reading.view, rows=self.company.database, as_of=None))

    def _single(self, call: Call, reading: Reading, key: str) -> Answer:
        context = {"@odata.context": f"{self._context(call, reading.set)}/$entity"}
        return Answer(200, context | self._one(call, reading, key), {"Content-Type": JSON})

    def _one(self, call: Call, reading: Reading, key: str) -> Object:
        one = reading.one(key)
        if one is None:
            raise errors.no_segment(reading.set.name)
        return one

    def _context(self, call: Call, entity_set: EntitySet) -> str:
        company = "" if entity_set.name == "companies" else f"companies({self.company.id})/"
        return f"{call.root}/$metadata#{company}{entity_set.name}"


def _only_get(call: Call) -> Answer | None:
    return None if call.method == "GET" else refusal(errors.not_allowed(call.method, "$metadata"))


def _page_size(call: Call) -> tuple[int, dict[str, str]]:
    for name in ("odata.maxpagesize", "maxpagesize"):
        text = call.preference(name)
        if text is not None and text.isdecimal() and int(text) > 0:
            if int(text) > PAGE:
                raise errors.ApiError(413, "BadRequest", f"The page size must not be greater than {PAGE}.")
            return int(text), {"Preference-Applied": f"{name}={text}"}
    return PAGE, {}


def _next_link(call: Call, query: Query, token: str, returned: int) -> str:
    """The same options, what is left of `$top`, and where to go on."""
    dropped = ("$skip", "$skiptoken", "aid")
    options = [(name, value) for name, value in call.options if name not in dropped]
    if query.top is not None:
        options = [(name, str(query.top - returned) if name == "$top" else value) for name, value in options]
    options += [("aid", "FIN"), ("$skiptoken", token)]
    written = "&".join(f"{quote(name, safe='$')}={quote(value, safe='')}" for name, value in options)
    return f"{call.root}{call.path}?{written}"
