"""The triggers, one file per family. A trigger parses, calls one use case and shapes the answer; no rule lives here."""

from __future__ import annotations

from functions import (
    configuration,
    connections,
    couplings,
    description,
    error_actions,
    errors,
    field_mappings,
    full_synchronization,
    health,
    job_log,
    mappings,
    matching,
    messages,
    notifications,
    previews,
    records,
    schedules,
    synchronization,
    tables,
)
from functions.jobs import jobs_blueprint
from functions.timers import timers_blueprint

BLUEPRINTS = (timers_blueprint, jobs_blueprint)
"""What is triggered by time and queue."""

OPERATIONS = (
    *health.OPERATIONS,
    *connections.OPERATIONS,
    *mappings.OPERATIONS,
    *field_mappings.OPERATIONS,
    *tables.OPERATIONS,
    *configuration.OPERATIONS,
    *schedules.OPERATIONS,
    *synchronization.OPERATIONS,
    *job_log.OPERATIONS,
    *full_synchronization.OPERATIONS,
    *previews.OPERATIONS,
    *errors.OPERATIONS,
    *error_actions.OPERATIONS,
    *couplings.OPERATIONS,
    *matching.OPERATIONS,
    *records.OPERATIONS,
    *messages.OPERATIONS,
    *notifications.OPERATIONS,
    *description.OPERATIONS,
)
"""What is triggered by HTTP, in the order of the documentation."""
