"""Reads promtool's unit-test files, so that our evaluator answers the same questions as the real one."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import yaml

from workbench.alerts.engine import RuleEngine
from workbench.alerts.rules import AlertRule, Profile, RuleGroup
from workbench.errors import BadInput
from workbench.promql.ast import Selector
from workbench.promql.evaluate import Evaluator
from workbench.promql.parse import parse
from workbench.telemetry.series import STALE, Series, SeriesKey, Telemetry
from workbench.units import parse_duration

_RUN = re.compile(r"(-?[\d.]+(?:e-?\d+)?)(?:([+-][\d.]+(?:e-?\d+)?))?x(\d+)")


def expand(notation: str) -> list[float | None]:
    """`0+10x3 _ _x2 stale 7` as samples; None is none."""
    out: list[float | None] = []
    for word in notation.split():
        if word == "_":
            out.append(None)
        elif word.startswith("_x"):
            out += [None] * int(word[2:])
        elif word == "stale":
            out.append(STALE)
        elif match := _RUN.fullmatch(word):
            begin, step, count = float(match[1]), float(match[2] or 0), int(match[3])
            value = begin
            for _ in range(count + 1):
                out.append(value)
                value += step
        else:
            out.append(float(word))
    return out


def series_of(text: str, notation: str, interval_s: float) -> Series:
    """One `input_series`."""
    selector = parse(text)
    assert isinstance(selector, Selector)
    labels = {m.label: m.text for m in selector.matchers}
    samples = expand(notation)
    at = [i for i, value in enumerate(samples) if value is not None]
    key = SeriesKey.of(labels.pop("__name__", ""), labels)
    return Series(key, np.array(at, float) * interval_s, np.array([samples[i] for i in at], float))


@dataclass
class Answers:
    """What our evaluator says to one file."""

    asked: int = 0
    wrong: list[str] = field(default_factory=list)
    uncovered: list[str] = field(default_factory=list)


def _seconds(value: str | int) -> float:
    return float(value) if isinstance(value, int) else parse_duration(value)


def _rules(path: Path, answers: Answers) -> list[RuleGroup]:
    document = yaml.safe_load(path.read_text())
    groups = []
    for file in document.get("rule_files") or ():
        for group in yaml.safe_load((path.parent / file).read_text())["groups"]:
            rules = []
            for rule in group["rules"]:
                if "record" in rule:
                    answers.uncovered.append(f"record {rule['record']}")
                    continue
                try:
                    parse(rule["expr"])
                except BadInput:
                    answers.uncovered.append(f"alert {rule['alert']}: {rule['expr']}")
                    continue
                rules.append(
                    AlertRule(
                        rule["alert"],
                        rule["expr"],
                        _seconds(rule.get("for", 0)),
                        _seconds(rule.get("keep_firing_for", 0)),
                        tuple(sorted(rule.get("labels", {}).items())),
                    )
                )
            groups.append(RuleGroup(group["name"], tuple(rules)))
    return groups


def answer(path: Path, prometheus: str) -> Answers:
    """Put every question of a test file to our evaluator and engine."""
    answers = Answers()
    document = yaml.safe_load(path.read_text())
    groups = _rules(path, answers)
    step = _seconds(document["evaluation_interval"])
    profile = Profile(prometheus=prometheus, evaluation_interval_s=step)
    for test in document["tests"]:
        interval = _seconds(test["interval"])
        series = [series_of(one["series"], str(one["values"]), interval) for one in test["input_series"]]
        telemetry = Telemetry.of(series, horizon_s=1e6, scrape_interval_s=interval)
        _expressions(test, telemetry, profile, answers)
        _alerts(test, groups, telemetry, profile, answers)
    return answers


def _expressions(test: dict, telemetry: Telemetry, profile: Profile, answers: Answers) -> None:
    evaluator = Evaluator(telemetry, profile)
    for case in test.get("promql_expr_test", ()):
        if "ALERTS" in case["expr"] or "rec:" in case["expr"]:
            answers.uncovered.append(case["expr"])
            continue
        try:
            expr = parse(case["expr"])
        except BadInput:
            answers.uncovered.append(case["expr"])
            continue
        answers.asked += 1
        vector = evaluator.evaluate(expr, np.array([_seconds(case["eval_time"])]))
        found = {labels: vector.values[row, 0] for row, labels in enumerate(vector.labels)}
        wanted = {}
        for sample in case["exp_samples"]:
            text = sample.get("labels", "{}")
            labels = () if text == "{}" else tuple(sorted((m.label, m.text) for m in parse(text).matchers))
            wanted[labels] = float(sample["value"])
        if found != wanted:
            answers.wrong.append(f"{case['expr']} at {case['eval_time']}: {found} instead of {wanted}")


def _alerts(test: dict, groups: list[RuleGroup], telemetry: Telemetry, profile: Profile, answers: Answers) -> None:
    known = {rule.name for group in groups for rule in group.rules}
    recorded = {text.split()[1] for text in answers.uncovered if text.startswith("record ")}
    exprs = {rule.name: rule.expr for group in groups for rule in group.rules}
    for case in test.get("alert_rule_test", ()):
        name = case["alertname"]
        if name not in known or any(record in exprs[name] for record in recorded):
            answers.uncovered.append(f"alert {name}")
            continue
        answers.asked += 1
        engine = RuleEngine(groups, telemetry, profile)
        at = _seconds(case["eval_time"])
        while engine.look_ahead(at):
            pass
        found = sorted(
            episode.labels
            for episode in engine.episodes()
            if episode.alert == name and episode.firing_at_s is not None and episode.resolved_at_s is None
        )
        wanted = sorted(tuple(sorted((one.get("exp_labels") or {}).items())) for one in case["exp_alerts"])
        if found != wanted:
            answers.wrong.append(f"{name} at {case['eval_time']}: {found} instead of {wanted}")
