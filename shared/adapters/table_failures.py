"""What an error of the Table service means: does it pass, does it need a person, is it a conflict of versions?"""

from __future__ import annotations

from azure.core.exceptions import AzureError, ClientAuthenticationError, DecodeError, HttpResponseError
from azure.data.tables import TableErrorCode

from shared.core.failures import NeedsPerson, Passing, SyncFailure

_ROLE = "Storage Table Data Contributor"
_BUSY = frozenset({408, 429})  # and all from 500 on: a full disk among them


def code_of(error: AzureError) -> str | None:
    """The service's error code, a member or value of TableErrorCode, where there is one."""
    return getattr(error, "error_code", None)


def is_conflict(error: AzureError) -> bool:
    """Whether an operation of a transaction met another version, a taken key or no entity."""
    if code_of(error) in (TableErrorCode.TABLE_NOT_FOUND, TableErrorCode.TABLE_BEING_DELETED):
        return False
    return isinstance(error, HttpResponseError) and error.status_code in (404, 409, 412)


def passes(error: AzureError) -> bool:
    """Whether the same request may go through later: service not reached, no answer, busy."""
    if isinstance(error, ClientAuthenticationError):
        return False
    if isinstance(error, HttpResponseError) and not isinstance(error, DecodeError):
        return _is_trouble(error.status_code or 0) or code_of(error) == TableErrorCode.TABLE_BEING_DELETED
    return True


def _is_trouble(status: int) -> bool:
    """Whether this status of an error passes; one of success means that the SDK could not read the answer."""
    return status < 400 or status in _BUSY or status >= 500


def failure_of(error: AzureError) -> SyncFailure | None:
    """The failure that the use cases know, or None for what only a defect of ours brings about."""
    if isinstance(error, ClientAuthenticationError) or getattr(error, "status_code", None) in (401, 403):
        return NeedsPerson(
            f"Table Storage refuses the app: {_first_line(error)} Its identity needs the role {_ROLE} on the storage "
            "account; a connection string needs the right account key.",
            code="storage_forbidden",
        )
    if passes(error) or code_of(error) == TableErrorCode.TABLE_NOT_FOUND:  # a missing table is created anew
        return Passing(f"Table Storage cannot be reached or is busy: {_first_line(error)}", code="storage_unavailable")
    return None


def fix_of(failure: SyncFailure) -> str:
    """What a person does about it, for the health report."""
    if isinstance(failure, NeedsPerson):
        return f"Give the app's identity the role {_ROLE}, or correct the connection string."
    return "Check that the storage account exists and that its firewall lets the app in; then wait and check again."


def _first_line(error: AzureError) -> str:
    return str(error.message or type(error).__name__).partition("\n")[0]
