"""The terminal summary: the outcome's own numbers, readable at 80 columns."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console

from tests.support.outcomes import recorded, synthetic_outcome, unmeasured
from workbench.cli.summary import print_summary
from workbench.errors import Problem
from workbench.outcome import Outcome


def printed(outcome: Outcome, *, width: int = 80, **more) -> str:
    out = io.StringIO()
    print_summary(outcome, Console(file=out, width=width, force_terminal=False), **more)
    return out.getvalue()


def row(text: str, name: str) -> list[str]:
    return next(re.split(r"\s{2,}", line.strip()) for line in text.splitlines() if line.strip().startswith(name))


@pytest.mark.parametrize("make", [lambda o: o, unmeasured, recorded])
def test_no_line_is_longer_than_80_columns(make):
    outcome = make(synthetic_outcome())
    outcome = replace(outcome, name="n" * 63, findings=(Problem("a/b", "word " * 60 + "x" * 100, path="p" * 120),))

    lines = printed(outcome, files=[Path("/very/long" * 12)]).splitlines()

    assert max(len(line) for line in lines) <= 80


def test_each_objective_shows_what_its_own_counts_say():
    outcome = synthetic_outcome()

    text = printed(outcome)

    for slo in outcome.slos:
        bad = Decimal(slo.total - slo.good) / slo.total
        consumed = bad / (1 - slo.target) * 100
        cells = " ".join(row(text, slo.name[:20]))
        assert f"{consumed:.1f}%" in cells
        shown = Decimal(re.findall(r"([\d.]+)%", cells)[1])
        assert abs(shown - (1 - bad) * 100) <= Decimal("0.0005")
        assert slo.budget.status in cells


def test_a_missed_target_is_never_rounded_up_to_it():
    outcome = synthetic_outcome()
    close = replace(outcome.slos[0], target=Decimal("0.9995"), good=99_949_999, total=100_000_000, sli=0.99949999, met=False)

    text = printed(replace(outcome, slos=(close,)))

    assert "99.949999%" in text


def test_what_happened_counts_the_ground_truth():
    outcome = synthetic_outcome()

    text = printed(outcome)

    truth = outcome.truth
    bad = sum(d.bad for d in truth.deployments)
    assert f"{len(truth.incidents)} incidents" in text
    assert f"{len(truth.deployments)} deployments ({bad} bad)" in text
    assert f"{len(truth.pages)} pages" in text


def test_rules_show_precision_recall_detection_reset_and_pages_a_week():
    outcome = synthetic_outcome()

    text = printed(outcome)

    for rule in outcome.score.rules:
        cells = row(text, rule.alert)
        assert cells[1:4] == [str(rule.firings), f"{100 * rule.true_firings / rule.firings:.1f}%", f"{100 * rule.recall:.1f}%"]
        assert cells[4:] == ["4m", "5m30s", f"{rule.pages * 7 / 30:.2f}"]
    for sentence in outcome.score.rules_text:
        assert " ".join(sentence.split()) in " ".join(text.split())


def test_credits_are_shown_per_tier_and_in_total():
    outcome = synthetic_outcome()

    text = printed(outcome)

    assert row(text, "premium")[4] == "5,988.00 EUR"
    assert f"total: {sum(c.credit.amount for c in outcome.credits):,.2f} EUR" in text


def test_the_scorecard_has_five_lines_with_target_and_verdict():
    outcome = synthetic_outcome()

    text = printed(outcome)

    for line in outcome.scorecard:
        assert row(text, line.title)[1:] == [line.target, "met" if line.met else "missed", line.shown]


def test_unknown_is_called_unknown_and_never_zero_or_nan():
    text = printed(unmeasured(synthetic_outcome()))

    for name in ("application-availability", "login", "search-latency"):
        assert row(text, name)[2:4] == ["unknown", "unknown"]
    assert "nan" not in text.lower()
    assert "0.0%" not in text
    assert "Nothing was measured" in text


def test_a_replay_without_labels_lists_its_alerts_instead_of_scores():
    outcome = recorded(synthetic_outcome())

    text = printed(outcome)

    assert "no incidents are labelled" in text
    assert "precision" not in text
    assert "rows missing 1.23%" in text
    mine = [e for e in outcome.episodes if e.alert == "fast-burn" and e.firing_at_s is not None]
    assert row(text, "fast-burn")[1] == str(len(mine))


def test_failed_expectations_and_files_are_named():
    failed = Problem("expect/bound", "pages must stay few", found="7", allowed="at most 5")

    text = printed(synthetic_outcome(), expectations_failed=[failed], files=[Path("out/report.html")])

    assert "pages must stay few found 7; allowed: at most 5; [expect/bound]" in " ".join(text.split())
    assert "out/report.html" in text


def test_names_are_text_and_not_markup_or_terminal_codes():
    text = printed(replace(synthetic_outcome(), name="[red]x[/red]\x1b[2J"))

    assert "[red]x[/red]" in text
    assert "\x1b" not in text


def test_the_budget_is_that_of_its_window_and_not_of_the_days_measured():
    outcome = synthetic_outcome(window_s=90.0 * 86_400)

    text = printed(outcome)

    for slo in outcome.slos:
        consumed = Decimal(slo.total - slo.good) / slo.total / (1 - slo.target) * 100 / 3
        assert f"{consumed:.1f}%" in " ".join(row(text, slo.name[:20]))


def test_many_findings_of_one_check_are_counted_and_those_of_others_stay():
    many = tuple(Problem("a/b", f"the {i}. of them") for i in range(9))
    outcome = replace(synthetic_outcome(), findings=(*many, Problem("c/d", "another one")))

    text = printed(outcome)

    assert [i for i in range(9) if f"the {i}. of them" in text] == [0, 1, 2, 3, 4, 5]
    assert "and 3 more [a/b]" in text
    assert "another one" in text
    assert "more [c/d]" not in text
