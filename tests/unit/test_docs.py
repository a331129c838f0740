"""README and docs/ tell the truth: generated pages are fresh, links lead somewhere, commands and endpoints exist."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from xml.etree import ElementTree

import pytest

from functions.api.problems import FAILURES, KINDS
from infra.local.demo_company import expected
from infra.local.reference.http_page import http_page
from infra.local.reference.mappings_page import differences
from infra.local.reference.pages import DOCS, pages
from shared.defaults import standard_mappings
from shared.services import idempotency, retention, share_of_budget
from shared.services.repositories import (
    companies,
    configuration_changes,
    couplings,
    full_synchronization,
    job_errors,
    jobs,
    mappings,
    notifications,
    runs,
    work_items,
)

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
TEXTS = [README, *sorted(DOCS.glob("*.md"))]
GOLDEN = ROOT / "tests/contract/golden/functions.json"
STORED = (
    configuration_changes.LOG,
    *(companies.TABLE, couplings.TABLE, full_synchronization.TABLE, idempotency.TABLE, jobs.JOBS, jobs.REQUESTS),
    *(
        job_errors.TABLE,
        mappings.TABLE,
        notifications.TABLE,
        retention.POSITIONS,
        runs.TABLE,
        share_of_budget.TABLE,
        work_items.TABLE,
    ),
)


@pytest.fixture(scope="module")
def fresh() -> dict[str, str]:
    """The generated pages as they must be now."""
    return pages()


@pytest.mark.parametrize("name", ["settings.md", "mappings.md", "rules.md", "reasons.md", "http.md", "openapi.json"])
def test_a_generated_page_is_fresh(fresh: dict[str, str], name: str) -> None:
    assert (DOCS / name).read_text("utf-8") == fresh[name], "run: python -m infra.local.reference"


def test_every_generated_page_is_looked_at(fresh: dict[str, str]) -> None:
    assert sorted(fresh) == ["http.md", "mappings.md", "openapi.json", "reasons.md", "rules.md", "settings.md"]


@pytest.mark.parametrize("text", ["", "<!-- end of problems -->\n"])
def test_a_page_without_a_place_for_the_problems_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="0 places"):
        http_page(text)


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    dead = [link for link in links(page) if not leads_somewhere(page, link)]
    assert dead == []


def links(page: Path) -> Iterator[str]:
    text = page.read_text("utf-8")
    yield from re.findall(r"\]\(([^)\s]+)\)", text)
    yield from re.findall(r'<img src="([^"]+)"', text)


def leads_somewhere(page: Path, link: str) -> bool:
    """Whether file and heading exist; addresses in the world are believed."""
    if link.startswith("https://"):
        return True
    path, _, heading = link.partition("#")
    file = (page.parent / path) if path else page
    return file.is_file() and (not heading or heading in headings(file))


def headings(file: Path) -> set[str]:
    """The anchors of a page, made as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_page_is_reached_from_the_readme() -> None:
    linked = {link.partition("#")[0] for link in links(README)}
    assert {f"docs/{page.name}" for page in TEXTS if page != README} <= linked


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: page.name)
def test_named_files_exist(page: Path) -> None:
    """What looks like a path of the project in code marks is one; local.settings.json is everybody's own."""
    named = re.findall(r"`((?:[\w.-]+/)*[\w.-]+(?:\.json|\.py|\.toml|\.txt)|(?:\w+/)+)`", page.read_text("utf-8"))
    own = {"local.settings.json", ".dev/"}
    folders = (ROOT, ROOT / "shared/defaults")
    missing = [name for name in named if name not in own and not any((folder / name).exists() for folder in folders)]
    assert missing == []


def test_commands_of_the_readme_exist() -> None:
    text = README.read_text("utf-8")
    commands = set(re.findall(r"dev\.py (\w+)", text))
    offered = {command: offered_by(command) for command in commands}

    assert commands == {"bench", "chaos", "demo", "fuzz", "mutants", "simulate", "test", "up"}
    for option in set(re.findall(r"`(--[a-z-]+)", text)):
        assert any(option in help_text for help_text in offered.values()), option


def offered_by(command: str) -> str:
    """What `dev.py COMMAND --help` says; a command that does not exist ends in an error."""
    done = subprocess.run(
        [sys.executable, "dev.py", command, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_excerpt_of_the_demo_has_the_pairs_that_the_demo_must_come_to() -> None:
    (shown,) = re.findall(r"Pairs: (.+)\.", README.read_text("utf-8"))
    assert dict(pair.split() for pair in shown.split(", ")) == {
        mapping: str(one.pairs) for mapping, one in expected().items()
    }


def test_the_picture_is_well_formed_and_described() -> None:
    picture = ElementTree.parse(DOCS / "flow.svg").getroot()
    namespace = {"svg": "http://www.w3.org/2000/svg"}
    assert picture.findtext("svg:title", namespaces=namespace)
    assert picture.findtext("svg:desc", namespaces=namespace)


def http_functions() -> set[tuple[str, str]]:
    """Method and route of every HTTP function, from the list that the app's index is held to."""
    functions = json.loads(GOLDEN.read_text("utf-8")).values()
    return {(method, f"/api/{one['route']}") for one in functions if "route" in one for method in one["methods"]}


def test_every_endpoint_is_described_and_no_other() -> None:
    described = re.findall(r"^## ([A-Z]+) (/\S+)$", (DOCS / "http.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(described) == sorted(http_functions())


def test_every_endpoint_says_what_it_answers() -> None:
    sections = re.split(r"^## (?=[A-Z]+ /)", (DOCS / "http.md").read_text("utf-8"), flags=re.MULTILINE)[1:]
    assert len(sections) == len(http_functions())
    for section in sections:
        (answers,) = re.findall(r"^Answers (.+?)\n\n", section + "\n\n", re.DOTALL | re.MULTILINE)
        codes = [int(code) for code in re.findall(r"\b[1-5]\d\d\b", answers)]
        assert codes, section
        assert all(HTTPStatus(code) for code in codes)


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: page.name)
def test_endpoints_named_in_passing_exist(page: Path) -> None:
    named = set(re.findall(r"\b(GET|POST|PATCH|PUT|DELETE) (/api/[^\s`?]+)", page.read_text("utf-8")))
    assert named <= http_functions()


def test_every_problem_code_of_the_app_is_told_and_no_other() -> None:
    """The page is made of these kinds, so what is true of them is true of it."""
    assert {(kind.status, kind.code) for kind in KINDS} == set(problem_codes())
    assert {(kind.status, kind.code) for kind in FAILURES} <= set(failure_codes())


def problem_codes() -> Iterator[tuple[int, str]]:
    """Status and code of every problem that is raised or answered with a literal of its own."""
    for folder in ("functions", "shared/services", "shared/core"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Call):
                    match getattr(node.func, "id", ""), node.args:
                        case "Problem", [ast.Constant(int(status)), ast.Constant(str(code)), *_]:
                            yield status, code
                        case "MappingProblem", [ast.Constant(str(code)), *_] if not node.keywords:  # warnings have one
                            yield 400, code


def failure_codes() -> Iterator[tuple[int, str]]:
    """Status and code of the failures that the app tells about itself: what passes is 503, the rest 502."""
    for file in (ROOT / "shared").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            match node:
                case ast.Call(ast.Name("Passing" | "NeedsPerson" as kind), keywords=keywords):
                    for keyword in keywords:
                        if keyword.arg == "code" and isinstance(keyword.value, ast.Constant):
                            yield 503 if kind == "Passing" else 502, str(keyword.value.value)


def test_every_stored_table_is_in_the_design() -> None:
    described = set(re.findall(r"^\| `(sync\w+)` \|", (DOCS / "design.md").read_text("utf-8"), re.MULTILINE))
    assert described == {f"sync{name.capitalize()}" for name in (*STORED, "health")}


def test_what_is_called_unreachable_is_not_mapped() -> None:
    """A line that a mapping has got in the meantime must leave the list."""
    by_name = {mapping.name: mapping for mapping in standard_mappings()}
    for line in differences().unreachable:
        mapped = {column for field in by_name[line.mapping].fields for column in field.dataverse}
        assert line.dataverse not in mapped, line
    for difference in differences().otherwise:
        assert set(difference.mapping.split(", ")) <= {*by_name, "all"}


def test_every_setting_of_the_sample_is_described() -> None:
    sample = json.loads((ROOT / "local.settings.sample.json").read_text("utf-8"))["Values"]
    described = set(re.findall(r"^\| `([\w.]+)` \|", (DOCS / "settings.md").read_text("utf-8"), re.MULTILINE))
    assert set(sample) <= described
