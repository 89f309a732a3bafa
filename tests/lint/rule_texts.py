"""Rules from a line or two, for tests."""

from pathlib import Path

from workbench.lint.registry import lint_rules
from workbench.lint.rules.document import Rules
from workbench.lint.rules.reading import read_rules


def rule_file(folder: Path, *rules: str, head: str = "") -> Path:
    """A file of one group; each rule as YAML lines without indentation."""
    path = folder / "rules.yml"
    listed = "".join("  - " + rule.strip().replace("\n", "\n    ") + "\n" for rule in rules)
    path.write_text(f"groups:\n- name: g\n{head}  rules:\n{listed}", encoding="utf-8")
    return path


def alert(expr: str, *, name: str = "A", more: str = "for: 5m\nlabels: {severity: page}") -> str:
    return f"alert: {name}\nexpr: |\n  {expr.strip()}\n{more}"


def record(name: str, expr: str, more: str = "") -> str:
    return f"record: {name}\nexpr: |\n  {expr.strip()}\n{more}"


def rules_of(folder: Path, *rules: str, head: str = "") -> Rules:
    return Rules(read_rules([rule_file(folder, *rules, head=head)]).views)


def found(folder: Path, *rules: str, check: str = "", head: str = ""):
    problems = lint_rules(rules_of(folder, *rules, head=head))
    return [problem for problem in problems if not check or problem.check == check]
