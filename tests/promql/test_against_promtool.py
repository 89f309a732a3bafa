"""Every function and operator against the real promtool: each element at each instant, to the last bit.

The version in CI is 2.42; where other versions of promtool are found (PROMTOOL_2_53, PROMTOOL_3_5 name them), they are asked too.
"""

import functools
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.promql import cases
from tests.support.programs import need
from tests.support.promtool_values import FAILED, answers
from workbench.alerts.rules import Profile
from workbench.promql import functions, operators, over_time, ranking, summation
from workbench.promql.evaluate import Evaluator
from workbench.promql.moment import Moment
from workbench.promql.parse import parse
from workbench.telemetry.series import Telemetry

INSTANTS = (0, 30, 65, 300, 600, 607, 905, 960, 1500, 1815, 2100, 2705, 2990)
EVERY_S = 30
GRID = np.array(sorted({*range(0, cases.LENGTH_S, 5), *INSTANTS}), float)
"""All instants that the evaluator is asked for at once."""
VERSIONS = ("2.42", "2.53", "3.5")


def program(version):
    if version == "2.42":
        return need("promtool")
    return os.environ.get(f"PROMTOOL_{version.replace('.', '_')}") or pytest.skip(f"no promtool {version}")


@pytest.fixture(autouse=True)
def _samples_of_the_future(monkeypatch):
    """promtool answers questions when it has read everything, so negative offsets see what a server would not have yet."""
    looked_at = Moment.looked_at
    monkeypatch.setattr(Moment, "looked_at", lambda self, *moved: (looked_at(self, *moved)[0], None))


@functools.cache
def series():
    return tuple(cases.telemetry())


def real(version, exprs, instants=INSTANTS):
    with tempfile.TemporaryDirectory() as folder:
        features = () if version == "2.42" else ("promql-experimental-functions",)
        return answers(Path(folder), series(), exprs, instants, every_s=EVERY_S, program=program(version), features=features)


@functools.cache
def real_answers(version):
    return real(version, cases.expressions(version))


def evaluator(version):
    telemetry = Telemetry.of(series(), horizon_s=cases.LENGTH_S, scrape_interval_s=15)
    return Evaluator(telemetry, Profile(prometheus=version, evaluation_interval_s=EVERY_S))


def ours(one, version, expr, instants=INSTANTS, grid=GRID):
    vector = one.evaluate(parse(expr, version), grid)
    found = {}
    for at in instants:
        column = int(np.searchsorted(grid, at))
        if vector.failed is not None and vector.failed[column]:
            found[expr, at] = FAILED
        else:
            rows = np.flatnonzero(vector.present[:, column])
            found[expr, at] = {vector.labels[row]: float(vector.values[row, column]) for row in rows}
    return found


def same(one, other):
    if FAILED in (one, other):
        return one == other
    return one.keys() == other.keys() and all(
        (np.isnan(one[key]) and np.isnan(other[key])) or (one[key] == other[key] and np.signbit(one[key]) == np.signbit(other[key]))
        for key in one
    )


def differences(version, exprs, wanted):
    one = evaluator(version)
    found = {}
    for expr in exprs:
        found |= ours(one, version, expr)
    return [(expr, at, found[expr, at], wanted[expr, at]) for expr, at in found if not same(found[expr, at], wanted[expr, at])]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_function_and_operator_gives_the_floats_of_the_real_one(version):
    wanted = real_answers(version)
    exprs = cases.expressions(version)

    assert differences(version, exprs, wanted) == []
    assert len(exprs) > 1000
    something = sum(1 for answer in wanted.values() if answer)
    assert something > 0.7 * len(wanted)
    assert sum(1 for answer in wanted.values() if answer == FAILED) > 50


def test_every_function_is_asked_in_the_version_that_has_it():
    from workbench.promql.signatures import AGGREGATIONS, FUNCTIONS  # noqa: PLC0415 - read by this test only

    asked = " ".join(expr for version in VERSIONS for expr in cases.expressions(version))

    assert [name for name in (*FUNCTIONS, *AGGREGATIONS) if f"{name}(" not in asked and f"{name} by" not in asked] == [
        "first_over_time",
        "ts_of_first_over_time",
    ]


FAULTS = {
    "a mean of sums": (over_time, "step_of_mean", lambda mean, value, count: ((value - mean) / count, np.isinf(mean))),
    "sums without the carried error": (summation, "increased", lambda total, rest, added, **_: (total + added, rest)),
    "a quantile of what is there and what is not": (
        ranking,
        "_at",
        lambda ordered, index, _: ordered[index, np.arange(index.size)],
    ),
    "round half to even": (functions, "rounded", lambda given, _: functions._named(given, np.rint(given.values), given.present)),
    "modulo of the mathematicians": (operators._COMPUTE, "%", np.mod),
    "numpy's own logarithm": (functions.SIMPLE, "ln", np.log),
    "a filter that keeps the scalar": (
        operators,
        "with_scalar",
        lambda _expr, vector, *_, **__: operators.Vector(vector.labels, vector.values, vector.present),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_differs_from_the_real_one(monkeypatch, fault):
    wanted = real_answers("2.42")
    place, name, wrong = FAULTS[fault]
    if isinstance(place, dict):
        monkeypatch.setitem(place, name, wrong)
    else:
        for module in (place, over_time, summation, __import__("workbench.promql.moment", fromlist=["moment"])):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, wrong)
    some = [expr for expr in cases.expressions("2.42") if "[5m:" not in expr][::3]
    some += [expr for expr in cases.expressions("2.42") if expr.startswith(("round", "ln(", "avg_over", "odd %"))]
    with np.errstate(all="ignore"):
        assert differences("2.42", some, wanted)


def expressions():
    """Random expressions of every form, over the series of `cases`."""
    number = st.sampled_from(["0", "1", "-0.5", "2", "3", "0.25", "1e3", "NaN", "Inf"])
    duration = st.sampled_from(["30s", "47s", "1m", "2m", "5m", "7m30s", "10m"])
    moved = st.sampled_from(["", "", "", " offset 30s", " offset 2m", " offset -45s", " @ 900", " @ end()"])
    # Not ahead: where the first step of a subquery is the instant itself, Prometheus looks for `@` inside in the wrong place.
    back = st.sampled_from(["", " offset 30s", " offset 2m"])
    name = st.sampled_from(
        ["g", "odd", "nans", "infs", "up", "tiny_total", "req_total", "pair_a", "pair_b", "early", "late", "nothing"]
    )
    matcher = st.sampled_from(["", "", "", '{host="a"}', '{zone=~"x|z"}', '{job!="api"}', '{code!~"4.."}'])
    selector = st.builds("{}{}{}".format, name, matcher, moved)
    exact_over_time = st.sampled_from(
        [
            "min_over_time",
            "max_over_time",
            "count_over_time",
            "last_over_time",
            "changes",
            "resets",
            "sum_over_time",
            "present_over_time",
            "absent_over_time",
        ]
    )
    simple = st.sampled_from(["abs", "ceil", "floor", "sgn", "-", "+", "sort", "timestamp", "absent", "round"])
    grouping = st.sampled_from(["", " by (host)", " by (job, zone)", " without (host)", " without (code, i)", " by ()"])
    aggregation = st.sampled_from(["sum", "min", "max", "count", "group"])
    matching = st.sampled_from(
        ["", "", " on (host)", " on (j)", " ignoring (zone)", " on ()", " on (host) group_left ()", " on (j) group_right (extra)"]
    )
    operator = st.sampled_from(["+", "-", "*", "==", "!=", ">", "<=", "> bool", "== bool"])
    sets = st.sampled_from(["and", "or", "unless"])
    set_matching = st.sampled_from(["", "", " on (host)", " ignoring (zone)", " on ()"])

    def larger(inner):
        return st.one_of(
            st.builds("{}({})".format, simple, inner),
            st.builds("{}{} ({})".format, aggregation, grouping, inner),
            st.builds("({} {} {})".format, inner, operator, number),
            st.builds("({} {} {})".format, number, operator, inner),
            st.builds("({} {}{} {})".format, inner, operator, matching, inner),
            st.builds("({} {}{} {})".format, inner, sets, set_matching, inner),
            st.builds(
                "{}(({})[{}:{}]{})".format, exact_over_time, inner, duration, st.sampled_from(["15s", "30s", "1m", ""]), back
            ),
            st.builds("clamp_max({}, scalar({}))".format, inner, inner),
            st.builds("count_values{} ('v', {})".format, grouping, inner),
        )

    leaf = st.one_of(
        selector,
        st.builds("{}({}{}[{}]{})".format, exact_over_time, name, matcher, duration, moved),
        st.builds("{}(tiny_total[{}]{})".format, st.sampled_from(["rate", "increase", "delta", "irate"]), duration, moved),
        st.builds("vector({})".format, number),
    )
    return st.recursive(leaf, larger, max_leaves=5)


@pytest.mark.parametrize("version", VERSIONS)
@settings(
    derandomize=True, deadline=None, max_examples=6, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None
)
@given(exprs=st.lists(expressions(), min_size=60, max_size=60, unique=True))
def test_random_expressions_give_what_the_real_one_gives(version, exprs):
    instants = INSTANTS[1::2]
    wanted = real(version, exprs, instants)
    one = evaluator(version)
    for expr in exprs:
        found = ours(one, version, expr, instants)
        for key, value in found.items():
            assert same(value, wanted[key]), (key, value, wanted[key])
