"""Evaluators that are nearly right: each must fail the cases that promtool passes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.promtool_files import answer
from workbench.promql import operators, ranges, rates
from workbench.promql.dialect import Dialect
from workbench.promql.windows import Windows

CASES = sorted((Path(__file__).parent / "cases").glob("*.yml"))


def wrong_answers():
    return [wrong for path in CASES for wrong in answer(path, "2.42").wrong]


def only_windows(monkeypatch, admitted):
    over = Windows.over

    def fewer(*arguments, **named):
        windows = over(*arguments, **named)
        wanted = admitted(windows)
        return replace(windows, enough=windows.enough & wanted, low=np.where(wanted, windows.low, windows.high))

    monkeypatch.setattr(Windows, "over", fewer)


def plain_differences(monkeypatch):
    monkeypatch.setattr(ranges, "extrapolated", lambda _begin, delta, *_, **__: delta)


def no_zero_clamp(monkeypatch):
    monkeypatch.setattr(ranges, "extrapolated", lambda *args, **_: rates.extrapolated(*args, counter=False))


def the_other_boundary(monkeypatch):
    of = Dialect.of
    monkeypatch.setattr(Dialect, "of", lambda profile: replace(of(profile), left_open=True))


def restarts_ignored(monkeypatch):
    monkeypatch.setattr(ranges, "increments", lambda values, low, high: values[:, high] - values[:, low])
    monkeypatch.setattr(ranges, "with_drops", lambda delta, *_: delta)


def waits_for_a_full_window(monkeypatch):
    only_windows(monkeypatch, lambda windows: windows.left_s < windows.threshold_s)


def no_data_a_minute_after_the_last_scrape(monkeypatch):
    only_windows(monkeypatch, lambda windows: windows.right_s < 60)


def at_least_instead_of_more(monkeypatch):
    monkeypatch.setitem(operators._COMPUTE, ">", np.greater_equal)


def decimal_thresholds(monkeypatch):
    monkeypatch.setitem(operators._COMPUTE, "*", lambda a, b: np.round(np.multiply(a, b), 12))


def nan_is_over_everything(monkeypatch):
    monkeypatch.setitem(operators._COMPUTE, ">", lambda a, b: ~np.less_equal(a, b))


FAULTS = (
    plain_differences,
    no_zero_clamp,
    the_other_boundary,
    restarts_ignored,
    waits_for_a_full_window,
    no_data_a_minute_after_the_last_scrape,
    at_least_instead_of_more,
    decimal_thresholds,
    nan_is_over_everything,
)


def test_the_evaluator_itself_answers_every_case():
    assert wrong_answers() == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_nearly_right_evaluator_fails_a_case(monkeypatch, fault):
    fault(monkeypatch)

    assert wrong_answers() != []
