"""Looking through all that the parts of a stack have written for what must not stand there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

LONGEST_LINE = 2000  # characters; a whole record would be longer, or is found by its values


def secrets(settings: Mapping[str, str]) -> list[str]:
    """Whatever in the settings of a stack opens something: tokens, and the keys in connection strings."""
    fixed = [value for name, value in settings.items() if name.endswith(("_TOKEN", "_SECRET"))]
    parts = [part for value in settings.values() for part in value.split(";")]
    return fixed + [part.partition("=")[2] for part in parts if part.startswith(("AccountKey=", "SharedAccessKey="))]


def leaks(folder: Path, planted: Collection[str]) -> list[str]:
    """Every line of any log that holds something planted, or is as long as a whole record."""
    return [
        f"{file.name}:{number}: {line[:300]}"
        for file in sorted(folder.glob("*.log"))
        for number, line in enumerate(_lines(file), start=1)
        if len(line) > LONGEST_LINE or any(text in line for text in planted)
    ]


def _lines(file: Path) -> Iterable[str]:
    return file.read_text("utf-8", errors="replace").splitlines()
