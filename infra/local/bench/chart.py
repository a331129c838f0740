"""The chart of a run: for each case the seconds of the ideal, of the app and of the loop, on a logarithmic scale."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

type Document = Mapping[str, Any]

WIDTH, LEFT, RIGHT, TOP = 960, 250, 90, 96
BAR, GAP, BETWEEN = 15, 3, 20
LEAST = 0.1  # seconds at the left edge
KINDS = (("ideal", "the ideal: the shortest time that limits and latencies allow"), ("app", "this app"))
LOOP = ("loop", "a loop: one read and one write for each record")

_STYLE = """
    .paper { fill: #ffffff; } .title { fill: #17202e; font-weight: 600; font-size: 17px; } .text { fill: #3c4757; }
    .small { fill: #5a6678; font-size: 12.5px; } .grid { stroke: #dfe4ec; } .ideal { fill: #9aa5b5; }
    .app { fill: #2a8a82; } .loop { fill: #c9673a; }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #10151d; } .title { fill: #e8edf4; } .text { fill: #c4cddb; } .small { fill: #9aa8bb; }
      .grid { stroke: #2b3542; } .ideal { fill: #6f7c8f; } .app { fill: #4fb8ae; } .loop { fill: #e08a5d; }
    }
"""


def chart(document: Document) -> str:
    """The picture, from the JSON of a run."""
    cases = [case for case in document["cases"] if case["ideal"]["seconds"]]
    most = max((_loop(case) or case["seconds"] for case in cases), default=1.0)
    last = math.ceil(math.log10(max(most, 1.0)))
    height = TOP + len(cases) * (3 * (BAR + GAP) + BETWEEN) + 30
    lines = [*_head(document, height), *_grid(last, height)]
    for place, case in enumerate(cases):
        lines += _case(case, TOP + place * (3 * (BAR + GAP) + BETWEEN), last)
    return "\n".join([*lines, "</svg>", ""])


def _head(document: Document, height: int) -> list[str]:
    told = f"Seconds for {document['records']:,} customers, by case"
    about = "For each case three bars on a logarithmic scale: the ideal, this app, and a loop over the records."
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        'aria-labelledby="title description" '
        "font-family=\"'Segoe UI', system-ui, -apple-system, 'Helvetica Neue', Arial, sans-serif\" font-size=\"14\">",
        f'  <title id="title">{escape(told)}</title>',
        f'  <desc id="description">{escape(about)}</desc>',
        f"  <style>{_STYLE}  </style>",
        f'  <rect class="paper" width="{WIDTH}" height="{height}"/>',
        f'  <text class="title" x="24" y="34">{escape(told)}</text>',
    ]
    at = 24
    for name, text in (*KINDS, LOOP):
        lines.append(f'  <rect class="{name}" x="{at}" y="52" width="12" height="12" rx="2"/>')
        lines.append(f'  <text class="small" x="{at + 18}" y="62.5">{escape(text)}</text>')
        at += 60 + round(len(text) * 6.1)
    return lines


def _grid(last: int, height: int) -> list[str]:
    lines = []
    for power in range(round(math.log10(LEAST)), last + 1):
        x = _x(10.0**power, last)
        lines.append(f'  <line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 12}" y2="{height - 28}"/>')
        text = f"{10.0**power:,.1f} s" if power < 0 else f"{10**power:,} s"
        lines.append(f'  <text class="small" x="{x:.1f}" y="{height - 12}" text-anchor="middle">{text}</text>')
    return lines


def _case(case: Document, top: int, last: int) -> list[str]:
    times: Sequence[tuple[str, float | None]] = (
        ("ideal", case["ideal"]["seconds"]),
        ("app", case["seconds"]),
        ("loop", _loop(case)),
    )
    middle = top + 1.5 * (BAR + GAP) + 3
    lines = [f'  <text class="text" x="{LEFT - 14}" y="{middle:.1f}" text-anchor="end">{escape(case["title"])}</text>']
    for place, (kind, seconds) in enumerate(times):
        if seconds is None:
            continue
        y, width = top + place * (BAR + GAP), max(2.0, _x(seconds, last) - LEFT)
        lines.append(f'  <rect class="{kind}" x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2"/>')
        shown = f"{seconds:,.2f} s" if seconds < 10 else f"{seconds:,.0f} s"
        lines.append(f'  <text class="small" x="{LEFT + width + 6:.1f}" y="{y + 12}">{shown}</text>')
    return lines


def _loop(case: Document) -> float | None:
    return None if case["loop"] is None else float(case["loop"]["seconds"])


def _x(seconds: float, last: int) -> float:
    share = math.log10(max(seconds, LEAST) / LEAST) / (last - math.log10(LEAST))
    return LEFT + share * (WIDTH - LEFT - RIGHT)
