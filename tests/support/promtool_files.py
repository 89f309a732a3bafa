"""Reads promtool's unit-test files, so that our evaluator answers the same questions as the real one."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import yaml

from workbench.alerts.engine import RuleEngine
from workbench.alerts.rules import AlertRule, Episode, Profile, RecordingRule, Rule, RuleGroup
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


def _rules(path: Path, document: dict, answers: Answers) -> list[RuleGroup]:
    order = {name: at for at, name in enumerate(document.get("group_eval_order") or ())}
    groups = []
    for file in document.get("rule_files") or ():
        for group in yaml.safe_load((path.parent / file).read_text())["groups"]:
            rules = tuple(rule for rule in map(_rule, group["rules"]) if _covered(rule.expr, answers))
            groups.append(RuleGroup(group["name"], rules, limit=group.get("limit", 0)))
    return sorted(groups, key=lambda group: order.get(group.name, 0))


def _rule(rule: dict) -> Rule:
    labels = tuple(sorted(rule.get("labels", {}).items()))
    if "record" in rule:
        return RecordingRule(rule["record"], str(rule["expr"]), labels)
    return AlertRule(
        rule["alert"],
        str(rule["expr"]),
        _seconds(rule.get("for", 0)),
        _seconds(rule.get("keep_firing_for", 0)),
        labels,
        tuple(sorted(rule.get("annotations", {}).items())),
    )


def _covered(expr: str, answers: Answers) -> bool:
    try:
        parse(expr)
    except BadInput:
        answers.uncovered.append(expr)
        return False
    return True


def answer(path: Path, prometheus: str) -> Answers:
    """Put every question of a test file to our evaluator and engine."""
    answers = Answers()
    document = yaml.safe_load(path.read_text())
    groups = _rules(path, document, answers)
    step = _seconds(document["evaluation_interval"])
    profile = Profile(prometheus=prometheus, evaluation_interval_s=step)
    for test in document["tests"]:
        interval = _seconds(test["interval"])
        series = [series_of(one["series"], str(one["values"]), interval) for one in test["input_series"]]
        telemetry = Telemetry.of(series, horizon_s=1e6, scrape_interval_s=interval)
        asked_at = [case["eval_time"] for kind in ("promql_expr_test", "alert_rule_test") for case in test.get(kind, ())]
        engine = RuleEngine(groups, telemetry, profile)
        while engine.look_ahead(max(map(_seconds, asked_at))):
            pass
        everything = Telemetry.of([*series, *engine.recorded()], horizon_s=1e6, scrape_interval_s=interval)
        _expressions(test, Evaluator(everything, profile), answers)
        _alerts(test, engine, step, answers)
    return answers


def _expressions(test: dict, evaluator: Evaluator, answers: Answers) -> None:
    for case in test.get("promql_expr_test", ()):
        if not _covered(case["expr"], answers):
            continue
        answers.asked += 1
        vector = evaluator.evaluate(parse(case["expr"]), np.array([_seconds(case["eval_time"])]))
        found = {labels: vector.values[row, 0] for row, labels in enumerate(vector.labels)}
        wanted = {}
        for sample in case["exp_samples"]:
            text = sample.get("labels", "{}")
            labels = () if text == "{}" else tuple(sorted((m.label, m.text) for m in parse(text).matchers))
            wanted[labels] = float(sample["value"])
        if found != wanted:
            answers.wrong.append(f"{case['expr']} at {case['eval_time']}: {found} instead of {wanted}")


def _alerts(test: dict, engine: RuleEngine, step: float, answers: Answers) -> None:
    for case in test.get("alert_rule_test", ()):
        answers.asked += 1
        # Between two evaluations promtool shows the earlier one.
        name, at = case["alertname"], _seconds(case["eval_time"]) // step * step
        found = sorted(
            (episode.labels, tuple(sorted(engine.annotations(name, episode.labels, at))))
            for episode in engine.episodes()
            if episode.alert == name and _fires(episode, at)
        )
        wanted = sorted((_pairs(one.get("exp_labels")), _pairs(one.get("exp_annotations"))) for one in case["exp_alerts"])
        if found != wanted:
            answers.wrong.append(f"{name} at {case['eval_time']}: {found} instead of {wanted}")


def _fires(episode: Episode, at: float) -> bool:
    ended = episode.resolved_at_s is not None and episode.resolved_at_s <= at
    return episode.firing_at_s is not None and episode.firing_at_s <= at and not ended


def _pairs(given: dict | None) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((given or {}).items()))
