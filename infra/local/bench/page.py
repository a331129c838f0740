"""docs/speed.md and docs/speed.svg, from docs/speed.json: `python -m infra.local.bench.page` writes both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.local.bench import cost, ideal, loop, memory
from infra.local.bench.chart import chart
from infra.local.bench.show import plain
from infra.local.reference.markdown import table

type Document = Mapping[str, Any]

DOCS = Path(__file__).resolve().parents[3] / "docs"
SOURCE = DOCS / "speed.json"
REMARKS = Path(__file__).with_name("remarks.json")
NOTE = "<!-- Written by `python -m infra.local.bench.page` from speed.json; change its source, not this page. -->\n\n"


def pages(document: Document) -> dict[str, str]:
    """The text of each file in docs/ as it must be for this run."""
    return {"speed.md": NOTE + page(document), "speed.svg": chart(document)}


def page(document: Document) -> str:
    """The page."""
    parts = [
        _head(document),
        _cases(document),
        _targets(document),
        *_shortfalls(document),
        "## How the cases are measured\n\n" + _method(document),
        *(_measure(one) for one in document["measures"]),
    ]
    return "\n".join(parts)


def _head(document: Document) -> str:
    latency = {name: round(seconds * 1000) for name, seconds in document["latency"].items()}
    return (
        "# Speed and cost\n\n"
        "What synchronizing asks of the two services, how long it takes and what it costs, measured by one command:\n\n"
        "```\npython3 dev.py bench --docs\n```\n\n"
        f"This run: {document['records']:,} customers on each side with every standard field mapping, "
        f"{document['machine']}, {document['made_at'][:10]}. The two simulators run as processes of their own and "
        f"take {latency['request']} ms for each request, {latency['operation']} ms for each write operation in it and "
        f"{latency['page']} ms for each page read; Table Storage takes {latency['state']} ms for each transaction. "
        "In every case both counted the same calls, and every row of both sides was compared in the end.\n\n"
        "![Seconds by case: the ideal, this app, and a loop over the records](speed.svg)\n"
    )


def _cases(document: Document) -> str:
    header = (
        *("Case", "Records", "BC calls", "per 1,000", "Dataverse calls", "per 1,000", "Seconds", "Ideal", "Loop"),
        *("Table transactions", "per 1,000", "Next run's calls"),
    )
    rows = [_case_row(case) for case in document["cases"]]
    return (
        "## Cases\n\n"
        + table(header, rows)
        + "\n*Records* are those that changed, or were created. *Next run's calls* are what the run after it asked of "
        "Business Central and Dataverse: it sees the app's own writes come back, and writes nothing.\n"
    )


def _case_row(case: Document) -> list[str]:
    def share(number: float) -> str:
        return f"{number * 1000 / case['records']:,.1f}" if case["records"] else "-"

    here, there = case["calls"]["business_central"], case["calls"]["dataverse"]
    transactions = sum(case["transactions"].values())
    return [
        case["title"],
        f"{case['records']:,}" if case["records"] else "-",
        *(f"{here:,}", share(here), f"{there:,}", share(there)),
        *(f"{case['seconds']:,.2f}", f"{case['ideal']['seconds']:,.2f}"),
        f"{case['loop']['seconds']:,.0f}" if case["loop"] else "-",
        *(f"{transactions:,}", share(transactions)),
        " + ".join(str(number) for number in case["next_run"].values()),
    ]


def _targets(document: Document) -> str:
    rows = [
        [
            "" if place else one["title"],
            target["what"],
            f"{'at least' if target['at_least'] else 'at most'} {plain(target['limit'])}",
            plain(target["measured"]),
            "yes" if target["met"] else "**no**",
        ]
        for one in (*document["cases"], *document["measures"])
        for place, target in enumerate(one["targets"])
    ]
    return "## What was to be reached\n\n" + table(("Case", "What", "To reach", "Measured", "Met"), rows)


def _shortfalls(document: Document) -> list[str]:
    """What was not reached, why, and what would be needed, as far as somebody has said so."""
    remarks = {(one["case"], one["what"]): one for one in json.loads(REMARKS.read_text("utf-8"))}
    missed = [
        (one, target, remarks.get((one["name"], target["what"])))
        for one in (*document["cases"], *document["measures"])
        for target in one["targets"]
        if not target["met"]
    ]
    lines = [
        f"- *{one['title']}*, {target['what']}: {plain(target['measured'])}."
        + (f" {remark['why']} What would be needed: {remark['needed']}" if remark else "")
        for one, target, remark in missed
    ]
    return ["## Where it falls short\n", *lines, ""] if missed else []


def _method(document: Document) -> str:
    return (
        "The app's own use cases run with its real connectors over HTTP; state is kept in a file that counts "
        "transactions as Table Storage bills them (`--storage azurite` uses the real adapter and counts the same).\n\n"
        f"{_prose(ideal)}\n{_prose(loop)}\n{_prose(memory)}\n{_prose(cost)}"
    )


def _prose(module: object) -> str:
    """What a module says of its way of measuring; its formulas stay as they are."""
    return str(module.__doc__).strip() + "\n"


def _measure(measure: Document) -> str:
    rows = [
        [name, "not measured here" if figure is None else plain(figure)] for name, figure in measure["figures"].items()
    ]
    parts = [f"## {measure['title']}\n", table(("What", "Measured"), rows)]
    for title, listed in measure["tables"].items():
        parts.append(table((title, ""), [[f"`{name}`", plain(figure)] for name, figure in listed]))
    return "\n".join([*parts, *(f"{note}\n" for note in measure["notes"])])


def write(document: Document) -> None:
    """Write the files in docs/."""
    for name, text in pages(document).items():
        (DOCS / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write(json.loads(SOURCE.read_text("utf-8")))
