"""Conditions over groups, decided group by group, against the evaluation of the whole."""

import numpy as np
import pytest

from tests.support.histories import counters
from workbench.alerts.rules import Profile
from workbench.promql import splitting
from workbench.promql.conditions import Conditions
from workbench.promql.evaluate import Evaluator
from workbench.promql.parse import parse
from workbench.promql.splitting import by_group

ERRORS, ALL = 'sum by (route) (rate(req{{code=~"5.."}}[{0}]))', "sum by (route) (rate(req[{0}]))"
RATIO = f"{ERRORS} / {ALL}"


def texts():
    for long, short in (("10m", "1m"), ("45m", "5m")):
        for limit in ("0.01", "0.1", "14.4 * 0.001"):
            yield f"({RATIO.format(long)} > {limit} and {RATIO.format(short)} > {limit}) / 0.001"
            yield f"{RATIO.format(short)} > {limit} and on (route) {RATIO.format(long)} >= {limit}"
            yield f"1 - {RATIO.format(short)} < 1 - {limit}"
        yield f"{ALL.format(short)} > 0.5 unless {ERRORS.format(long)} > 0.01"
        yield f"sum by (route, nope) (increase(req[{short}])) > 30"


def whole(evaluator, expr, instants):
    vector = evaluator.evaluate(expr, instants / 1000)
    return dict(zip(vector.labels, vector.present, strict=True))


@pytest.mark.parametrize("profile", [Profile(prometheus=version) for version in ("2.42", "3.5")], ids=lambda p: p.prometheus)
@pytest.mark.parametrize("kind", [{}, {"gaps": True}, {"stale": True}, {"whole": False}])
def test_every_group_has_its_element_where_the_whole_has_it(profile, kind):
    exprs = [parse(text) for text in texts()]
    seen = 0
    for seed in range(2):
        telemetry = counters(seed, **kind)
        instants = np.arange(0, int(telemetry.horizon_s * 1000) + 600_000, 15_000)
        found = Conditions(Evaluator(telemetry, profile), exprs).present(instants)
        for text, expr, presence in zip(texts(), exprs, found, strict=True):
            wanted = whole(Evaluator(telemetry, profile), expr, instants)
            nowhere = np.zeros(len(instants), bool)
            for labels in {*wanted, *presence.elements}:
                assert np.array_equal(presence.elements.get(labels, nowhere), wanted.get(labels, nowhere)), (text, labels)
            seen += sum(int(row.sum()) for row in wanted.values())
    assert seen > 1000


def test_groups_are_decided_by_bounds(monkeypatch):
    asked = []
    exact = Conditions._exact
    monkeypatch.setattr(Conditions, "_exact", lambda self, expr, at: asked.append(len(at)) or exact(self, expr, at))
    exprs = [parse(text) for text in texts()]

    Conditions(Evaluator(counters(1), Profile()), exprs).present(np.arange(0, 3_600_000, 15_000))

    assert 0 < sum(asked) < 0.1 * 240 * 3 * len(exprs)


@pytest.mark.parametrize(
    "text",
    [
        "sum(rate(req[5m])) > 1",
        "sum by (route) (rate(req[5m])) / sum by (route, code) (rate(req[5m])) > 1",
        "sum by (route) (rate(req[5m])) / on () group_left sum(rate(req[5m])) > 1",
        "sum by (route) (rate(req[5m])) > 1 or sum by (route) (rate(req[1m])) > 1",
        "sum without (route) (rate(req[5m])) > 1",
        "avg by (route) (rate(req[5m])) > 1",
        "sum by (route) (irate(req[5m])) > 1",
        "sum by (__name__) (rate(req[5m])) > 1",
        'sum by (route) (rate(req[5m])) > 1 unless sum by (route) (rate(req{route="1"}[5m])) > 1',
        'sum by (route) (rate({__name__=~"req|other"}[5m])) + on (code) sum by (route) (rate(req[5m])) > 1',
    ],
)
def test_what_is_not_made_of_groups_is_left_whole(text):
    assert by_group(parse(text), Evaluator(counters(0), Profile())) is None


def test_a_group_that_lacks_a_side_has_no_element():
    expr = parse('sum by (route) (rate(req[5m])) / sum by (route) (rate(req{route="1"}[5m])) > 0')

    assert [labels for labels, _ in by_group(expr, Evaluator(counters(0), Profile()))] == [(("route", "1"),)]


def test_groups_that_take_each_others_series_are_caught(monkeypatch):
    monkeypatch.setattr(splitting, "_of_group", lambda *_: parse(str(next(iter(texts()))).replace("by (route) ", "")))
    telemetry = counters(1)
    expr = parse(next(iter(texts())))
    instants = np.arange(0, 3_600_000, 15_000)

    found = Conditions(Evaluator(telemetry, Profile()), [expr]).present(instants)[0].elements
    wanted = whole(Evaluator(telemetry, Profile()), expr, instants)

    assert any(not np.array_equal(found.get(labels, np.zeros(len(instants), bool)), row) for labels, row in wanted.items())
