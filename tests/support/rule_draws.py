"""Random histories and rule files with everything that is hard, for comparison with the real rule manager."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from workbench.alerts.rules import AlertRule, RecordingRule, RuleGroup
from workbench.telemetry.series import STALE, Series, SeriesKey, Telemetry

SCRAPE_S, EVERY_S, UNTIL_S = 15, 15, 1500
NAMES = "rec:.*|ALERTS.*"
"""Every series that the rules here write."""

windows = st.sampled_from(["30s", "1m", "90s", "2m", "5m", "10m", "20s"])
offsets = st.sampled_from(["15s", "30s", "1m", "40s"])
levels = st.sampled_from(["0", "0.05", "0.1", "0.3", "1", "2"])
waits = st.sampled_from([0, 0, 15, 20, 30, 45, 120])


@dataclass(frozen=True)
class History:
    """How to make a random history; it is made anew each time, so that a test may change it."""

    seed: int
    phase_s: int = 7
    gaps: float = 0.0
    stale: float = 0.0
    restarts: float = 0.0
    traffic: tuple = (5, 5)
    errors: tuple = (0.02, 0.3)
    until_s: int = UNTIL_S

    def telemetry(self):
        """`req` and `err` of two routes, and a gauge `g` of two kinds."""
        rng = np.random.default_rng(self.seed)
        series = []
        for route, traffic, errors in zip("ab", self.traffic, self.errors, strict=True):
            for name, rate in (("req", traffic), ("err", traffic * errors)):
                times = self._times(rng)
                rates = np.full(len(times), rate)
                burst = rng.integers(0, len(times))
                rates[burst : burst + 12] *= 20
                values = np.cumsum(rng.poisson(rates)).astype(float)
                for at in np.flatnonzero(rng.random(len(times)) < self.restarts):
                    values[at:] -= values[at] if rng.random() < 0.8 else values[at] // 2
                series.append(self._series(rng, name, {"route": route}, times, values))
        for kind in "xy":
            times = self._times(rng)
            values = np.repeat(rng.choice([0.0, 0.1, 0.5, 1.0, 3.0, np.nan], len(times)), rng.integers(1, 7))[: len(times)]
            series.append(self._series(rng, "g", {"kind": kind}, times, values))
        return Telemetry.of(series, horizon_s=self.until_s, scrape_interval_s=SCRAPE_S)

    def _times(self, rng):
        times = np.arange(self.until_s // SCRAPE_S) * float(SCRAPE_S) + self.phase_s
        return times[rng.random(len(times)) >= self.gaps]

    def _series(self, rng, name, labels, times, values):
        values = values.copy()
        values[rng.random(len(times)) < self.stale] = STALE
        return Series(SeriesKey.of(name, labels), times, values)


histories = st.builds(
    History,
    seed=st.integers(0, 2**32 - 1),
    phase_s=st.sampled_from([7, 0, 11]),
    gaps=st.sampled_from([0, 0.05, 0.3]),
    stale=st.sampled_from([0, 0.03, 0.2]),
    restarts=st.sampled_from([0, 0.03]),
    traffic=st.tuples(*[st.sampled_from([5, 0.02, 0.3, 40])] * 2),
    errors=st.tuples(*[st.sampled_from([0.02, 0, 0.3])] * 2),
)
"""Restarts, gaps, stale markers, NaN, hardly any traffic."""


def scraped(draw):
    window, level = draw(windows), draw(levels)
    return draw(
        st.sampled_from(
            [
                f"sum(rate(err[{window}])) / sum(rate(req[{window}]))",
                f"sum by (route) (rate(err[{window}])) / sum by (route) (rate(req[{window}]))",
                f"rate(err[{window}]) > {level}",
                f"sum by (route) (increase(req[{window}]))",
                f"g > {level}",
                "g != 1",
                "g / (g > bool 0)",
                f"max(g) > {level} and count(req) > 1",
                f"err - err offset {draw(offsets)}",
                f"resets(req[{window}]) > 0",
                f"count_over_time(g[{window}]) < 3",
                "vector(time())",
                "g > 1 or vector(0.25)",
                f"avg_over_time(g[{window}]) > {level}",
                f"absent(err > {level})",
            ]
        )
    )


def written(draw, record, alert):
    """An expression over what rules write: any of them, itself and later ones too."""
    window, level, offset = draw(windows), draw(levels), draw(offsets)
    state = draw(st.sampled_from(["pending", "firing"]))
    return draw(
        st.sampled_from(
            [
                record,
                f"{record} > {level}",
                f"{record} <= {level}",
                f"{record} offset {offset}",
                f"{record} - {record} offset {offset}",
                f"max({record}) - min({record})",
                f"({record} offset {offset}) + 1 or g",
                f"(max({record}) or vector(0)) + 1",
                f"count_over_time({record}[{window}])",
                f"rate({record}[{window}])",
                f"{record} unless {record} offset {offset}",
                f'ALERTS{{alertname="{alert}"}}',
                f'ALERTS{{alertstate="{state}"}} > 0',
                f'count(ALERTS{{alertname="{alert}",alertstate="{state}"}})',
                f'time() - ALERTS_FOR_STATE{{alertname="{alert}"}} > 30',
                f"count_over_time(ALERTS[{window}]) > 2",
                f"max_over_time({record}[{window}])",
                f"last_over_time({record}[{window}]) > {level}",
                f"changes({record}[{window}]) > 1",
                f"count_over_time({record}[{window}:15s])",
                f"max_over_time(({record} > {level})[{window}:])",
                f"min_over_time({record}[{window}:20s] offset {offset})",
                f"{record} offset -{offset}",
                f"{record} @ 600",
                f"absent({record} > {level})",
                f'max_over_time(ALERTS{{alertstate="firing"}}[{window}:30s])',
                f"label_replace({record}, 'team', '$1', 'route', '(.*)') > {level}",
                f"timestamp({record})",
                "count({__name__=~'rec:.*'})",
                "max by (route) ({__name__=~'rec:[0-2]'})",
            ]
        )
    )


# A label whose template comes out empty has the template's text in ALERTS: two alerts may then write one series in any order.
texts = st.sampled_from(["page", "", "r-{{ $labels.route }}", "k-{{ $labels.kind }}", "{{ $value }}"])
labels = st.dictionaries(st.sampled_from(["severity", "team"] * 4 + ["route", "kind"]), texts, max_size=2)
plain_labels = st.dictionaries(
    st.sampled_from(["severity", "team", "severity", "team", "severity", "route", "kind"]),
    st.sampled_from(["page", "", "x"]),
    max_size=1,
)


@st.composite
def rule_files(draw):
    """One to three groups of rules that read scraped series and each other."""
    kinds = draw(st.lists(st.sampled_from(["record", "record", "alert"]), min_size=2, max_size=7))
    records = [f"rec:{at}" for at, kind in enumerate(kinds) if kind == "record"] or ["rec:none"]
    alerts = [f"A{at}" for at, kind in enumerate(kinds) if kind == "alert"] or ["None"]
    rules = []
    for at, kind in enumerate(kinds):
        expr = scraped(draw)
        if draw(st.booleans()):
            expr = written(draw, draw(st.sampled_from(records)), draw(st.sampled_from(alerts)))
        if kind == "record":
            rules.append(RecordingRule(f"rec:{at}", expr, _pairs(draw(plain_labels))))
        else:
            rules.append(AlertRule(f"A{at}", expr, float(draw(waits)), float(draw(waits)), _pairs(draw(labels))))
    cuts = sorted(draw(st.lists(st.integers(1, len(rules)), max_size=2, unique=True)))
    parts = [rules[a:b] for a, b in zip([0, *cuts], [*cuts, len(rules)], strict=True)]
    limits = st.sampled_from([0] * 12 + [1, 2, 3, 4])
    return tuple(RuleGroup(f"g{at}", tuple(part), limit=draw(limits)) for at, part in enumerate(parts) if part)


def _pairs(given):
    return tuple(sorted(given.items()))
