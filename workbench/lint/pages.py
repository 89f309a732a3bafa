"""The documentation of the checks, from their docstrings and their examples; `docs/generate.py` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from workbench.errors import Problem
from workbench.lint.registry import Check, all_checks
from workbench.lint.session import examine

BY = "<!-- Written by docs/generate.py (`make docs`); edit the check and its examples instead. -->"
INDEX = """\
# Checks of `workbench lint`

{by}

```sh
workbench lint policy.yaml
workbench lint rules/*.yml --strict
workbench lint policy.yaml --world world.yaml --months 12
```

It looks at policies, at scenarios (their world and clock count too), and at Prometheus rule files and `PrometheusRule` resources.
A finding shows its arithmetic, its line and what may stand there. An **error** is what cannot work at all, a **warning** what
hardly anybody wants, a remark (**info**) what may be meant. Errors end with exit code 1, with `--strict` warnings too.

A comment silences a check: at the end of a line for this line, on a line of its own for what begins on the next line and is
indented below it (above a rule: the rule; above `groups:`: the file). A comment that silences nothing is reported itself.

```yaml
# lint: disable=alerts/no-routing-label routed by the group's receiver
- alert: CheckoutBurn
  for: 10m  # lint: disable=alerts/for-longer-than-short agreed with the shop
```

{table}

Some mistakes never reach the linter, because a file with them is not valid (`workbench validate`): an objective of 100 %,
credits that do not ascend, a query without `{{{{.window}}}}`, months as `M`, shares that do not add up.
"""


def pages(examples: Path) -> dict[str, str]:
    """Every page by its path from the top of the checkout."""
    out = {"docs/lint/README.md": INDEX.format(by=BY, table=_table())}
    for check in all_checks():
        out[f"docs/lint/{file_name(check)}"] = page(check, examples)
    return out


def file_name(check: Check) -> str:
    """`alerts-unreachable.md`."""
    return check.name.replace("/", "-") + ".md"


def _table() -> str:
    rows = ["| check | finds | in | needs |", "|---|---|---|---|"]
    for check in all_checks():
        summary = check.documentation.partition("\n\n")[0].rstrip(".").replace("|", "\\|")
        rows.append(
            f"| [`{check.name}`]({file_name(check)}) | {summary} | {', '.join(_subjects(check))} | {', '.join(_needs(check))} |"
        )
    return "\n".join(rows)


def _subjects(check: Check) -> Iterator[str]:
    if check.of_policy or check.of_months:
        yield "policies"
    if check.of_rules:
        yield "rules"


def _needs(check: Check) -> Iterator[str]:
    for need in sorted(check.needs):
        yield {"world": "a world", "clock": "a scenario", "months": "`--months`"}[need]


def page(check: Check, examples: Path) -> str:
    """One check: what it finds, why, what to do; the examples, and what is said of them."""
    folder = examples / check.name.replace("/", "-")
    parts = [f"# {check.name}", BY, check.documentation, f"Looks at {' and '.join(_subjects(check))}."]
    if check.needs:
        parts[-1] = f"{parts[-1][:-1]}; needs {' and '.join(_needs(check))}."
    for title, which in (("Found", "bad"), ("Fine", "good")):
        parts.append(f"## {title}")
        for name in (f"{which}.yaml", f"{which}.rules.yml"):
            if (folder / name).exists():
                parts += _example(check, folder / name)
    parts += ["## To silence it", f"```yaml\n# lint: disable={check.name} why it is meant\n```", "[All checks](README.md)"]
    return "\n\n".join(parts) + "\n"


def _example(check: Check, path: Path) -> Iterator[str]:
    """The file, the policy beside a scenario, and the findings of this check."""
    text = path.read_text(encoding="utf-8")
    yield f"```yaml\n{text.rstrip()}\n```"
    if "kind: Scenario" in text:
        policy = path.with_name(text.partition("policy: ")[2].split("\n", 1)[0])
        yield f"with the policy\n\n```yaml\n{policy.read_text(encoding='utf-8').rstrip()}\n```"
    own = path.with_name("world.yaml")
    world = own if own.exists() else path.parent.parent / "world.yaml"
    months = 1 if "months" in check.needs else None
    report = examine([path], world_file=world if check.needs & {"world", "months"} else None, months=months)
    found = [problem for problem in report.problems if problem.check == check.name]
    if found:
        yield "```text\n" + "\n".join(_said(problem) for problem in found) + "\n```"


def _said(problem: Problem) -> str:
    name = Path(problem.file or "").name
    text = f"{name}:{problem.line}:{problem.column}: {problem.severity}: {problem.message}"
    return text + (f"\n    allowed  {problem.allowed}" if problem.allowed else "")
