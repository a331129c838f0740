"""The triggers, one file per family. A trigger parses, calls one use case and shapes the answer; no rule lives here."""

from __future__ import annotations

from functions import couplings, description, errors, health, mappings, matching, messages, records, synchronization
from functions.jobs import jobs_blueprint
from functions.timers import timers_blueprint

BLUEPRINTS = (timers_blueprint, jobs_blueprint)
"""What is triggered by time and queue."""

OPERATIONS = (
    *health.OPERATIONS,
    *mappings.OPERATIONS,
    *synchronization.OPERATIONS,
    *errors.OPERATIONS,
    *couplings.OPERATIONS,
    *matching.OPERATIONS,
    *records.OPERATIONS,
    *messages.OPERATIONS,
    *description.OPERATIONS,
)
"""What is triggered by HTTP, in the order of the documentation."""
