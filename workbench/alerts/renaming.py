"""The `metrics:` map of a policy: simulated metrics, labels and values under the names that the user's rules know.

The renamed telemetry is a view: it shares every array with the one that it was made of, so it may be made before the arrays are
filled. Names, labels and values that meet are refused with both origins; nothing is ever added up in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from workbench.alerts.vocabulary import Vocabulary
from workbench.errors import BadInput, Problem, Severity
from workbench.scenario.names import listed, nearest
from workbench.scenario.schema.naming import MetricsMap
from workbench.scenario.tree import format_path
from workbench.telemetry.series import Series, SeriesKey, Telemetry

SUFFIXES = ("_bucket", "_count", "_sum")
"""Of a histogram's series; they follow its stem."""


@dataclass(frozen=True, eq=False)
class Renaming:
    """A map made ready."""

    stated: MetricsMap

    @property
    def is_empty(self) -> bool:
        """Whether everything keeps its name."""
        return not (self.stated.names or self.stated.labels or self.stated.values or self.stated.add)

    def telemetry(self, given: Telemetry) -> Telemetry:
        """The telemetry under the user's names; the same value if nothing is renamed.

        Raises BadInput for series, metrics and labels that would get the name of another.
        """
        if self.is_empty:
            return given
        problems = list(self._collisions(given))
        if problems:
            raise BadInput(problems)
        series = [Series(self.key(one.key, given), one.times, one.values) for one in given.series]
        return Telemetry.of(series, horizon_s=given.horizon_s, scrape_interval_s=given.scrape_interval_s)

    def vocabulary(self, given: Vocabulary) -> Vocabulary:
        """The vocabulary of the renamed telemetry."""
        if self.is_empty:
            return given
        label = self.stated.labels.get

        def renamed(name: str | None) -> str | None:
            return None if name is None else label(name, name)

        texts = tuple(
            (label(name, name), before, after) for name, values in self.stated.values.items() for before, after in values.items()
        )
        return replace(
            given,
            requests=self.stated.names.get(given.requests, given.requests),
            errors=None if given.errors is None else self.stated.names.get(given.errors, given.errors),
            latency=self.stated.names.get(given.latency, given.latency),
            route_label=label(given.route_label, given.route_label),
            tier_label=renamed(given.tier_label),
            code_label=renamed(given.code_label),
            texts=texts,
        )

    def key(self, key: SeriesKey, telemetry: Telemetry) -> SeriesKey:
        """The key of one series under the user's names; `telemetry` holds all of them."""
        labels = {self.stated.labels.get(name, name): self.stated.values.get(name, {}).get(text, text) for name, text in key.labels}
        return SeriesKey.of(self._name(key.name, telemetry), {**labels, **self.stated.add})

    def unknown(self, telemetry: Telemetry) -> Iterator[Problem]:
        """Names, labels and values of the map that the telemetry does not have: they change nothing."""
        names = {
            *telemetry.names,
            *(name.removesuffix(suffix) for name in telemetry.names for suffix in SUFFIXES if name.endswith(suffix)),
        }
        values: dict[str, set[str]] = {}
        for one in telemetry.series:
            for label, text in one.key.labels:
                values.setdefault(label, set()).add(text)
        for name in self.stated.names:
            if name not in names:
                yield _unknown(("metrics", "names", name), f"there is no simulated metric {name}", name, names)
        for label in self.stated.labels:
            if label not in values:
                yield _unknown(("metrics", "labels", label), f"no simulated series has the label {label}", label, values)
        for label, texts in self.stated.values.items():
            if label not in values:
                yield _unknown(("metrics", "values", label), f"no simulated series has the label {label}", label, values)
                continue
            for text in texts:
                if text not in values[label]:
                    yield _unknown(
                        ("metrics", "values", label, text), f"no simulated series has {label}={text!r}", text, values[label]
                    )

    def _name(self, name: str, telemetry: Telemetry) -> str:
        stated = self.stated.names
        if name in stated:
            return stated[name]
        for suffix in SUFFIXES:
            stem = name.removesuffix(suffix)
            if stem != name and stem in stated and f"{stem}_bucket" in telemetry.by_name:
                return stated[stem] + suffix
        return name

    def _collisions(self, telemetry: Telemetry) -> Iterator[Problem]:
        for label in ("le", "__name__"):
            for part in ("labels", "values"):
                if label in getattr(self.stated, part):
                    message = f"{label} has a meaning of its own and keeps its name and values"
                    yield Problem("metrics/reserved", message, path=format_path(("metrics", part, label)))
        yield from self._names_that_meet(telemetry)
        found = list(self._labels_that_meet(telemetry))
        yield from found
        if not found:
            yield from self._series_that_meet(telemetry)

    def _names_that_meet(self, telemetry: Telemetry) -> Iterator[Problem]:
        taken: dict[str, str] = {}
        for name in telemetry.names:
            own = self._name(name, telemetry)
            if own in taken:
                message = f"{taken[own]} and {name} would both be called {own}"
                stated = name if name in self.stated.names else taken[own]
                yield Problem("metrics/collision", message, path=format_path(("metrics", "names", stated)), found=own)
            taken.setdefault(own, name)

    def _labels_that_meet(self, telemetry: Telemetry) -> Iterator[Problem]:
        seen: set[tuple[str, str]] = set()
        for sets in {tuple(name for name, _ in one.key.labels): one.key.name for one in telemetry.series}.items():
            labels, metric = sets
            taken = {name: f"the added label {name}" for name in self.stated.add}
            for name in labels:
                own = self.stated.labels.get(name, name)
                if own in taken and (own, name) not in seen:
                    seen.add((own, name))
                    part = (
                        ("add", own) if own in self.stated.add else ("labels", name if name in self.stated.labels else taken[own])
                    )
                    message = f"{taken[own]} and the label {name} of {metric} would both be called {own}"
                    yield Problem("metrics/collision", message, path=format_path(("metrics", *part)), found=own)
                taken.setdefault(own, name)

    def _series_that_meet(self, telemetry: Telemetry) -> Iterator[Problem]:
        taken: dict[SeriesKey, SeriesKey] = {}
        shown = 0
        for one in telemetry.series:
            own = self.key(one.key, telemetry)
            if own in taken:
                shown += 1
                if shown > 5:
                    return
                message = f"{taken[own]} and {one.key} would be one series, {own}"
                yield Problem("metrics/collision", message, path="metrics.values", allowed="a name of its own for each value")
            taken.setdefault(own, one.key)


def _unknown(path: tuple[str, ...], message: str, found: str, among: Iterable[str]) -> Problem:
    names = sorted(among)
    return Problem(
        "metrics/unknown",
        f"{message}: this line of the map changes nothing",
        Severity.WARNING,
        path=format_path(path),
        found=found,
        allowed=listed(names),
        nearest=nearest(found, names),
    )
