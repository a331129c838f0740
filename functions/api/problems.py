"""Every problem that the API answers with: its stable code, the status, when it happens, and what helps.

A code that is raised anywhere and missing here fails a test, and so does one here that is raised nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from shared.services.forms.base import Answer


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem."""

    status: int
    code: str
    when: str
    remedy: str


class ProblemPart(Answer):
    """One of several things that are wrong."""

    code: str
    field: str
    message: str


class ProblemDetails(Answer):
    """What went wrong, as RFC 9457 has it; `code` is the stable part."""

    type: str = Field(description="Always `about:blank`: `code` says what kind it is.")
    title: str = Field(description="The status in words.")
    status: int
    code: str
    detail: str = Field(description="A sentence for people: what is wrong, and how to put it right.")
    field: str | None = Field(None, description="The member, parameter or header that is wrong.")
    remedy: str = Field("", description="What helps against this kind of problem.")
    problems: tuple[ProblemPart, ...] = Field(
        (), description="Everything that is wrong with a mapping, or with a request where it is more than one thing."
    )


KINDS = (
    Kind(
        400, "invalid_value", "a member, a parameter or a header is not what it must be", "Correct what `field` names."
    ),
    Kind(400, "invalid_json", "the body is not JSON", "Send a JSON object in UTF-8."),
    Kind(
        400,
        "unreadable_file",
        "a configuration file is no YAML, or uses of it what is not taken",
        "Correct it in the line that `detail` names.",
    ),
    Kind(
        400,
        "faulty_configuration",
        "a configuration file with something wrong in it is to be applied",
        "Correct what its preview names.",
    ),
    Kind(400, "digest_missing", "a file is to be applied without a preview", "Hand in the digest of its preview."),
    Kind(
        409,
        "configuration_moved",
        "the file or the configuration is another one than in the preview",
        "Look at a new preview.",
    ),
    Kind(
        400, "unknown_member", "the body has a member that does not exist", "Leave it out; `detail` has those that do."
    ),
    Kind(400, "unknown_parameter", "the address has a parameter that does not exist", "Leave it out."),
    Kind(400, "invalid_filter", "a filter cannot be read", "Correct it where `detail` says."),
    Kind(
        400,
        "unknown_column",
        "a filter, field or template names a column that the mapped table does not have",
        "Name one of the table's columns.",
    ),
    Kind(400, "read_only_column", "a field or template would write a column that cannot be written", "Leave it out."),
    Kind(
        400,
        "unknown_field",
        "something refers to a field mapping that does not exist",
        "Name one of those in `detail`.",
    ),
    Kind(400, "contradiction", "two members exclude each other", "Leave out one of them."),
    Kind(
        400,
        "no_field_mapping",
        "no enabled field mapping goes the direction asked for",
        "Choose another direction or enable field mappings.",
    ),
    Kind(400, "invalid_name", "the name of a mapping is none", "Choose one as `detail` says."),
    Kind(400, "no_such_table", "a service does not have the table, or its records have no id", "See `GET tables`."),
    Kind(
        400,
        "missing_modified",
        "a table has no time of modification, so nothing tells which records have changed",
        "Add `lastModifiedDateTime` to the API page, or choose another table.",
    ),
    Kind(400, "filter_refused", "the service refuses a filter", "Correct it as the service says in `detail`."),
    Kind(400, "create_only_column", "a column can be set in new records only", "Set `new_rows_only` in the line."),
    Kind(400, "incomplete_line", "a line lacks a column", "Name a column on either side, or a constant."),
    Kind(400, "constant_direction", "a constant would go both ways", "Set the direction of the line."),
    Kind(
        400, "wrong_column_count", "a line has too many or too few Dataverse columns", "Name as many as `detail` says."
    ),
    Kind(400, "constant_does_not_fit", "a column cannot hold the constant", "Choose another, as `detail` says."),
    Kind(400, "value_does_not_fit", "a column or setting cannot hold the value", "Choose another, as `detail` says."),
    Kind(400, "does_not_convert", "the values of one column cannot go to the other", "Map columns of fitting kinds."),
    Kind(400, "wrong_reference", "a lookup's columns or mapping do not fit it", "Correct what `detail` names."),
    Kind(
        400,
        "lookup_without_mapping",
        "a lookup names no mapping, or one that does not exist",
        "Name in `reference.mappings` a mapping that couples the rows it refers to.",
    ),
    Kind(400, "duplicate_line", "a mapping has the same line twice", "Keep one of them."),
    Kind(400, "column_written_twice", "two lines write the same column", "Disable one of them."),
    Kind(400, "unknown_dependency", "`depends_on` names a mapping that does not exist", "Name one that does."),
    Kind(400, "dependency_loop", "mappings wait for each other", "Break the loop that `detail` shows."),
    Kind(
        400,
        "same_tables",
        "another enabled mapping has the same tables and perhaps the same records",
        "Give both filters that exclude each other.",
    ),
    Kind(
        400,
        "column_owned_twice",
        "another enabled mapping writes the same column of perhaps the same records",
        "Disable one of the lines, or give both mappings filters that exclude each other.",
    ),
    Kind(404, "unknown_line", "the mapping has no such line", "Name one of those in `detail`."),
    Kind(409, "mapping_exists", "there is a mapping of this name already", "Choose another name, or change that one."),
    Kind(409, "mapping_being_removed", "what was kept for a mapping of this name still goes", "Try again soon."),
    Kind(409, "mapping_needed", "other mappings depend on the mapping", "Change those in `detail` first."),
    Kind(409, "mapping_busy", "a run of the mapping is on", "Try again when it has ended."),
    Kind(409, "tables_in_use", "the mapping has couplings, which belong to its tables", "Make another mapping."),
    Kind(409, "no_default_setup", "the mapping is no standard mapping", "Name one of those in `detail`."),
    Kind(400, "which_mapping", "neither or both of mapping and table are named", "Name just one of them."),
    Kind(401, "not_signed_in", "no credential is shown", "Show an Entra token or a key."),
    Kind(
        401,
        "invalid_token",
        "the token has expired, or is not from this tenant, not for this app or not signed by Entra",
        "Get a new token for this app.",
    ),
    Kind(401, "invalid_key", "there is no such key", "Show a key that the setting `API_KEYS` has."),
    Kind(403, "role_missing", "the caller lacks the app role", "Let an administrator assign the role in Entra."),
    Kind(
        403,
        "cross_site",
        "a page of another site asks in the name of the person who is signed in",
        "Ask from a page of this app, or with a token instead of the session.",
    ),
    Kind(404, "unknown_connection", "there is no connection of this name", "Name one of those in `detail`."),
    Kind(404, "unknown_mapping", "there is no mapping of this name", "Name one of those in `detail`."),
    Kind(404, "unknown_table", "no mapping, or no service, has this table", "Name one of those in `detail`."),
    Kind(404, "unknown_record", "there is no such record", "Look it up again; it may have been deleted."),
    Kind(404, "unknown_job", "there is no job or request with this id", "See `GET /api/jobs`."),
    Kind(404, "unknown_message", "there is no such dead letter", "See `GET /api/messages/dead`."),
    Kind(409, "mapping_disabled", "a disabled mapping is to be synchronized", "Enable the mapping first."),
    Kind(409, "notifications_off", "no address for notifications is set", "Set `NOTIFICATION_URL`."),
    Kind(409, "mapping_paused", "a paused mapping is to be synchronized", "Resume the mapping first."),
    Kind(409, "ambiguous_table", "several mappings have this table", "Name one of the mappings in `detail`."),
    Kind(409, "direction_forbids", "the mapping's direction forbids the choice", "Choose one that `detail` names."),
    Kind(409, "not_coupled", "none of the records named is coupled", "Name coupled records."),
    Kind(404, "unknown_preview", "there is no such preview, or it is too old to be kept", "Ask for a new one."),
    Kind(409, "preview_not_ready", "a preview is to be carried out before it is complete", "Wait for it."),
    Kind(409, "preview_outdated", "the mapping has been changed since the preview", "Look at a new preview."),
    Kind(
        409,
        "guard_tripped",
        "what is asked for would take away an implausible share of a mapping",
        "Look at the preview; say `release_guard: true` if it is right.",
    ),
    Kind(
        409,
        "full_synchronization_running",
        "a full synchronization of the mapping is on already",
        "Wait for its end; one that has been on for a day may be started again.",
    ),
    Kind(409, "nothing_to_restart", "the line was never started", "Start it."),
    Kind(
        409,
        "no_open_question",
        "the line has no open question, or it was answered",
        "Change `synch_only_coupled_records` of the mapping itself.",
    ),
    Kind(409, "no_match_fields", "the mapping has no match fields", "Name some in `match_by`."),
    Kind(
        409,
        "request_in_progress",
        "the first request with this Idempotency-Key is still on",
        "Ask again after `Retry-After` seconds.",
    ),
    Kind(
        412,
        "mapping_changed",
        "somebody else changed the mapping since it was read",
        "Read it again and decide anew.",
    ),
    Kind(413, "body_too_large", "the body is over a million bytes", "Ask for less at a time."),
    Kind(
        415,
        "not_yaml",
        "the file is declared neither as YAML nor as JSON",
        "Send the header `Content-Type: application/yaml`.",
    ),
    Kind(415, "not_json", "the body is not declared as JSON", "Send the header `Content-Type: application/json`."),
    Kind(
        422,
        "idempotency_key_reused",
        "this Idempotency-Key was used for another request",
        "Take a new key for a new request.",
    ),
    Kind(
        429,
        "too_many_tasks",
        "very many tasks wait in the mapping already",
        "Ask again after `Retry-After` seconds.",
    ),
    Kind(502, "not_delivered", "a test notification did not arrive", "See what `detail` says, and ask again."),
    Kind(500, "internal_error", "the app's fault", "Look into the app's log."),
    Kind(
        502,
        "service_refuses",
        "Business Central or Dataverse lets the app do nothing until a person acts",
        "See what `detail` says, and `GET /api/health`.",
    ),
    Kind(
        503,
        "service_unavailable",
        "Business Central or Dataverse is busy or not reachable",
        "Try again after `Retry-After` seconds.",
    ),
)
"""By status; of storage, queue and token the app's own failures answer 502 or 503 with codes of their own."""

FAILURES = (
    Kind(502, "storage_forbidden", "the storage refuses the app", "Give its identity the role that `detail` names."),
    Kind(502, "queue_forbidden", "the queue refuses the app", "Give its identity the role that `detail` names."),
    Kind(502, "queue_missing", "there is no such queue", "Create it as `detail` says."),
    Kind(502, "newer_shape", "a stored document is of a newer release", "Deploy that release again."),
    Kind(502, "stored_by_newer_release", "a stored document is of a newer release", "Deploy that release again."),
    Kind(503, "storage_unavailable", "the storage is busy or not reachable", "Try again after `Retry-After` seconds."),
    Kind(503, "queue_unavailable", "the queue is busy or not reachable", "Try again after `Retry-After` seconds."),
    Kind(503, "token", "Microsoft Entra ID is busy or not reachable", "Try again after `Retry-After` seconds."),
)
"""What storage, queue and sign-in come to when they do not work."""

BY_CODE = {kind.code: kind for kind in (*KINDS, *FAILURES)}

READING = ("invalid_value", "unknown_parameter", "unknown_connection")
ENTERING = ("not_signed_in", "invalid_token", "invalid_key", "role_missing")
CHANGING = ("cross_site",)
WITH_FILE = ("body_too_large", "not_yaml")
WITH_BODY = ("invalid_json", "unknown_member", "body_too_large", "not_json")
ONCE = ("request_in_progress", "idempotency_key_reused")
ALWAYS = ("internal_error", "service_refuses", "service_unavailable", *(kind.code for kind in FAILURES))


def remedy_of(code: str) -> str:
    """What helps; nothing for a failure whose sentence says it itself."""
    kind = BY_CODE.get(code)
    return kind.remedy if kind else ""
