"""What the refusals of both services are taken for, as tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from shared.adapters import business_central_errors, dataverse_errors
from shared.adapters.wire import WireError, error_from, path_of, wait_of
from shared.core.failures import FeedExpired, NeedsPerson, Passing, SyncFailure
from shared.core.records import Create, Delete, RefusalKind, Update, Write
from shared.defaults import standard_tables

ROW = "37fe3458-93e1-ef11-9344-6045bde9ca09"
OTHER = "b37451ff-0000-4000-8000-6045bde9ca09"
WHO = "application 1111"
CUSTOMERS = standard_tables()["business_central", "customers"]
CONTACT = standard_tables()["dataverse", "contact"]
CREATE = Create({"displayName": "A"})
UPDATE = Update(ROW, {"displayName": "A", "email": "no address", "jobTitle": None})
DV_CREATE = Create({"lastname": "B", "parentcustomerid": OTHER}, ROW)
DV_UPDATE = Update(ROW, {"lastname": "B", "parentcustomerid": OTHER})


@pytest.mark.parametrize(
    ("write", "status", "code", "message", "kind", "column"),
    [
        (UPDATE, 409, "Request_EntityChanged", "Another user has already changed the record.", "changed", None),
        (UPDATE, 412, "", "status 412", "changed", None),
        (UPDATE, 409, "Internal_Conflict", "Something else", "exists", None),
        (
            CREATE,
            400,
            "Internal_EntityWithSameKeyExists",
            "The record in table Customer already exists.",
            "exists",
            None,
        ),
        (UPDATE, 404, "BadRequest_ResourceNotFound", "Resource not found for the segment 'customers'.", "gone", None),
        (Delete(ROW), 404, "Internal_RecordNotFound", "The Customer does not exist.", "gone", None),
        # A record that ours refers to is missing: ours is not gone.
        (UPDATE, 404, "Internal_RecordNotFound", "The Salesperson/Purchaser does not exist.", "invalid", None),
        # A wrong address must never look like a deleted record.
        (UPDATE, 404, "", "status 404 without a message", "invalid", None),
        (
            CREATE,
            404,
            "BadRequest_ResourceNotFound",
            "Resource not found for the segment 'customers'.",
            "invalid",
            None,
        ),
        (UPDATE, 401, "Authorization_Denied", "You do not have permission.", "forbidden", None),
        (UPDATE, 403, "", "status 403", "forbidden", None),
        (UPDATE, 429, "Application_TooManyRequests", "Too many requests", "passing", None),
        (UPDATE, 503, "", "status 503", "passing", None),
        (
            UPDATE,
            400,
            "Application_DialogException",
            "Your activity was deadlocked with another user.",
            "passing",
            None,
        ),
        (UPDATE, 409, "Internal_ServerError", "The table was locked by another user.", "passing", None),
        # "blocked" is a business rule, not a lock.
        (UPDATE, 400, "Application_DialogException", "Salesperson BC is blocked by a setting.", "invalid", None),
        (UPDATE, 400, "BadRequest_InvalidOperation", "Control 'email' is read-only.", "invalid", "email"),
        (
            UPDATE,
            400,
            "Application_DialogException",
            'The blank "displayName" is not allowed.',
            "invalid",
            "displayName",
        ),
        (
            UPDATE,
            400,
            "Internal_InvalidTableRelation",
            "The field Payment Terms Id of table Customer contains a value (x) that cannot be found.",
            "invalid",
            "paymentTermsId",
        ),
        (
            UPDATE,
            400,
            "Internal_InvalidTableRelation",
            "The field Country/Region Code of table Customer contains a value (x) that cannot be found.",
            "invalid",
            "country",
        ),
        (
            UPDATE,
            400,
            "Application_DialogException",
            'The email address "no address" is not valid.',
            "invalid",
            "email",
        ),
        (
            UPDATE,
            400,
            "Application_StringExceededLength",
            "The length of the string is 57, but it must be less than or equal to 50 characters. Value: no address",
            "invalid",
            "email",
        ),
        (UPDATE, 400, "Application_DialogException", "Something that names nothing", "invalid", None),
        (UPDATE, 501, "BadRequest_MethodNotImplemented", "not supported", "invalid", None),
    ],
)
def test_what_business_central_means(
    write: Write, status: int, code: str, message: str, kind: str, column: str | None
) -> None:
    refused = business_central_errors.refusal_of(WireError(status, code, message), CUSTOMERS, write, WHO)
    assert (refused.kind, refused.column, refused.code, refused.status) == (kind, column, code, status)
    assert message in refused.message
    assert (WHO in refused.message) is (kind == "forbidden")


@pytest.mark.parametrize("code", ["Internal_CompanyNotFound", "BadRequest_ResourceNotFound"])
def test_a_missing_company_stops_the_run_instead_of_looking_like_deleted_records(code: str) -> None:
    error = WireError(404, code, "Resource not found for the segment 'companies'.")
    with pytest.raises(NeedsPerson, match="no such company"):
        business_central_errors.refusal_of(error, CUSTOMERS, UPDATE, WHO)


@pytest.mark.parametrize(
    ("write", "status", "code", "message", "kind", "column"),
    [
        (DV_UPDATE, 412, "0x80060882", "The version of the existing record doesn't match.", "changed", None),
        (DV_UPDATE, 412, "", "The version of the existing record doesn't match.", "changed", None),
        (DV_CREATE, 412, "0x80040237", "A record with matching key values already exists.", "exists", None),
        (DV_CREATE, 412, "", "A record with matching key values already exists.", "exists", None),
        (DV_UPDATE, 412, "0x80060892", "Entity Key X violated.", "exists", None),
        (DV_CREATE, 412, "0x80040333", "A record was not created because a duplicate exists.", "exists", None),
        (DV_UPDATE, 404, "0x80040217", f"contact With Id = {ROW} Does Not Exist", "gone", None),
        (Delete(ROW), 404, "0x80040217", f"Contact With Ids = {ROW.upper()} Do Not Exist", "gone", None),
        # The account that a lookup names is missing: the contact is not gone.
        (DV_UPDATE, 404, "0x80040217", f"account With Id = {OTHER} Does Not Exist", "invalid", "parentcustomerid"),
        (DV_CREATE, 404, "0x80040217", f"account With Id = {OTHER} Does Not Exist", "invalid", "parentcustomerid"),
        (DV_UPDATE, 404, "0x8006088a", "Resource not found for the segment 'contactz'.", "invalid", None),
        (DV_UPDATE, 403, "0x80040220", "missing prvWriteContact privilege", "forbidden", None),
        (DV_UPDATE, 400, "0x80042F09", "no roles", "forbidden", None),
        (DV_UPDATE, 500, "0x80044150", "Generic SQL error.", "passing", None),
        (DV_UPDATE, 429, "0x80072322", "Number of requests exceeded the limit", "passing", None),
        (DV_UPDATE, 502, "", "status 502", "passing", None),
        (DV_UPDATE, 500, "0x80040224", "A plug-in crashed.", "invalid", None),
        (
            DV_UPDATE,
            400,
            "0x80044331",
            "The length of the 'lastname' attribute of the 'contact' entity exceeded the maximum allowed length.",
            "invalid",
            "lastname",
        ),
        (
            DV_UPDATE,
            400,
            "0x80048d19",
            "An undeclared property 'parentcustomerid_account' which only has property annotations",
            "invalid",
            "parentcustomerid",
        ),
    ],
)
def test_what_dataverse_means(
    write: Write, status: int, code: str, message: str, kind: str, column: str | None
) -> None:
    refused = dataverse_errors.refusal_of(WireError(status, code, message), CONTACT, write, WHO)
    assert (refused.kind, refused.column, refused.code, refused.status) == (kind, column, code, status)
    assert (WHO in refused.message) is (kind == RefusalKind.FORBIDDEN)


@pytest.mark.parametrize(
    ("failure_of", "status", "code", "expected", "says"),
    [
        (business_central_errors.failure_of, 400, "SkipTokenIsNoLongerValid", FeedExpired, "pages"),
        (
            business_central_errors.failure_of,
            401,
            "Authentication_InvalidCredentials",
            NeedsPerson,
            "Entra Applications",
        ),
        (business_central_errors.failure_of, 404, "", NeedsPerson, "no such company"),
        (business_central_errors.failure_of, 302, "", NeedsPerson, "Check the address"),
        (business_central_errors.failure_of, 400, "BadRequest", NeedsPerson, "refuses the request"),
        (business_central_errors.failure_of, 400, "", NeedsPerson, "a proxy or firewall between the app and Business"),
        (business_central_errors.failure_of, 423, "", Passing, "busy"),
        (business_central_errors.failure_of, 500, "Internal_ServerError", Passing, "busy"),
        (dataverse_errors.failure_of, 400, "0x80044352", FeedExpired, "forgotten"),
        (dataverse_errors.failure_of, 410, "", FeedExpired, "forgotten"),
        (dataverse_errors.failure_of, 403, "0x80072560", NeedsPerson, "Application users, and add application 1111"),
        (dataverse_errors.failure_of, 403, "0x80042F09", NeedsPerson, "a security role, and enable it"),
        (dataverse_errors.failure_of, 403, "0x80040220", NeedsPerson, "organization-wide read"),
        (dataverse_errors.failure_of, 404, "0x8006088a", NeedsPerson, "no such address"),
        (dataverse_errors.failure_of, 400, "", NeedsPerson, "a proxy or firewall between the app and Dataverse"),
        (dataverse_errors.failure_of, 423, "", Passing, "busy"),
        (dataverse_errors.failure_of, 500, "0x80044151", Passing, "busy"),
    ],
)
def test_what_ends_a_run(failure_of: object, status: int, code: str, expected: type[SyncFailure], says: str) -> None:
    assert callable(failure_of)
    failure = failure_of(WireError(status, code, "text"), WHO)
    assert type(failure).__mro__[1] is expected or type(failure) is expected
    assert says in str(failure)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b'{"error":{"code":"X","message":"No.  CorrelationId:  2c074c12-1644-4f2c-befb-efd681f5a595."}}', "X", "No."),
        (b'{"error":{"code":"","message":null}}', "", "status 500"),
        (b'{"error":"text"}', "", 'status 500: {"error":"text"}'),
        (b"<html><body>Bad  gateway</body></html>", "", "status 500: Bad gateway"),
        (b"", "", "status 500 without a message"),
        (b"\xff\xfe", "", "status 500: \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"),
        (None, "", "status 500 without a message"),
    ],
)
def test_an_error_of_any_shape_becomes_a_sentence(body: object, code: str, message: str) -> None:
    error = error_from(500, {}, body)
    assert (error.code, error.message) == (code, message)


_DAY = 24 * 3600


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("0.5", 0.5),
        ("Wed, 01 Jan 2020 12:00:30 GMT", 30),
        ("Fri, 01 Jan 2100 00:00:00 GMT", _DAY),
        ("99999999999999999999", _DAY),
    ],
)
def test_retry_after_is_seconds_or_a_date_of_the_services_clock(header: str, seconds: float) -> None:
    assert wait_of({"Retry-After": header, "Date": "Wed, 01 Jan 2020 12:00:00 GMT"}) == seconds


def test_a_date_without_the_services_clock_is_one_of_ours() -> None:
    assert wait_of({"Retry-After": format_datetime(datetime.now(UTC) + timedelta(seconds=60))}) == pytest.approx(
        60, abs=2
    )


@pytest.mark.parametrize("header", [None, "", "soon", "nan", "inf", "0", "-3", "Wed, 01 Jan 2020 00:00:00 GMT"])
def test_a_retry_after_that_names_no_time_to_come_is_none(header: str | None) -> None:
    assert wait_of({"Retry-After": header} if header is not None else {}) is None


def test_links_lose_their_host_and_nothing_else() -> None:
    link = "https://org.crm4.dynamics.com/api/data/v9.2/accounts?$select=name&$deltatoken=919058%2108%2f22%2f2017"
    assert path_of(link) == "/api/data/v9.2/accounts?$select=name&$deltatoken=919058%2108%2f22%2f2017"
