"""A preview as a page for people: what would happen, in one table."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from itertools import chain
from urllib.parse import urlencode

from shared.core.effects import Effect
from shared.services.forms.base import RecordName
from shared.services.forms.previews import PlannedAnswer, PreviewCount, PreviewPage

_WORDS = {
    Effect.CREATE: "Create",
    Effect.UPDATE: "Update",
    Effect.RESTORE: "Restore",
    Effect.COUPLE: "Couple",
    Effect.UNCOUPLE: "Delete coupling",
    Effect.DELETE: "Delete record",
    Effect.CONFLICT: "Conflict",
    Effect.WAIT: "Waits",
    Effect.ERROR: "Error",
}
_MANY = {Effect.CONFLICT: "conflicts", Effect.WAIT: "wait", Effect.ERROR: "errors"}
"""Of several pairs; what is done to them is the same word."""
_COLUMNS = ("What", "Business Central", "Dataverse", "Values", "Why")
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Preview of {mapping}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 0.95rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ border-bottom: 1px solid #8884; padding: 0.35rem 0.6rem; text-align: left; vertical-align: top }}
th {{ position: sticky; top: 0; background: Canvas }}
td {{ overflow-wrap: anywhere; min-width: 7rem }}
del {{ opacity: 0.6 }} ins {{ text-decoration: none; font-weight: 600 }}
del, ins {{ white-space: pre-wrap }}
.counts {{ display: flex; flex-wrap: wrap; gap: 0.5rem 1.5rem; padding: 0; list-style: none }}
.warning {{ border-left: 4px solid #c50; padding: 0.2rem 0.8rem }}
@media (max-width: 50rem) {{
  thead {{ display: none }}
  tr {{ display: block; border-bottom: 1px solid #8884; padding: 0.5rem 0 }}
  td {{ display: block; border: 0; padding: 0.1rem 0 }}
  td:empty {{ display: none }}
  td[data-column]::before {{ content: attr(data-column) ": "; opacity: 0.6 }}
}}
</style></head>
<body><h1>What would happen in {mapping}</h1>
<p>Nothing of this has been done. {state}</p>{warnings}
<ul class="counts">{counts}</ul>
<table><thead><tr>{head}</tr></thead>
<tbody>{rows}</tbody></table>{more}</body>
</html>
"""


def page_of(found: PreviewPage, onward: Mapping[str, str | int | None]) -> str:
    """The page. Everything that comes from a record is escaped. `onward` is the query that leads to more of it."""
    warnings = [found.guard] if found.guard else []
    if found.outdated:
        warnings.append("The mapping has been changed since: this can be looked at, not carried out.")
    return _PAGE.format(
        mapping=escape(found.mapping),
        state=escape(_state(found)),
        warnings="".join(f'<p class="warning">{escape(text)}</p>' for text in warnings),
        counts="".join(f"<li><strong>{count.pairs:,}</strong> {escape(_count(count))}</li>" for count in found.counts),
        head="".join(f"<th>{name}</th>" for name in _COLUMNS),
        rows="".join(_row(item) for item in found.items) or '<tr><td colspan="5">Nothing would change.</td></tr>',
        more=_more(onward) if found.continuation else "",
    )


def _more(onward: Mapping[str, str | int | None]) -> str:
    query = urlencode({name: value for name, value in onward.items() if value is not None})
    return f'<p><a href="?{escape(query)}">More</a></p>'


def _state(found: PreviewPage) -> str:
    if not found.status.ended:
        return f"The preview is {found.status}: {found.looked_at:,} pairs have been looked at so far."
    text = found.message or f"{found.looked_at:,} pairs were looked at."
    return f"{text} Where both sides changed the same field, {found.wins.product} wins." if found.wins else text


def _count(count: PreviewCount) -> str:
    where = f" in {count.side.product}" if count.side is not None else ""
    word = _WORDS[count.effect].lower() if count.pairs == 1 else _MANY.get(count.effect, _WORDS[count.effect].lower())
    return f"{word}{where}"


def _row(item: PlannedAnswer) -> str:
    where = f" in {item.side.product}" if item.side is not None else ""
    cells = (
        escape(f"{_WORDS[item.effect]}{where}"),
        _record(item.business_central),
        _record(item.dataverse),
        _values(item),
        escape(item.message or item.explanation),
    )
    shown = (f'<td data-column="{name}">{cell}</td>' for name, cell in zip(_COLUMNS, cells, strict=True))
    return f"<tr>{''.join(shown)}</tr>"


def _record(record: RecordName | None) -> str:
    return escape(" ".join(filter(None, (record.number, record.title))) or record.id) if record is not None else ""


def _values(item: PlannedAnswer) -> str:
    """Old and new of each column; of a new record the values that it gets; of a conflict both sides' values."""
    changes = (
        f"{escape(one.side.product)} {escape(one.column)}: {_old(one.old)}<ins>{escape(_shown(one.new))}</ins>"
        for one in item.values
    )
    conflicts = (
        f"{escape(one.field)}: <ins>{escape(_shown(one.business_central))}</ins> in Business Central, "
        f"<ins>{escape(_shown(one.dataverse))}</ins> in Dataverse"
        for one in item.fields
    )
    return "<br>".join(chain(changes, conflicts))


def _old(value: object) -> str:
    return f"<del>{escape(_shown(value))}</del> → " if value is not None else ""


def _shown(value: object) -> str:
    return "(blank)" if value is None else str(value)
