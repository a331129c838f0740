"""What is triggered by HTTP: every address and the function that answers there, in the order of the documentation.

The app starts with this table alone. What a function takes and answers, and who may call it, is declared at the
function itself and read when it is first called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.api.route import Route, operation_at

if TYPE_CHECKING:
    from functions.api.operation import Operation

ROUTES = (
    Route("GET", "health", "health", "health"),
    Route("GET", "connections", "connections", "list_connections"),
    Route("GET", "mappings", "mappings", "list_mappings"),
    Route("GET", "mappings/{mapping}", "mappings", "get_mapping"),
    Route("POST", "mappings", "mappings", "create_mapping"),
    Route("PUT", "mappings/{mapping}", "mappings", "replace_mapping"),
    Route("PATCH", "mappings/{mapping}", "mappings", "change_mapping"),
    Route("DELETE", "mappings/{mapping}", "mappings", "delete_mapping"),
    Route("POST", "mappings/{mapping}/default-setup", "mappings", "use_default_setup"),
    Route("POST", "default-setup", "mappings", "use_default_setups"),
    Route("GET", "mappings/{mapping}/fields", "field_mappings", "list_lines"),
    Route("GET", "mappings/{mapping}/fields/{line}", "field_mappings", "get_line"),
    Route("POST", "mappings/{mapping}/fields", "field_mappings", "add_line"),
    Route("PATCH", "mappings/{mapping}/fields/{line}", "field_mappings", "change_line"),
    Route("DELETE", "mappings/{mapping}/fields/{line}", "field_mappings", "delete_line"),
    Route("GET", "tables", "tables", "list_tables"),
    Route("GET", "tables/{side}/{table}", "tables", "get_table"),
    Route("POST", "mappings/{mapping}/refresh-fields", "tables", "refresh_fields"),
    Route("GET", "configuration", "configuration", "export_configuration"),
    Route("POST", "configuration/import", "configuration", "import_configuration"),
    Route("GET", "configuration/changes", "configuration", "list_configuration_changes"),
    Route("GET", "schedule", "schedules", "schedule"),
    Route("POST", "mappings/{mapping}/pause", "schedules", "pause_mapping"),
    Route("POST", "mappings/{mapping}/resume", "schedules", "resume_mapping"),
    Route("POST", "pause", "schedules", "pause_all"),
    Route("POST", "resume", "schedules", "resume_all"),
    Route("POST", "records/hold", "schedules", "hold_records"),
    Route("POST", "records/release", "schedules", "release_records"),
    Route("GET", "records/held", "schedules", "list_held_records"),
    Route("POST", "mappings/{mapping}/synchronize", "synchronization", "synchronize_mapping"),
    Route("POST", "synchronize", "synchronization", "synchronize_all"),
    Route("GET", "jobs", "synchronization", "list_jobs"),
    Route("GET", "jobs/{id}", "synchronization", "get_job"),
    Route("GET", "records/log", "job_log", "record_log"),
    Route("GET", "jobs/{id}/errors", "job_log", "list_errors_of_job"),
    Route("POST", "jobs/delete-older", "job_log", "delete_older_jobs"),
    Route("GET", "full-synchronization", "full_synchronization", "review_full_synchronization"),
    Route("POST", "full-synchronization", "full_synchronization", "start_full_synchronization"),
    Route("GET", "full-synchronization/{mapping}", "full_synchronization", "get_full_synchronization"),
    Route("POST", "full-synchronization/{mapping}/start", "full_synchronization", "start_full_synchronization_line"),
    Route(
        "POST", "full-synchronization/{mapping}/restart", "full_synchronization", "restart_full_synchronization_line"
    ),
    Route(
        "POST", "full-synchronization/{mapping}/exclude", "full_synchronization", "exclude_from_full_synchronization"
    ),
    Route("POST", "full-synchronization/{mapping}/answer", "full_synchronization", "answer_full_synchronization"),
    Route("POST", "mappings/{mapping}/full-synchronize", "full_synchronization", "synchronize_mapping_in_full"),
    Route("POST", "previews", "previews", "request_preview"),
    Route("GET", "previews/{id}", "previews", "get_preview"),
    Route("GET", "previews/{id}/table", "previews", "get_preview_table"),
    Route("POST", "previews/{id}/carry-out", "previews", "carry_out_preview"),
    Route("GET", "errors", "errors", "list_errors"),
    Route("GET", "errors/causes", "errors", "list_causes"),
    Route("POST", "errors/retry", "error_actions", "retry_errors"),
    Route("POST", "errors/retry-all", "error_actions", "retry_all_errors"),
    Route("POST", "errors/synchronize", "error_actions", "synchronize_errors"),
    Route("POST", "errors/restore", "error_actions", "restore_records"),
    Route("POST", "errors/delete-records", "error_actions", "delete_records"),
    Route("POST", "errors/delete-couplings", "error_actions", "delete_couplings"),
    Route("POST", "errors/set-up-coupling", "error_actions", "set_up_coupling"),
    Route("POST", "mappings/{mapping}/find-deleted", "error_actions", "find_deleted"),
    Route("POST", "find-deleted", "error_actions", "find_all_deleted"),
    Route("GET", "candidates", "couplings", "find_candidates"),
    Route("POST", "couple", "couplings", "couple"),
    Route("POST", "uncouple", "couplings", "uncouple"),
    Route("POST", "match-coupling", "matching", "match_coupling"),
    Route("GET", "jobs/{id}/unmatched", "matching", "list_unmatched"),
    Route("POST", "match-coupling/preview", "matching", "preview_match_coupling"),
    Route("GET", "suggestions", "matching", "suggest_couplings"),
    Route("GET", "sync-now/options", "records", "sync_now_options"),
    Route("POST", "sync-now", "records", "sync_now"),
    Route("POST", "ribbon/{table}/{id}", "records", "ribbon"),
    Route("GET", "open/{table}/{id}", "records", "open_in_business_central"),
    Route("POST", "open/{table}/{id}", "records", "create_in_business_central"),
    Route("GET", "messages/dead", "messages", "list_dead_messages"),
    Route("POST", "messages/dead/{id}/resubmit", "messages", "resubmit_dead_message"),
    Route("POST", "messages/dead/resubmit", "messages", "resubmit_dead_messages"),
    Route("GET", "notifications", "notifications", "list_notifications"),
    Route("POST", "notifications/test", "notifications", "send_test_notification"),
    Route("GET", "openapi.json", "description", "openapi"),
)


def operations() -> tuple[Operation, ...]:
    """All of them as they are declared. It imports every module of this package: only documentation needs that."""
    return tuple(operation_at(route) for route in ROUTES)
