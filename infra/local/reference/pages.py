"""Every generated page by its file name in docs/."""

from __future__ import annotations

import json
from pathlib import Path

from functions.api.openapi import document
from functions.routes import operations
from infra.local.reference.http_page import http_page
from infra.local.reference.mappings_page import mappings_page
from infra.local.reference.reasons_page import reasons_page
from infra.local.reference.rules_page import rules_page
from infra.local.reference.settings_page import settings_page

DOCS = Path(__file__).resolve().parents[3] / "docs"
NOTE = "<!-- Written by `python -m infra.local.reference`; change its source, not this page. -->\n\n"


def pages() -> dict[str, str]:
    """The text of each page as it must be now."""
    made = {
        "settings.md": settings_page(),
        "mappings.md": mappings_page(),
        "rules.md": rules_page(),
        "reasons.md": reasons_page(),
    }
    return {name: NOTE + text for name, text in made.items()} | {"http.md": _http(), "openapi.json": _openapi()}


def _http() -> str:
    return http_page((DOCS / "http.md").read_text("utf-8"))


def _openapi() -> str:
    return json.dumps(document(operations()), indent=2, ensure_ascii=False) + "\n"
