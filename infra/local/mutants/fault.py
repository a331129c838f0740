"""A planted fault: one line of the product, changed as somebody in a hurry might change it."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path


class Stale(Exception):
    """The product's text moved on and the fault can no longer be planted; the message names it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One slip: in `file` (below `shared/`) the text `old`, which stands there just once, becomes `new`.

    `harm` is what people would suffer from it.
    """

    name: str
    file: str
    old: str
    new: str
    harm: str

    @property
    def path(self) -> str:
        """The file below the project's folder."""
        return f"shared/{self.file}"

    def planted_in(self, root: Path) -> str:
        """The whole file with the fault in it. Raises Stale."""
        text = self._text(root)
        if (found := text.count(self.old)) != 1:
            raise Stale(f"{self.name}: its text occurs {found} times in {self.path}, not once: {self.old.strip()!r}")
        return text.replace(self.old, self.new)

    def plant(self, root: Path) -> None:
        """Put the fault into the copy of the project in `root`. Raises Stale."""
        text = self.planted_in(root)
        (root / self.path).write_text(text, encoding="utf-8", newline="\n")

    def difference(self, root: Path) -> str:
        """The fault as a unified diff against the project in `root`."""
        before, after = (text.splitlines() for text in (self._text(root), self.planted_in(root)))
        return "\n".join(unified_diff(before, after, self.path, f"{self.path} ({self.name})", lineterm="", n=2))

    def _text(self, root: Path) -> str:
        try:
            return (root / self.path).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise Stale(f"{self.name}: there is no file {self.path}") from None
