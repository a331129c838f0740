"""Refusals with the server's status, code and text (page "Troubleshooting REST API and OData calls")."""

from __future__ import annotations

from uuid import uuid4


class ApiError(Exception):
    """A refusal. `code` None: the answer has no body at all."""

    def __init__(self, status: int, code: str | None, message: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def body(self) -> dict[str, object] | None:
        """The JSON body; every call gets a correlation id of its own."""
        if self.code is None:
            return None
        return {"error": {"code": self.code, "message": f"{self.message}  CorrelationId:  {uuid4()}."}}


def bad_request(message: str, code: str = "BadRequest") -> ApiError:
    """400, malformed or impossible."""
    return ApiError(400, code, message)


def business_rule(message: str) -> ApiError:
    """400, a rule of the application said no."""
    return ApiError(400, "Application_DialogException", message)


def field_error(message: str) -> ApiError:
    """400, a field must have or must not have a value."""
    return ApiError(400, "Application_FieldValidationException", message)


def no_route() -> ApiError:
    """404 without a body: nothing is at this address."""
    return ApiError(404, None)


def no_segment(name: str) -> ApiError:
    """404, the address is well-formed and leads nowhere."""
    return ApiError(404, "BadRequest_ResourceNotFound", f"Resource not found for the segment '{name}'.")


def query_syntax() -> ApiError:
    """404, a key cannot be read."""
    return ApiError(404, "BadRequest_NotFound", "Bad Request - Error in query syntax.")


def not_allowed(method: str, name: str) -> ApiError:
    """405, the set exists and does not take this method."""
    return ApiError(405, "BadRequest_MethodNotAllowed", f"Entity '{name}' does not support the method '{method}'.")


def not_implemented(message: str) -> ApiError:
    """501, valid OData that the server does not do."""
    return ApiError(501, "BadRequest_MethodNotImplemented", message)


def no_property(name: str, entity: str) -> ApiError:
    """400, the entity has no such property."""
    return bad_request(f"Could not find a property named '{name}' on type 'Microsoft.NAV.{entity}'.")


def read_only(name: str) -> ApiError:
    """400, the property cannot be written."""
    return bad_request(f"Control '{name}' is read-only.", "BadRequest_InvalidOperation")


def too_long(length: int, allowed: int, value: str) -> ApiError:
    """400, longer than the field; nothing is cut."""
    text = f"The length of the string is {length}, but it must be less than or equal to {allowed} characters."
    return ApiError(400, "Application_StringExceededLength", f"{text} Value: {value}")


def no_related(caption: str, table: str, value: object, related: str) -> ApiError:
    """400, the value is not in the related table."""
    text = f"The field {caption} of table {table} contains a value ({value})"
    return ApiError(
        400, "Internal_InvalidTableRelation", f"{text} that cannot be found in the related table ({related})."
    )


def same_key(table: str, caption: str, key: str) -> ApiError:
    """400 (not 409), the key is taken."""
    text = f"The record in table {table} already exists. Identification fields and values: {caption}='{key}'"
    return ApiError(400, "Internal_EntityWithSameKeyExists", text)


def entity_changed() -> ApiError:
    """409, the tag is stale."""
    return ApiError(409, "Request_EntityChanged", "Another user has already changed the record.")


def wrong_tag() -> ApiError:
    """400, If-Match is missing or cannot be read."""
    return bad_request("The request header contains an invalid or missing If-Match value.", "BadRequest_InvalidToken")
