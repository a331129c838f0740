"""The `Prefer` header."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache

MOST_ROWS = 5000
FORMATTED = "OData.Community.Display.V1.FormattedValue"
LOGICAL_NAME = "Microsoft.Dynamics.CRM.lookuplogicalname"
NAVIGATION = "Microsoft.Dynamics.CRM.associatednavigationproperty"
_PREFERENCE = re.compile(r'([\w.-]+)(?:\s*=\s*(?:"([^"]*)"|([^,;\s]*)))?')


@dataclass(frozen=True)
class Preferences:
    """What the client prefers, by name."""

    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def page_size(self) -> int:
        """Rows per page: what is asked for, and never more than 5000 (a larger number is ignored)."""
        size = self.values.get("odata.maxpagesize", "")
        return min(int(size), MOST_ROWS) if size.isdigit() and int(size) > 0 else MOST_ROWS

    @property
    def has_page_size(self) -> bool:
        return "odata.maxpagesize" in self.values

    @property
    def representation(self) -> bool:
        return self.values.get("return") == "representation"

    @property
    def track_changes(self) -> bool:
        return "odata.track-changes" in self.values

    @property
    def continue_on_error(self) -> bool:
        return self.values.get("odata.continue-on-error", "false") in ("", "true")

    def annotates(self, name: str) -> bool:
        """Tell whether an annotation is asked for; patterns such as `*` and `Microsoft.Dynamics.CRM.*` count."""
        wanted = self.values.get("odata.include-annotations", "")
        return any(fnmatchcase(name, pattern.strip()) for pattern in wanted.split(",") if pattern.strip())

    @cached_property
    def annotates_values(self) -> bool:
        """Tell whether any annotation of single values is asked for."""
        return any(self.annotates(name) for name in (FORMATTED, LOGICAL_NAME, NAVIGATION))

    def applied(self, *names: str) -> dict[str, str]:
        """Answer the `Preference-Applied` header for those of the names that the client asked for."""
        kept = [(name, self.values[name]) for name in names if name in self.values]
        if not kept:
            return {}
        return {"Preference-Applied": ",".join(_written(name, value) for name, value in kept)}


def _written(name: str, value: str) -> str:
    if not value:
        return name
    return f'{name}="{value}"' if name == "odata.include-annotations" else f"{name}={value}"


@lru_cache(maxsize=256)
def parse_preferences(header: str) -> Preferences:
    """Read a `Prefer` header."""
    values = {found[1]: found[2] or found[3] or "" for found in _PREFERENCE.finditer(header)}
    if values.get("odata.continue-on-error") == "":
        values["odata.continue-on-error"] = "true"
    return Preferences(values)
