"""What the Table service's errors are taken for, as a table: what passes never ends as a defect of ours."""

from __future__ import annotations

import pytest
from azure.core.exceptions import AzureError, DecodeError, HttpResponseError, ServiceRequestError, ServiceResponseError
from azure.data.tables import TableErrorCode

from shared.adapters.table_failures import failure_of, passes
from shared.core.failures import NeedsPerson, Passing


def answered(status: int, code: str | None = None) -> HttpResponseError:
    """The SDK's error for an answer of this status."""
    error = HttpResponseError("some words")
    error.status_code = status
    error.error_code = code  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ServiceRequestError("no such host"), Passing),
        (ServiceResponseError("cut off"), Passing),
        (DecodeError("half an answer"), Passing),
        (answered(200), Passing),  # half an answer, as the Tables SDK tells of it
        (answered(408), Passing),
        (answered(429), Passing),
        (answered(500, "InternalError"), Passing),
        (answered(503, "ServerBusy"), Passing),
        (answered(507), Passing),  # the disk is full
        (answered(409, TableErrorCode.TABLE_BEING_DELETED), Passing),
        (answered(404, TableErrorCode.TABLE_NOT_FOUND), Passing),
        (answered(403), NeedsPerson),
        (answered(400, "InvalidInput"), None),
        (answered(413, "RequestBodyTooLarge"), None),
    ],
)
def test_an_error_of_the_storage_passes_or_needs_a_person(error: AzureError, kind: type[Exception] | None) -> None:
    failure = failure_of(error)
    assert type(failure) is (kind or type(None))
    retried = kind is Passing and getattr(error, "status_code", None) != 404  # a missing table is made first
    assert passes(error) is retried
