"""How much of a folder of rule files loads, is evaluated, and agrees with the real promtool.

    python -m tests.support.rule_corpus DIR        or with the folder in WORKBENCH_RULES

Every `.yml` and `.yaml` file below DIR that holds rule groups counts: Prometheus rule files and PrometheusRule resources, also
several documents in one file. Each expression is evaluated on series made for its selectors, here and by promtool 2.42.
"""

import math
import os
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from tests.support.made_series import made_for
from tests.support.programs import need
from tests.support.promtool_values import FAILED, answers
from tests.support.public_expressions import EVERY_S, INSTANTS_S, VERSION, ours
from workbench.alerts.rule_files import read_rule_files
from workbench.errors import BadInput
from workbench.promql.parse import parse

FOLDER = "WORKBENCH_RULES"
AT_ONCE = 40
"""Expressions for one run of promtool: they share a set of series."""


@dataclass
class Corpus:
    """What became of a folder."""

    files: int = 0
    loaded: int = 0
    expressions: int = 0
    evaluated: int = 0
    invalid: int = 0
    """Of those not evaluated: promtool refuses them too."""
    compared: int = 0
    equal: int = 0
    said: int = 0
    """Compared expressions that had any element."""
    notes: list[str] = field(default_factory=list)

    def __str__(self):
        shares = (
            ("rule files loaded", self.loaded, self.files),
            ("expressions evaluated", self.evaluated, self.expressions),
            ("of the others refused by promtool too", self.invalid, self.expressions - self.evaluated),
            (f"of them equal to promtool {VERSION}", self.equal, self.compared),
            ("of them with elements", self.said, self.compared),
        )
        return "\n".join(f"{name}: {part} of {whole}" + (f" ({part / whole:.1%})" if whole else "") for name, part, whole in shares)


def rules_in(path):
    """Every rule of a file, whether we can load it or not; None if it is no rule file."""
    try:
        documents = [one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if isinstance(one, dict)]
    except (yaml.YAMLError, UnicodeDecodeError):
        return None
    found = []
    for document in documents:
        nested = document.get("items") if document.get("kind") == "List" else [document]
        for one in nested or ():
            groups = one.get("groups") or (one.get("spec") or {}).get("groups") if isinstance(one, dict) else None
            for group in groups if isinstance(groups, list) else ():
                rules = group.get("rules") if isinstance(group, dict) else None
                found += [rule for rule in rules or () if isinstance(rule, dict) and "expr" in rule]
    return found or None


def judge(folder, *, compare=True):
    """Read everything below a folder."""
    corpus = Corpus()
    parsed = {}
    for path in sorted(p for p in Path(folder).rglob("*") if p.suffix in {".yml", ".yaml"} and p.is_file()):
        rules = rules_in(path)
        if rules is None:
            continue
        corpus.files += 1
        try:
            read_rule_files([path])
            corpus.loaded += 1
        except BadInput as error:
            corpus.notes += [f"{path}: {problem}" for problem in error.problems[:3]]
        for rule in rules:
            text = str(rule["expr"]).strip()
            corpus.expressions += 1
            try:
                parsed[text] = parse(text)
                corpus.evaluated += 1
            except BadInput as error:
                invalid = compare and not _known(text)
                corpus.invalid += invalid
                told = "; ".join(str(problem) for problem in error.problems)
                corpus.notes.append(f"{path}: refused{', by promtool too' if invalid else ''}: {told}")
    if compare:
        _compare(corpus, parsed)
    return corpus


def _known(text):
    """Whether promtool takes an expression."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rules.yml"
        file.write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": [{"record": "a:b", "expr": text}]}]}))
        checked = subprocess.run([need("promtool"), "check", "rules", file], capture_output=True, check=False, timeout=60)
    return checked.returncode == 0


def _compare(corpus, parsed):
    texts = list(parsed)
    for at in range(0, len(texts), AT_ONCE):
        some = texts[at : at + AT_ONCE]
        telemetry = made_for([parsed[text] for text in some])
        with tempfile.TemporaryDirectory() as folder:
            real = answers(Path(folder), list(telemetry), some, INSTANTS_S, grid_s=1, every_s=EVERY_S)
        for text in some:
            told = [(at_s, real[text, at_s], ours(telemetry, parsed[text], at_s)) for at_s in INSTANTS_S]
            wrong = [one for one in told if not agree(one[2], one[1])]
            corpus.compared += 1
            corpus.equal += not wrong
            corpus.said += any(wanted not in ({}, FAILED) for _, wanted, _ in told)
            corpus.notes += [f"differs: {text} at {at_s}: {found} instead of {wanted}" for at_s, wanted, found in wrong[:1]]


def agree(found, wanted):
    """Labels exactly; values up to the order in which elements are added, which promtool draws by lot."""
    if found == wanted or FAILED in (found, wanted):
        return found == wanted
    return found.keys() == wanted.keys() and all(_same(found[key], wanted[key]) for key in found)


def _same(one, other):
    return one == other or math.isclose(one, other, rel_tol=1e-12) or (math.isnan(one) and math.isnan(other))


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.environ.get(FOLDER)
    if not folder or not Path(folder).is_dir():
        sys.exit(__doc__)
    try:
        corpus = judge(folder)
    except pytest.skip.Exception as reason:
        sys.stderr.write(f"{reason}\n")
        corpus = judge(folder, compare=False)
    for note, count in Counter(corpus.notes).items():
        sys.stderr.write(f"{note}{f' ({count} times)' if count > 1 else ''}\n")
    sys.stdout.write(f"{corpus}\n")


if __name__ == "__main__":
    main()
