"""The rule manager of Prometheus, instant by instant and rule by rule, as plainly as it can be written.

After rules/group.go, recording.go, alerting.go and tsdb/head_append.go. Slow. It shares the evaluator of expressions and the
templates with the engine, and nothing else.
"""

from collections import defaultdict

import numpy as np

from workbench.alerts.rules import AlertRule
from workbench.alerts.templates import compile_template
from workbench.promql.evaluate import Evaluator
from workbench.promql.parse import parse
from workbench.telemetry.series import STALE, Series, SeriesKey, Telemetry, is_stale


class PlainRules:
    """Everything that the rules of some groups write and do up to a time."""

    def __init__(self, groups, telemetry, profile, until_s):
        self.telemetry, self.profile = telemetry, profile
        self.samples = defaultdict(list)
        self.failures = defaultdict(list)
        self.episodes = []
        self._returned = defaultdict(set)
        self._active = defaultdict(dict)
        steps = [round((g.interval_s or profile.evaluation_interval_s) * 1000) for g in groups]
        for now in sorted({at for step in steps for at in range(0, round(until_s * 1000) + 1, step)}):
            place = 0
            for group, step in zip(groups, steps, strict=True):
                for rule in group.rules:
                    if now % step == 0:
                        self._evaluate(place, group, rule, now)
                    place += 1
        for active in self._active.values():
            self.episodes += [self._episode(alert, None) for alert in active.values()]

    def _evaluate(self, place, group, rule, now):
        stamp = now - round(group.query_offset_s * 1000)
        elements = self._query(rule.expr, stamp)
        results = None
        if elements is not None:
            take = self._alert if isinstance(rule, AlertRule) else self._record
            results = take(place, group, rule, elements, now)
        if results is None:
            self.failures[place].append(now / 1000)
            return
        returned = {key for key, value in results if self._append(key, stamp, value)}
        for key in self._returned[place] - returned:
            self._append(key, stamp, STALE)
        self._returned[place] = returned

    def _query(self, text, at):
        written = [
            Series(key, np.array([t / 1000 for t, _ in some]), np.array([v for _, v in some])) for key, some in self.samples.items()
        ]
        everything = Telemetry.of([*self.telemetry, *written], horizon_s=0, scrape_interval_s=15)
        vector = Evaluator(everything, self.profile).evaluate(parse(text), np.array([at / 1000]))
        if vector.failed is not None:
            return None
        return [(dict(labels), float(row[0])) for labels, row in zip(vector.labels, vector.values, strict=True)]

    def _record(self, _place, group, rule, elements, _now):
        found = []
        for labels, value in elements:
            named = {**labels, **dict(group.labels), **dict(rule.labels)}
            named.pop("__name__", None)
            found.append((SeriesKey.of(rule.record, named), value))
        if len({key for key, _ in found}) < len(found) or 0 < group.limit < len(found):
            return None
        return found

    def _alert(self, place, group, rule, elements, now):
        texts = {**dict(group.labels), **dict(rule.labels)}
        results = {}
        for given, value in elements:
            ours = {name: compile_template(text).render(given, value, now / 1000, None) for name, text in texts.items()}
            named = {k: v for k, v in {**given, **ours, "alertname": rule.name}.items() if v and k != "__name__"}
            key = tuple(sorted(named.items()))
            if key in results:
                return None
            results[key] = value
        active = self._active[place]
        for key in results:
            if key not in active:
                active[key] = {"rule": rule, "labels": key, "at": now, "fired": None, "since": None}
        found = []
        for key, alert in list(active.items()):
            if key in results:
                alert["since"] = None
            elif alert["fired"] is not None and rule.keep_firing_for_s > 0:
                alert["since"] = now if alert["since"] is None else alert["since"]
                if now - alert["since"] >= rule.keep_firing_for_s * 1000:
                    self._end(active, key, now)
                    continue
            else:
                self._end(active, key, now)
                continue
            if alert["fired"] is None and now - alert["at"] >= rule.for_s * 1000:
                alert["fired"] = now
            common = {**texts, **dict(key), "alertname": rule.name}
            state = "pending" if alert["fired"] is None else "firing"
            found.append((SeriesKey.of("ALERTS", {**common, "alertstate": state}), 1.0))
            found.append((SeriesKey.of("ALERTS_FOR_STATE", common), float(alert["at"] // 1000)))
        if 0 < group.limit < len(active):
            for key, alert in list(active.items()):
                if alert["at"] < now:
                    alert["fired"] = None if alert["fired"] == now else alert["fired"]
                    self._end(active, key, now)
            active.clear()
            return None
        return found

    def _end(self, active, key, now):
        self.episodes.append(self._episode(active.pop(key), now))

    def _episode(self, alert, end):
        labels = tuple(pair for pair in alert["labels"] if pair[0] != "alertname")
        return alert["at"] / 1000, alert["rule"].name, labels, _seconds(alert["fired"]), _seconds(end)

    def _append(self, key, stamp, value):
        some = self.samples[key]
        if some and stamp < some[-1][0]:
            return False
        if some and stamp == some[-1][0]:
            return repr(some[-1][1]) == repr(value) and stale(some[-1][1]) == stale(value)
        some.append((stamp, value))
        return True


def stale(value):
    return bool(is_stale(np.array([value]))[0])


def _seconds(ms):
    return None if ms is None else ms / 1000
