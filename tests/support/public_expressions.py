"""The list of public expressions, and our answers to them on series made for their selectors.

python -m tests.support.public_expressions         write docs/coverage.md anew
"""

from dataclasses import dataclass, field

import numpy as np
import yaml

from tests.support.made_series import made_for, nodes
from tests.support.places import ROOT
from workbench.alerts.rules import Profile
from workbench.errors import BadInput
from workbench.promql.ast import Aggregate, Binary, Call, Negate, Selector
from workbench.promql.evaluate import Evaluator
from workbench.promql.parse import AGGREGATIONS, parse
from workbench.promql.signatures import FUNCTIONS
from workbench.promql.text import expr_text

LIST = ROOT / "tests/promql/public_expressions.yaml"
PAGE = ROOT / "docs/coverage.md"
INSTANTS_S = (1830, 3660, 7200)
EVERY_S = 30
VERSION = "2.42"
FAILED = "failed"
RENAMED = {"double_exponential_smoothing": "holt_winters"}
"""What the version calls otherwise."""


@dataclass
class Kind:
    """Expressions of one kind, and what became of them."""

    kind: str
    like: str
    texts: list[str]
    parsed: dict = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def evaluated(self):
        return len(self.texts) - len(self.refused)

    @property
    def telemetry(self):
        return made_for(list(self.parsed.values()))

    @property
    def parts(self):
        """Every expression, and every part of one that has a value, by its text."""
        found = {}
        for expr in self.parsed.values():
            for node in nodes(expr):
                if isinstance(node, Selector | Call | Aggregate | Binary | Negate):
                    text = expr_text(node)
                    for ours, theirs in RENAMED.items():
                        text = text.replace(ours, theirs)
                    found[text] = node
        return {**found, **self.parsed}


def kinds():
    """The list, parsed; what the parser refuses is kept with its reason."""
    found = []
    for entry in yaml.safe_load(LIST.read_text(encoding="utf-8")):
        one = Kind(entry["kind"], entry["like"], [text.strip() for text in entry["exprs"]])
        for text in one.texts:
            try:
                one.parsed[text] = parse(text, VERSION)
            except BadInput as error:
                one.refused[text] = "; ".join(problem.message.split(" (in `")[0] for problem in error.problems)
        found.append(one)
    return found


def ours(telemetry, expr, at_s, version=VERSION):
    """Labels to value, or FAILED."""
    vector = Evaluator(telemetry, Profile(prometheus=version, evaluation_interval_s=EVERY_S)).evaluate(
        expr, np.array([float(at_s)])
    )
    if vector.failed is not None and vector.failed.any():
        return FAILED
    rows = zip(vector.labels, vector.values, vector.present, strict=True)
    return {labels: float(values[0]) for labels, values, here in rows if here[0]}


def page():
    """The page that states the share."""
    every = kinds()
    total, evaluated = sum(len(one.texts) for one in every), sum(one.evaluated for one in every)
    share = f"**{evaluated} of {total}** ({evaluated / total:.1%})"
    lines = [
        "# Coverage of PromQL",
        "<!-- Written by `python -m tests.support.public_expressions` from tests/promql/public_expressions.yaml. -->",
        "",
        f"{share} expressions of the kinds that public rule files for service levels hold are evaluated; a refusal",
        "counts against the share. CI evaluates each, and every part of it that has a value, on series made for its selectors",
        f"at {len(INSTANTS_S)} instants, and so does the real `promtool` {VERSION}: they must agree on every label and, up to the",
        "order in which promtool adds, on every value. `like` names a public repository in whose rules the kind was seen; the",
        "expressions are ours.",
        "",
        "| kind | like | expressions | evaluated |",
        "|---|---|---:|---:|",
        *(f"| {one.kind} | {one.like} | {len(one.texts)} | {one.evaluated} |" for one in every),
        f"| all | | {total} | {evaluated} |",
        "",
        "## Refused",
        "",
    ]
    refused = [(text, reason) for one in every for text, reason in one.refused.items()]
    lines += [f"- `{' '.join(text.split())}`: {reason}" for text, reason in refused] or ["None of the list."]
    lines += [
        "",
        "What is not evaluated at all: native histograms, and functions behind feature flags. Such an expression is refused before",
        "anything runs, with the rule's name, its text and the function.",
        "",
        "## Functions and aggregations",
        "",
        ", ".join(f"`{name}`" for name in sorted(FUNCTIONS)) + ".",
        "",
        ", ".join(f"`{name}`" for name in sorted(AGGREGATIONS)) + ".",
        "",
        "## Your own rules",
        "",
        "`python -m tests.support.rule_corpus DIR` (in a checkout) reads every rule file and PrometheusRule below a folder, and",
        "says which load, which expressions are evaluated and, with `promtool` at hand, which agree with it.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
