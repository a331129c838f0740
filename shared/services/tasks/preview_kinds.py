"""What a preview looks at, how far it has come, and what carrying it out has to do."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.core.damage import Damage
from shared.core.effects import Effect, PreviewKind
from shared.core.full_run import FullRun
from shared.core.mapping import Mapping
from shared.core.sides import Side
from shared.core.sync_choice import SyncChoice
from shared.services.repositories.documents import Shape


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to see: what would be done, by which choice, and how a full synchronization goes.

    `fields` are the sides whose values are used, by field, where that is chosen for each.
    """

    what: PreviewKind
    choice: SyncChoice | None = None
    fields: dict[str, Side] = field(default_factory=dict)
    full: FullRun | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How many pairs would meet an effect; `side` is the one that would be written to, None where there is none."""

    effect: Effect
    side: Side | None
    pairs: int


@dataclass(slots=True)
class PreviewTask:
    """Look at everything and note what would happen.

    The first `listed` parts of the run's list are the records asked for, `part` is the next of them to be looked at;
    the following `parts` hold what was found. `positions` to `sweeps_done` are how far the feeds are read, which moves
    nothing of the mapping's own. `setup` is the mapping's fingerprint: when it changes, the preview is worth nothing.
    """

    wanted: Wanted
    setup: str
    listed: int = 0
    part: int = 0
    parts: int = 0
    is_begun: bool = False
    positions: dict[Side, str | None] = field(default_factory=dict)
    finished: list[Side] = field(default_factory=list)
    retried: bool = False
    sweep_dataverse: bool = False
    next_sweep_at: datetime | None = None
    sweeps_done: int = 0
    looked_at: int = 0
    counts: list[Count] = field(default_factory=list)
    damage: Damage = field(default_factory=Damage)
    complaint: str = ""


@dataclass(slots=True)
class CarryOutTask:
    """Do what a preview has listed, part by part, where nothing has moved since.

    `preview` is the preview's run. `todo` is what is left of the part before `part`, `left` what has to wait for a busy
    service, once it has been `waited` for. `begun` are the pairs (BC id, Dataverse id) that are being uncoupled.
    """

    preview: str
    part: int
    end: int
    setup: str
    wanted: Wanted
    todo: list[dict[str, Any]] = field(default_factory=list)
    left: list[dict[str, Any]] = field(default_factory=list)
    waited: bool = False
    begun: list[tuple[str, str]] = field(default_factory=list)


PREVIEW = Shape(PreviewTask, "preview")
CARRY_OUT = Shape(CarryOutTask, "task that carries out a preview")


def setup_of(mapping: Mapping) -> str:
    """The fingerprint of everything that a mapping's decisions depend on."""
    return hashlib.sha256(mapping.model_dump_json().encode()).hexdigest()[:32]
