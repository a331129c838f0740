"""App settings: where they come from, and how bindings refer to them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, MutableMapping
from pathlib import Path

from infra.local.functions_host.errors import AppError

SETTINGS_FILE = "local.settings.json"
_REFERENCE = re.compile(r"%([^%\s]+)%")


def read_settings_file(path: Path) -> dict[str, str]:
    """The `Values` of a local.settings.json; none without such a file. Raises AppError when it cannot be read."""
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        values = content.get("Values") or {}
    except (ValueError, AttributeError) as error:
        raise AppError(f"{path.name} is not valid JSON: {error}") from error
    if content.get("IsEncrypted"):
        raise AppError(f"{path.name} is encrypted: decrypt it with 'func settings decrypt'.")
    for name, value in values.items():
        if not isinstance(value, str):
            raise AppError(f"{path.name}: the value of {name} must be a string.")
    return dict(values)


def parse_assignments(assignments: Iterable[str]) -> dict[str, str]:
    """`NAME=VALUE` texts as a mapping. Raises AppError when one has no name."""
    settings = {}
    for assignment in assignments:
        name, separator, value = assignment.partition("=")
        if not (name and separator):
            # The text itself is not repeated: it may be a secret with its name left out.
            raise AppError("--set needs NAME=VALUE.")
        settings[name] = value
    return settings


def apply_settings(
    file_values: Mapping[str, str], overrides: Mapping[str, str], environment: MutableMapping[str, str] = os.environ
) -> None:
    """Put the app settings into the environment: overrides win, then what is there already, then the file.

    Source of the order: Code and test Azure Functions locally (Core Tools leave a variable that is already set).
    """
    for name, value in file_values.items():
        environment.setdefault(name, value)
    environment.update(overrides)


def resolve(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """The text with every `%NAME%` replaced by that app setting. Raises AppError for a setting that does not exist."""

    def value_of(reference: re.Match[str]) -> str:
        name = reference[1]
        if name not in environment:
            raise AppError(f"'%{name}%' does not resolve to a value: there is no app setting {name}.")
        return environment[name]

    return _REFERENCE.sub(value_of, text)
