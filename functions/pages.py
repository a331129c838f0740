"""The one page that people see in a browser: about a row that has no record in Business Central yet."""

from __future__ import annotations

from html import escape

from shared.services.forms.synchronize_now import RibbonAnswer, RibbonOutcome

HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
"""Nothing is loaded, no script runs, and no other site may show the page within its own and have its button pressed."""

_FRAME = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Business Central</title>
<style>body {{ font: 1rem/1.5 sans-serif; margin: 4rem auto; max-width: 40rem; padding: 0 1rem }}</style></head>
<body><h1>{name}</h1>{text}</body>
</html>
"""
_BUTTON = '<form method="post"><button type="submit">Couple or create in Business Central</button></form>'
_AGAIN = '<p><a href="">Look again</a></p>'


def page_about(answer: RibbonAnswer) -> str:
    """The page: what is to be done, by a button where it can be done."""
    row = answer.dataverse
    name = (row.title or row.number or row.id) if row is not None else ""
    return _FRAME.format(name=escape(name), text=_text(answer))


def _text(answer: RibbonAnswer) -> str:
    match answer.outcome:
        case RibbonOutcome.POSSIBLE:
            return f"<p>This row is not coupled with a record in Business Central yet.</p>{_BUTTON}"
        case RibbonOutcome.SCHEDULED:
            return f"<p>The record is being created in Business Central.</p>{_AGAIN}"
        case RibbonOutcome.FAILED:
            job = escape(answer.job.id) if answer.job is not None else ""
            return f"<p>No record could be coupled or created in Business Central; job {job} tells why.</p>{_AGAIN}"
    refusal = answer.refusal
    return f"<p>{escape(refusal.message)}</p><p>{escape(refusal.remedy)}</p>" if refusal is not None else ""
