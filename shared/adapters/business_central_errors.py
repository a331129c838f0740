"""What Business Central's refusals mean (pages "Troubleshooting REST API/OData calls" and "Operational limits")."""

from __future__ import annotations

import re

from shared.adapters.refusals import column_named
from shared.adapters.wire import Explained, WireError
from shared.core.failures import FeedExpired, Passing, SyncFailure
from shared.core.records import Create, RefusalKind, Refused, Write
from shared.core.sides import Side
from shared.core.tables import Table

_SIDE = Side.BUSINESS_CENTRAL
_BUSY = {408, 423, 425, 429, 500, 502, 503, 504}
# Locks and deadlocks surface under codes of other things; only the English text (Accept-Language) tells them.
_LOCKED = re.compile(
    r"deadlock|\blocked by\b|\block time-?out|is being updated in a transaction|could not be locked|try again later",
    re.IGNORECASE,
)
_DEAD_TOKEN = "SkipTokenIsNoLongerValid"
_CAPTIONS = {
    "no": "number",
    "name": "displayName",
    "description": "displayName",
    "address": "addressLine1",
    "address2": "addressLine2",
    "countryregioncode": "country",
    "postcode": "postalCode",
    "county": "state",
    "phoneno": "phoneNumber",
    "mobilephoneno": "mobilePhoneNumber",
    "homepage": "website",
    "vatregistrationno": "taxRegistrationNumber",
    "creditlimitlcy": "creditLimit",
    "companyno": "companyNumber",
}


def failure_of(error: WireError, who: str) -> SyncFailure:
    """The failure behind a refusal of a whole request; `who` is the caller as a person finds it in the portals."""
    if _DEAD_TOKEN in error.code or _DEAD_TOKEN in error.message:
        return FeedExpired("Business Central no longer knows where its pages go on.", side=_SIDE, code=_DEAD_TOKEN)
    if _is_denied(error):
        return _explained(error, f"Business Central does not let {who} in ({error.message}).", _entry_of(who))
    if error.status in _BUSY or _LOCKED.search(error.message):
        message = f"Business Central is busy: {error.message}"
        return Passing(message, side=_SIDE, code=error.code or str(error.status), retry_after=error.retry_after)
    if error.status == 404 or _is_company_missing(error):
        fix = "Check the address of the environment and the id of the company; an environment may have been renamed."
        return _explained(error, f"Business Central has no such company or table ({error.message}).", fix)
    if error.status < 400:
        return _explained(error, "Business Central's address leads elsewhere.", "Check the address of the environment.")
    fix = "Check the mapping's columns."
    if not error.code:
        fix = "Look whether a proxy or firewall between the app and Business Central answers in its place."
    return _explained(error, f"Business Central refuses the request: {error.message.rstrip('.')}.", fix)


def refusal_of(error: WireError, table: Table, write: Write, who: str) -> Refused:
    """The refusal of one write. Raises NeedsPerson when not the record but its whole company is missing."""
    if _is_company_missing(error):
        raise failure_of(error, who)
    kind = _kind(error, table, write)
    if kind is RefusalKind.FORBIDDEN:
        message = f"{who} lacks a permission on {table.caption}: {error.message} {_entry_of(who)}"
        return Refused(kind, message, error.code, error.status)
    if kind is RefusalKind.PASSING and isinstance(write, Create) and _may_be_made(error):
        kind = RefusalKind.UNKNOWN
    column = column_named(table, write, error.message, _CAPTIONS) if kind is RefusalKind.INVALID else None
    return Refused(kind, error.message, error.code, error.status, column)


def _kind(error: WireError, table: Table, write: Write) -> RefusalKind:
    if _is_denied(error):
        return RefusalKind.FORBIDDEN
    if error.code == "Request_EntityChanged" or error.status == 412:
        return RefusalKind.CHANGED
    if error.code == "Internal_EntityWithSameKeyExists":
        return RefusalKind.EXISTS
    if error.status in _BUSY or _LOCKED.search(error.message):
        return RefusalKind.PASSING
    if _is_gone(error, table, write):
        return RefusalKind.GONE
    return RefusalKind.EXISTS if error.status == 409 else RefusalKind.INVALID


def _may_be_made(error: WireError) -> bool:
    """Whether somebody between us and the service may have said so, after it made the record: looking is cheap."""
    return error.status == 429 or (error.status >= 500 and not error.code)


def _is_gone(error: WireError, table: Table, write: Write) -> bool:
    """Whether the record itself is missing, and not one that it refers to; a 404 without a code is a wrong address."""
    if isinstance(write, Create) or error.status != 404:
        return False
    if error.code == "Internal_RecordNotFound":
        return error.message.startswith(f"The {table.caption} does not exist")
    return error.code == "BadRequest_ResourceNotFound"


def _is_denied(error: WireError) -> bool:
    return error.status in (401, 403) or error.code.startswith(("Authentication_", "Authorization_"))


def _is_company_missing(error: WireError) -> bool:
    return error.code == "Internal_CompanyNotFound" or (error.status == 404 and "segment 'companies'" in error.message)


def _entry_of(who: str) -> str:
    return (
        f"In Business Central, open the page Microsoft Entra Applications and see that {who} has a card whose State is "
        "Enabled and whose permission sets cover customers, vendors, contacts, salespeople, currencies and set-up."
    )


def _explained(error: WireError, what: str, fix: str) -> Explained:
    return Explained(what, fix, side=_SIDE, code=error.code or str(error.status))
