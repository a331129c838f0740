"""docs/rules.md, from the decision table."""

from __future__ import annotations

from collections.abc import Iterable

from infra.local.reference.markdown import code, codes, table
from shared.core.decision_table import RULES, Rule, State

INTRODUCTION = """# What is done with a pair

For each pair that a run looks at, the first rule that fits applies, read from the top. *This side* and *the other side*
may be either system, whichever way round the rule fits.

A side is `inside` (it exists and passes the mapping's filter), `outside` (it exists, but does not pass it), `gone`
(deleted), or `absent` (the record is not coupled). `merge` compares field by field: what one side changed goes
across if the direction allows it, what both changed to different values is an update conflict; a side that is outside
sends nothing, except with `when_outside_filter: keep_in_step`. The codes at the end are [reasons](reasons.md).
"""

TITLES = {
    False: "## A record that is not coupled\n\nFirst it is matched with the free records of the other side; these "
    "rules are for one that has no match.\n",
    True: "## A coupled pair\n",
}
CONDITIONS = {
    "only_coupled": "only coupled records",
    "allowed": "the direction lets values travel from this side",
    "creates": "the mapping creates records on the other side",
}


def rules_page() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for coupled, title in TITLES.items():
        rows = (_row(rule) for rule in RULES if rule.coupled is coupled)
        parts += [title, table(("This side", "The other side", "If", "Then", "Reason"), rows)]
    return "\n".join(parts)


def _row(rule: Rule) -> tuple[str, str, str, str, str]:
    sides = [codes(state for state in State if state in states) for states in (rule.this, rule.other)]
    return sides[0], sides[1], " and ".join(_conditions(rule)), code(rule.step), code(rule.reason)


def _conditions(rule: Rule) -> Iterable[str]:
    """The settings that a rule asks for."""
    for name, words in CONDITIONS.items():
        wanted = getattr(rule, name)
        if wanted is not None:
            yield words if wanted else f"not: {words}"
    if rule.deletion is not None:
        yield code(f"deletion_conflict_resolution: {rule.deletion}")
    if rule.outside is not None:
        yield code(f"when_outside_filter: {rule.outside}")
