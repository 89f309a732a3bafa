"""A result folder read back: the same telemetry to the bit, the same rules, profile, episodes and incidents."""

import dataclasses
import json

import numpy as np
import pytest

from tests.support.outcomes import synthetic_outcome
from workbench.alerts.rules import AlertRule, RecordingRule, RuleGroup
from workbench.errors import BadInput, CouldNotRun
from workbench.interop.prometheus import rule_file
from workbench.report.folder import write_folder
from workbench.report.results import read_results
from workbench.telemetry.series import STALE, Series, SeriesKey, Telemetry

GROUPS = (
    RuleGroup("first", (RecordingRule("a:b", "sum(a)", (("x", "y"),)),), 30.0, limit=3, query_offset_s=15.0, file="rules.yml"),
    RuleGroup(
        "second",
        (AlertRule("A", "a:b > 1", 60.0, 120.0, (("severity", "page"),), (("summary", "{{ $value }}"),)),),
        labels=(("t", "u"),),
    ),
)


def telemetry():
    times = np.arange(7.0, 3600.0, 15.0)
    coarse = np.arange(7.0, 3600.0, 300.0)
    odd = np.linspace(0, 9, len(times))
    odd[[3, 50]] = STALE
    odd[20] = np.nan
    odd[21] = np.inf
    series = [
        Series(SeriesKey.of("counts_total", code="200"), times, np.arange(len(times), dtype=np.int32)),
        Series(SeriesKey.of("counts_total", code="500"), times, np.arange(len(times), dtype=np.int64) * 2**40),
        Series(SeriesKey.of("odd", path='a"b\\c\n{}', empty="x"), times, odd),
        Series(SeriesKey.of("holey"), times[[1, 2, 9, 77]], np.array([1, 2, 3, 4], np.int32)),
        Series(SeriesKey.of("late_float"), times[100:], np.full(len(times) - 100, 0.1)),
        Series(SeriesKey.of("d_bucket", le="0.5"), coarse, np.arange(len(coarse))),
        Series(SeriesKey.of("d_bucket", le="+Inf"), coarse, np.arange(len(coarse)) * 3),
        Series(SeriesKey.of("d_bucket", le="1.0"), times, np.arange(len(times)) * 2),
    ]
    return Telemetry.of(series, horizon_s=3600.0, scrape_interval_s=15.0)


@pytest.fixture
def outcome():
    return dataclasses.replace(synthetic_outcome(), telemetry=telemetry(), rules=GROUPS, horizon_s=3600.0)


@pytest.fixture
def folder(tmp_path, outcome):
    write_folder(outcome, tmp_path / "run", force=False, html=None, rules=rule_file(GROUPS))
    return tmp_path / "run"


def test_every_series_comes_back_to_the_bit(folder, outcome):
    found = read_results(folder).telemetry(lambda _: True)

    assert [one.key for one in found] == [one.key for one in outcome.telemetry]
    for mine, theirs in zip(found, outcome.telemetry, strict=True):
        assert np.array_equal(mine.times, theirs.times)
        assert mine.values.dtype == theirs.values.dtype
        assert mine.values.tobytes() == theirs.values.tobytes()
    assert (found.horizon_s, found.scrape_interval_s) == (3600.0, 15.0)


def test_series_that_were_scraped_together_share_their_times(folder):
    found = read_results(folder).telemetry(lambda key: key.name == "counts_total")

    assert len({id(one.times) for one in found}) == 1


def test_only_what_is_wanted_is_read(folder):
    found = read_results(folder).telemetry(lambda key: key.name == "holey")

    assert [str(one.key) for one in found] == ["holey"]


def test_everything_else_comes_back_too(folder, outcome):
    found = read_results(folder)

    assert found.rules == outcome.rules
    assert found.profile == outcome.profile
    assert found.start == outcome.start
    assert found.episodes == outcome.episodes
    assert found.incidents == outcome.truth.incidents
    assert (folder / "rules.yml").read_text() == rule_file(GROUPS)


@pytest.mark.parametrize(
    ("spoil", "check"),
    [
        (lambda f: (f / "outcome.json").unlink(), "results/folder"),
        (lambda f: (f / "outcome.json").write_text("[]"), "results/version"),
        (lambda f: (f / "outcome.json").write_text("{"), "results/content"),
        (lambda f: (f / "outcome.json").write_text(json.dumps({"apiVersion": "workbench/outcome/v0"})), "results/version"),
        (lambda f: (f / "outcome.json").write_text(json.dumps({"apiVersion": "workbench/outcome/v1"})), "results/content"),
        (lambda f: (f / "outcome.json").write_bytes(b"\xff\xfe"), "results/content"),
    ],
)
def test_what_is_no_result_folder_is_refused(folder, spoil, check):
    spoil(folder)

    with pytest.raises(BadInput) as refused:
        read_results(folder)

    assert [problem.check for problem in refused.value.problems] == [check]


def test_broken_telemetry_is_told_with_its_file(folder):
    (folder / "telemetry.parquet").write_bytes(b"PAR1 no")

    with pytest.raises(CouldNotRun, match=r"telemetry\.parquet"):
        read_results(folder).telemetry(lambda _: True)
