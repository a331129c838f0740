"""The refusals of the service: status, code and text (page "Web service error codes" and the Web API pages)."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """What the service answers instead of doing the work."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}

    @property
    def body(self) -> dict[str, Any]:
        """The JSON body of the refusal."""
        return {"error": {"code": self.code, "message": self.message}}


def no_such_row(table: str, row_id: str) -> Refusal:
    """ObjectDoesNotExist."""
    return Refusal(404, "0x80040217", f"{table} With Id = {row_id} Does Not Exist")


def no_such_key(table: str) -> Refusal:
    """RecordNotFoundByEntityKey."""
    message = f"A record with the specified key values does not exist in {table} entity"
    return Refusal(404, "0x80060891", message)


def wrong_key(table: str) -> Refusal:
    """A record address with columns that are no key of the table."""
    return Refusal(
        400,
        "0x80060890",
        f"The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.{table}'. Ensure that the "
        "names and number of key properties match the declared or alternate key properties for the resource.",
    )


def no_such_segment(segment: str) -> Refusal:
    """A path that leads nowhere; names are case-sensitive."""
    return Refusal(404, "0x8006088a", f"Resource not found for the segment '{segment}'.")


def no_such_method(path: str) -> Refusal:
    """The right path with a method that it does not have."""
    return Refusal(404, "", f"No HTTP resource was found that matches the request URI '{path}'.")


def not_supported_method(method: str) -> Refusal:
    """A method that makes no sense for the resource."""
    return Refusal(405, "0x8006088a", f"The requested resource does not support http method '{method}'.")


def no_such_property(name: str, table: str) -> Refusal:
    """An unknown property in a query."""
    return Refusal(400, "0x0", f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{table}'.")


def wrong_query(message: str) -> Refusal:
    """A query option that cannot be read."""
    return Refusal(400, "0x0", message)


def not_allowed(message: str) -> Refusal:
    """A query or an address that is well formed and not allowed."""
    return Refusal(400, "0x80060888", message)


def wrong_payload(set_name: str, why: str) -> Refusal:
    """A body that does not fit the table."""
    return Refusal(
        400,
        "0x80048d19",
        f"Error identified in Payload provided by the user for Entity :'{set_name}', For more information on this "
        f"error please follow this help link https://go.microsoft.com/fwlink/?linkid=2195293  ---->  "
        f"InnerException : Microsoft.OData.ODataException: {why}",
    )


def wrong_argument(message: str) -> Refusal:
    """InvalidArgument."""
    return Refusal(400, "0x80040203", message)


def existing_row() -> Refusal:
    """DuplicateRecord: the primary key is taken."""
    return Refusal(412, "0x80040237", "A record with matching key values already exists.")


def violated_key(key: str, columns: list[str], row_id: str, table: str) -> Refusal:
    """DuplicateRecordEntityKey: another row has the same values in an alternate key."""
    return Refusal(
        412,
        "0x80060892",
        f"Entity Key {key} violated. A record with the same value for {', '.join(columns)} already exists. A duplicate "
        f"record cannot be created. Select one or more unique values and try again. <DuplicateEntity>{table}:{row_id}"
        "</DuplicateEntity>",
    )


def version_mismatch() -> Refusal:
    """ConcurrencyVersionMismatch."""
    return Refusal(
        412, "0x80060882", "The version of the existing record doesn't match the RowVersion property provided."
    )


def too_long(column: str, table: str, most: int) -> Refusal:
    """StringLengthTooLong."""
    return Refusal(
        400,
        "0x80044331",
        f"A validation error occurred.  The length of the '{column}' attribute of the '{table}' entity exceeded the "
        f"maximum allowed length of '{most}'.",
    )


def out_of_range(code: str, column: str, table: str, least: object, most: object) -> Refusal:
    """IntegerValueOutOfRange or DecimalValueOutOfRange."""
    return Refusal(
        400,
        code,
        f"A validation error occurred. The value of '{column}' on record of type '{table}' is outside the valid "
        f"range. The allowed range is from '{least}' to '{most}'.",
    )


def wrong_choice(column: str, table: str, value: int) -> Refusal:
    """PicklistValueOutOfRange."""
    return Refusal(
        400,
        "0x8004431a",
        f"A validation error occurred. The value {value} of '{column}' on record of type '{table}' is outside the "
        "valid range.",
    )


def wrong_status(table: str, state: int, status: int) -> Refusal:
    """InvalidStateCodeStatusCode."""
    return Refusal(400, "0x80048408", f"{status} is not a valid status code for state code {state} on {table}.")


def missing_privilege(user: str, right: str, table: str) -> Refusal:
    """PrivilegeDenied."""
    privilege = f"prv{right.capitalize()}{table.capitalize()}"
    return Refusal(
        403,
        "0x80040220",
        f"Principal user (Id={user}, type=8, roleCount=1) is missing {privilege} privilege on entity '{table}'.",
    )


def unsupported_message(message: str, table: str) -> Refusal:
    """A bulk message that the table does not have."""
    return Refusal(400, "0x80040800", f"The '{message}' method does not support entities of type '{table}'.")
