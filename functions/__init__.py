"""The triggers, one file per family. A trigger parses, calls one use case and shapes the answer; no rule lives here."""

from __future__ import annotations

from functions.errors import errors_blueprint
from functions.health import health_blueprint
from functions.jobs import jobs_blueprint
from functions.mappings import mappings_blueprint
from functions.synchronization import synchronization_blueprint
from functions.timers import timers_blueprint

BLUEPRINTS = (
    timers_blueprint,
    jobs_blueprint,
    synchronization_blueprint,
    mappings_blueprint,
    errors_blueprint,
    health_blueprint,
)
