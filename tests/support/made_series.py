"""Series made for an expression: for each selector some that match, one that does not, with the labels that its clauses join on.

Every label that no matcher names is a function of the number of the series, so that any set of labels tells series apart and joins
find their partners: series 0 has instance `instance-0`, pod `pod-0` and so on.
"""

import re
from dataclasses import fields, is_dataclass

import numpy as np

from workbench.promql.ast import Aggregate, Binary, Call, MatchKind, Range, Selector
from workbench.rng import stream
from workbench.telemetry.series import Series, SeriesKey, Telemetry

SCRAPE_S, PHASE_S, LENGTH_S = 30.0, 7.0, 7500.0
PER_SELECTOR = 3
COUNTERS = ("_total", "_count", "_sum", "_bucket", "_requests")
SWITCHES = (
    "up",
    "ok",
    "ready",
    "success",
    "phase",
    "waiting",
    "active",
    "running",
    "mode",
    "status",
    "leader",
    "readonly",
    "taint",
)
CONSTANTS = ("info", "labels", "owner", "owned", "weight", "name", "limit", "capacity", "maximum", "max_bytes", "label")
OF_RATES = frozenset({"rate", "increase", "irate", "resets"})
BOUNDS = ("0.05", "0.25", "0.3", "0.5", "1", "5", "10", "+Inf")


def nodes(expr):
    """An expression and everything in it."""
    yield expr
    for part in _parts(expr):
        yield from nodes(part)


def made_for(exprs, seed=1):
    """Telemetry in which every selector of the expressions finds something."""
    wanted = {}
    for expr in exprs:
        every = list(nodes(expr))
        set_here = {_text(node, 1) for node in every if isinstance(node, Call) and node.function in {"label_replace", "label_join"}}
        joined = {name for node in every for name in _clauses(node)} - {"le", "__name__", ""} - set_here
        counted = {node.arguments[0].selector for node in every if _counts(node)}
        for selector, unwanted in _selectors(expr, frozenset()):
            wanted.setdefault((selector, selector in counted), set()).update(joined - unwanted)
    made = {}
    for (selector, counted), joined in sorted(wanted.items(), key=lambda item: str(item[0])):
        for key in _keys(selector, joined):
            made[key] = made.get(key, False) or counted
    series = [_series(key, counted, seed) for key, counted in sorted(made.items())]
    return Telemetry.of(series, horizon_s=LENGTH_S, scrape_interval_s=SCRAPE_S)


def _parts(expr):
    for field in fields(expr):
        value = getattr(expr, field.name)
        yield from (part for part in (value if isinstance(value, tuple) else (value,)) if is_dataclass(part))


def _selectors(expr, unwanted):
    """Selectors, each with the labels that they must not have: those that the "one" side of an operator is matched without."""
    if isinstance(expr, Selector):
        yield expr, unwanted
    elif isinstance(expr, Binary):
        lone = frozenset(expr.matching.labels) if expr.matching.many and not expr.matching.on else frozenset()
        yield from _selectors(expr.left, unwanted | lone if expr.matching.many == "right" else unwanted)
        yield from _selectors(expr.right, unwanted | lone if expr.matching.many == "left" else unwanted)
    else:
        for part in _parts(expr):
            yield from _selectors(part, unwanted)


def _counts(node):
    return isinstance(node, Call) and node.function in OF_RATES and isinstance(node.arguments[0], Range)


def _clauses(node):
    match node:
        case Aggregate():
            yield from node.labels
        case Binary():
            yield from node.matching.labels
            yield from node.matching.include
        case Call(function="label_replace"):
            yield _text(node, 3)
        case Call(function="label_join"):
            yield from (_text(node, at) for at in range(3, len(node.arguments)))


def _text(node, at):
    return getattr(node.arguments[at], "value", "")


def _keys(selector, joined):
    """Names and labels of the series that a selector should find, and of one that it should not."""
    names, choices = ["made_metric"], {}
    by_label = {}
    for matcher in selector.matchers:
        by_label.setdefault(matcher.label, []).append(matcher)
    for label, matchers in by_label.items():
        found = _values(matchers, label)
        if label == "__name__":
            names = found
        else:
            choices[label] = found
    for name in names:
        if name.endswith("_bucket") and set(choices.get("le", BOUNDS)) <= set(BOUNDS):
            choices["le"] = list(BOUNDS)
        for number in range(PER_SELECTOR):
            free = {label: f"{label}-{number}" for label in sorted(joined) if label not in choices}
            yield from (SeriesKey.of(name, labels) for labels in _combined({**choices, **{k: [v] for k, v in free.items()}}))
        decoy = {label: ["other"] for label in choices if label != "le"}
        if decoy and not name.endswith("_bucket"):
            yield from (
                SeriesKey.of(name, labels) for labels in _combined({**decoy, **{k: ["other"] for k in joined if k not in decoy}})
            )


def _combined(choices):
    combined = [{}]
    for label, values in sorted(choices.items()):
        combined = [{**one, label: value} for one in combined for value in values[:8]]
    return combined[:64]


def _values(matchers, label):
    """Texts that every matcher of a label accepts; the empty text is among them where only that is accepted."""
    examples = [text for m in matchers if m.kind in {MatchKind.EQUAL, MatchKind.REGEX} for text in _examples(m)]
    found = [text for text in dict.fromkeys(examples) if all(_accepts(m, text) for m in matchers)]
    if found:
        return found[:4]
    return [text for text in (f"{label}-0", "some", "") if all(_accepts(m, text) for m in matchers)][:1] or [""]


def _accepts(matcher, text):
    if matcher.kind in {MatchKind.EQUAL, MatchKind.NOT_EQUAL}:
        return (matcher.text == text) == (matcher.kind is MatchKind.EQUAL)
    return bool(re.fullmatch(matcher.text, text)) == (matcher.kind is MatchKind.REGEX)


def _examples(matcher):
    if matcher.kind is MatchKind.EQUAL:
        return [matcher.text]
    return _of_pattern(re._parser.parse(matcher.text.replace("(?P<", "(?P<")))


def _of_pattern(parsed):
    """A few texts that a regular expression matches."""
    texts = [""]
    for kind, detail in parsed:
        match str(kind):
            case "LITERAL":
                found = [chr(detail)]
            case "ANY":
                found = ["3"]
            case "IN":
                found = (
                    [_of_set(detail)] if len(detail) == 1 else [chr(one) for what, one in detail if str(what) == "LITERAL"] or ["a"]
                )
            case "BRANCH":
                found = [text for branch in detail[1] for text in _of_pattern(branch)]
            case "SUBPATTERN":
                found = _of_pattern(detail[3])
            case "MAX_REPEAT" | "MIN_REPEAT":
                least, most, inner = detail
                repeated = [text * max(least, 1 if most else 0) for text in _of_pattern(inner)]
                found = [*repeated, ""] if least == 0 else repeated
            case _:
                found = [""]
        texts = [before + after for before in texts for after in found][:8]
    return texts


def _of_set(detail):
    what, value = detail[0]
    return chr(value) if str(what) == "LITERAL" else chr(value[0]) if str(what) == "RANGE" else "a"


def _series(key, counted, seed):
    rng = stream(seed, "made", str(key))
    times = np.arange(PHASE_S, LENGTH_S, SCRAPE_S)
    name = key.name.split(":")[-1]
    if rng.random() < 0.2:
        begin = int(rng.integers(20, 200))
        times = np.delete(times, np.arange(begin, begin + int(rng.integers(1, 25))))
    count = len(times)
    le = key.label_map.get("le")
    if le is not None:
        # Buckets of one histogram share their draws, and grow with their bound.
        whole = stream(seed, "made", key.name, *(f"{k}={v}" for k, v in key.labels if k != "le")).poisson(40, 400).cumsum()
        share = (BOUNDS.index(le) + 1) / len(BOUNDS) if le in BOUNDS else 0.5
        return Series(key, np.arange(PHASE_S, LENGTH_S, SCRAPE_S), np.floor(whole[: int(LENGTH_S // SCRAPE_S)] * share))
    if counted or name.endswith(COUNTERS):
        steps = rng.poisson(rng.choice([0.2, 3.0, 50.0]), count).astype(float)
        values = np.cumsum(steps)
        if rng.random() < 0.3:
            at = int(rng.integers(10, count))
            values[at:] -= values[at - 1]
        return Series(key, times, values)
    words = set(re.split(r"[_:]", name))
    if words & set(SWITCHES):
        return Series(key, times, (rng.random(count) < rng.choice([0.5, 0.9, 1.0, 0.0])).astype(float))
    if words & set(CONSTANTS):
        return Series(key, times, np.ones(count))
    if words & {"ratio", "ratio5m", "ratio30d", "remaining"} or "ratio" in name or "burnrate" in name:
        return Series(key, times, rng.uniform(0, rng.choice([0.002, 0.05, 1.0]), count))
    if words & {"timestamp", "time", "expiry"} or name.endswith("_after_seconds"):
        return Series(key, times, np.floor(times / rng.choice([300, 1200])) * 300)
    return Series(key, times, np.round(np.abs(rng.normal(8, 6, count)), 3))
