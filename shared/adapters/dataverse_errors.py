"""What Dataverse's refusals mean (pages "Compose HTTP requests and handle errors" and "Web service error codes")."""

from __future__ import annotations

import re

from shared.adapters.refusals import column_named, referenced
from shared.adapters.wire import Explained, WireError
from shared.core.failures import FeedExpired, Passing, SyncFailure
from shared.core.records import Create, RefusalKind, Refused, Write
from shared.core.sides import Side
from shared.core.tables import Table

NOT_TRACKED = "0x80072491"
_EXPIRED = "0x80044352"
_SIDE = Side.DATAVERSE
_NOT_MEMBER = {"0x80072560"}
_NO_ROLE = {"0x80042f09", "0x80040225"}
_BUSY = {408, 423, 425, 429, 500, 502, 503, 504}
_KINDS: dict[str, RefusalKind] = {
    "0x80060882": RefusalKind.CHANGED,  # ConcurrencyVersionMismatch
    "0x80040237": RefusalKind.EXISTS,  # the primary key is taken
    "0x80060892": RefusalKind.EXISTS,  # an alternate key's values
    "0x80040333": RefusalKind.EXISTS,  # a duplicate detection rule
    "0x80048cf3": RefusalKind.EXISTS,  # DuplicateIsoCurrencyCode
    "0x80040220": RefusalKind.FORBIDDEN,  # PrivilegeDenied
    "0x80048306": RefusalKind.FORBIDDEN,  # access to this row
    "0x80042f09": RefusalKind.FORBIDDEN,
    "0x80040225": RefusalKind.FORBIDDEN,
    "0x80072560": RefusalKind.FORBIDDEN,
    "0x80044150": RefusalKind.PASSING,  # SQL error, deadlocks among them
    "0x80044151": RefusalKind.PASSING,  # SQL time-out
    "0x80072321": RefusalKind.PASSING,
    "0x80072322": RefusalKind.PASSING,
    "0x80072326": RefusalKind.PASSING,
    "0x8005f103": RefusalKind.PASSING,  # too many requests
    "0x80040224": RefusalKind.INVALID,  # a plug-in crashed, under status 500
    "0x80040265": RefusalKind.INVALID,  # a plug-in refused
}
_MISSING_ROW = {"0x80040217", "0x80060891"}
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def failure_of(error: WireError, who: str) -> SyncFailure:
    """The failure behind a refusal of a whole request; `who` is the caller as a person finds it in the portals."""
    code = error.code.lower()
    kind = _KINDS.get(code)
    if code == _EXPIRED or error.status == 410:
        return FeedExpired("Dataverse has forgotten the position in its changes.", side=_SIDE, code=error.code)
    if kind is RefusalKind.FORBIDDEN or error.status in (401, 403):
        return _explained(error, f"Dataverse does not let {who} in ({error.message}).", _entry_of(error, who))
    if kind is RefusalKind.PASSING or error.status in _BUSY:
        message = f"Dataverse is busy: {error.message}"
        return Passing(message, side=_SIDE, code=code or str(error.status), retry_after=error.retry_after)
    if error.status == 404:
        fix = "Check the address of the environment, and that the table exists there."
        return _explained(error, f"Dataverse has no such address ({error.message}).", fix)
    if error.status < 400:
        return _explained(error, "Dataverse's address leads elsewhere.", "Check the address of the environment.")
    fix = "Check the mapping's columns."
    if not error.code:
        fix = "Look whether a proxy or firewall between the app and Dataverse answers in its place."
    return _explained(error, f"Dataverse refuses the request: {error.message.rstrip('.')}.", fix)


def refusal_of(error: WireError, table: Table, write: Write, who: str) -> Refused:
    """The refusal of one write."""
    kind = _kind(error, write)
    if kind is RefusalKind.FORBIDDEN:
        message = f"{who} lacks a privilege on {table.caption}: {error.message} {_entry_of(error, who)}"
        return Refused(kind, message, error.code, error.status)
    column = None
    if kind is RefusalKind.INVALID:
        column = referenced(write, error.message) or column_named(table, write, error.message, {})
    return Refused(kind, error.message, error.code, error.status, column)


def _kind(error: WireError, write: Write) -> RefusalKind:
    code = error.code.lower()
    if code in _KINDS:
        return _KINDS[code]
    if error.status in (401, 403):
        return RefusalKind.FORBIDDEN
    if code in _MISSING_ROW:
        return RefusalKind.GONE if _is_about(write, error.message) else RefusalKind.INVALID
    if error.status == 412:  # the documentation shows some with an empty code
        return RefusalKind.EXISTS if isinstance(write, Create) else RefusalKind.CHANGED
    return RefusalKind.PASSING if error.status in _BUSY else RefusalKind.INVALID


def _is_about(write: Write, message: str) -> bool:
    """Whether "... does not exist" means the row that is written, and not one that a lookup names."""
    if isinstance(write, Create):
        return False
    named = [guid.lower() for guid in _GUID.findall(message)]
    return not named or write.id in named


def _entry_of(error: WireError, who: str) -> str:
    code = error.code.lower()
    if error.status == 401 or code in _NOT_MEMBER:
        return (
            f"In the Power Platform admin center, open the environment's settings, Application users, and add {who} "
            "with a security role."
        )
    if code in _NO_ROLE:
        return f"In the Power Platform admin center, give the application user of {who} a security role, and enable it."
    return (
        f"Give the application user of {who} a security role with organization-wide read, create, write, append and "
        "append-to privileges on the tables of the mappings."
    )


def _explained(error: WireError, what: str, fix: str) -> Explained:
    return Explained(what, fix, side=_SIDE, code=error.code.lower() or str(error.status))
