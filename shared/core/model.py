"""The base of all configuration that people edit."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A piece of configuration: frozen, and a member it does not know is an error that names it.

    Its validator is built when it is first used: a cold start does not pay for it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
