"""An explanation on a terminal: the page that an on-call reads after a page that should not have been, in 80 columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from workbench.alerts.breakdown import Breakdown, Element, Look, Recorded
from workbench.alerts.rules import Episode
from workbench.alerts.states import Phase
from workbench.alerts.window_look import SeriesLook
from workbench.cli.show import printable
from workbench.promql.text import number_text
from workbench.promql.vector import Labels
from workbench.report.explanation import Explanation, matching
from workbench.report.explanation_words import deciding, holds, moment, sentence, short
from workbench.report.results import Results
from workbench.units import format_duration

MOST_ELEMENTS = 5
_PHASES = {Phase.FIRING: "bold red", Phase.PENDING: "yellow", Phase.INACTIVE: "green"}


def print_explanation(explanation: Explanation, results: Results, console: Console, *, series: int) -> None:
    """Print everything, the plain sentence first. Names come from files, so nothing of them is read as markup."""
    _Page(explanation, results, console, series).print()


class _Page:
    def __init__(self, explanation: Explanation, results: Results, console: Console, series: int) -> None:
        self._of, self._results, self._console, self._most = explanation, results, console, series

    def print(self) -> None:
        of = self._of
        self._say(f"{of.alert} {_labels(of.labels)}", style="bold")
        self._say(f"{self._moment(of.at_s)} ({format_duration(of.at_s)} into {self._results.name})", style="dim")
        self._console.print()
        self._say(sentence(of, self._results.start), style=_PHASES[of.phase])
        for near in of.near or ():
            one = near.incident
            self._say(f"{one.id} ({one.effect} of {one.target}) {near.text}.")
        if of.near is not None and not of.near:
            self._say("The run had no incident at all.")
        self._state()
        self._conditions(of.numbers)
        self._windows(of.numbers)
        for recorded in of.numbers.recorded:
            self._recorded(recorded)
        self._rule()
        if of.others:
            self._title("Other alerts of this name")
            for labels in of.others[:MOST_ELEMENTS]:
                self._say(f"--labels {','.join(f'{name}={text}' for name, text in labels)}", 2)
            if len(of.others) > MOST_ELEMENTS:
                self._say(f"and {len(of.others) - MOST_ELEMENTS} more", 2)

    def _state(self) -> None:
        of = self._of
        self._title("State")
        episode = of.episode
        if episode is not None:
            self._say(self._life(episode), 2)
            if of.missing_s is not None:
                self._say(
                    f"condition false since {self._moment(of.missing_s)}, keep_firing_for {self._for(of.rule.keep_firing_for_s)}", 2
                )
            if of.value is not None:
                self._say(f"$value {number_text(of.value)}", 2)
            for name, text in of.annotations:
                self._say(f"{name}: {text}", 2)
        else:
            self._say("inactive", 2)
        self._say(f"before: {self._life(of.previous)}" if of.previous is not None else "before: never", 2, style="dim")
        self._say(f"after:  {self._life(of.next)}" if of.next is not None else "after:  never again", 2, style="dim")

    def _life(self, episode: Episode) -> str:
        parts = [f"pending {self._moment(episode.pending_at_s)}"]
        parts.append(f"firing {self._time(episode.firing_at_s)}" if episode.firing_at_s is not None else "never firing")
        parts.append(f"over {self._time(episode.resolved_at_s)}" if episode.resolved_at_s is not None else "open at the end")
        return ", ".join(parts)

    def _conditions(self, numbers: Breakdown, indent: int = 0) -> None:
        if not numbers.comparisons:
            if not indent:
                self._title("Result of the expression")
            self._elements(numbers.elements, indent + 2)
            return
        if not indent:
            self._title("Conditions")
        if len(numbers.comparisons) > 1:
            self._say(numbers.structure, indent + 2, style="dim")
        for number, one in enumerate(numbers.comparisons, 1):
            row = deciding(one, self._of)
            mark = "true " if holds(one, self._of) else "false"
            style = "green" if holds(one, self._of) else "red"
            windows = "/".join(format_duration(window_s) for window_s in one.windows_s)
            head = f"{number}  {mark}  " + (f"[{windows}]  " if windows else "")
            if row is None or row.left is None or row.right is None:
                self._say(
                    f"{head}nothing to compare: {len(one.left)} elements {one.operator} {len(one.right)}", indent + 2, style=style
                )
            else:
                limit = one.right_text if one.right_text == short(row.right) else f"{one.right_text} = {short(row.right)}"
                if len(limit) > 40:
                    limit = short(row.right)
                text = f"{head}{short(row.left)} {one.operator} {limit}"
                if one.factor is not None and one.budget:
                    text += f"  (burn {short(row.left / one.budget)}, limit {short(one.factor)})"
                self._say(text, indent + 2, style=style)
            rest = len(matching(one, self._of.labels)) - 1
            if rest > 0:
                self._say(f"and {rest} more elements", indent + 12, style="dim")

    def _elements(self, elements: Sequence[Element], indent: int) -> None:
        for one in elements[:MOST_ELEMENTS]:
            self._say(f"{_labels(one.labels)} {number_text(one.value)}", indent)
        if len(elements) > MOST_ELEMENTS:
            self._say(f"and {len(elements) - MOST_ELEMENTS} more", indent)
        if not elements:
            self._say("no element", indent)

    def _windows(self, numbers: Breakdown, indent: int = 0) -> None:
        if numbers.looks and not indent:
            self._title("Windows")
        for look in numbers.looks:
            self._window(look, indent + 2)

    def _window(self, look: Look, indent: int) -> None:
        begin, end = self._time(look.begin_s), self._time(look.end_s)
        self._say(f"{look.function}[{format_duration(look.window_s)}] of {look.selector}", indent)
        told = [one for one in look.series if one.counted is not None]
        samples = sorted({one.samples for one in look.series})
        if not look.series:
            self._say("no such series", indent + 2, style="red")
            return
        count = f"{len(look.series)} series" if len(told) == len(look.series) else f"{len(told)} of {len(look.series)} series"
        held = f"{samples[0]}" if len(samples) == 1 else f"{samples[0]} to {samples[-1]}"
        first = min((one.first_s for one in look.series if one.first_s is not None), default=None)
        last = max((one.last_s for one in look.series if one.last_s is not None), default=None)
        span = f", {self._time(first)} to {self._time(last)}" if first is not None and last is not None else ""
        self._say(f"{count}, {held} samples each{span} (window {begin} to {end})", indent + 2, style="dim")
        if look.function in {"rate", "increase"} and told:
            self._say(_summed(told), indent + 2)
            for one in sorted(told, key=lambda one: (-(one.increase or 0.0), one.key))[: self._most] if len(told) > 1 else ():
                self._say(f"{_labels(one.key.labels)}", indent + 4, style="dim")
                self._say(_one(one), indent + 6, style="dim")

    def _recorded(self, recorded: Recorded, indent: int = 0) -> None:
        if not indent:
            self._title("Recorded by rules")
        group = recorded.group.name
        self._say(f"{recorded.record} at {self._time(recorded.at_s)}, group {group}", indent + 2, style="bold")
        self._elements(recorded.elements, indent + 4)
        self._say(recorded.behind.expr, indent + 4, style="dim")
        self._windows(recorded.behind, indent + 2)
        for deeper in recorded.behind.recorded:
            self._recorded(deeper, indent + 2)

    def _rule(self) -> None:
        of = self._of
        interval = of.group.interval_s or self._results.profile.evaluation_interval_s
        self._title("Rule")
        self._say(of.numbers.expr, 2)
        held = f"for {self._for(of.rule.for_s)}"
        if of.rule.keep_firing_for_s:
            held += f", keep_firing_for {self._for(of.rule.keep_firing_for_s)}"
        prometheus = f"Prometheus {self._results.profile.prometheus}"
        self._say(f"{held}; group {of.group.name}, evaluated every {self._for(interval)}, {prometheus}", 2, style="dim")

    def _moment(self, at_s: float) -> str:
        return moment(self._results.start, at_s)

    def _time(self, at_s: float | None) -> str:
        """The time of day, with its date if it is not the day of the evaluation."""
        if at_s is None:
            return "never"
        same = self._moment(at_s)[:10] == self._moment(self._of.at_s)[:10]
        return moment(self._results.start, at_s, day=not same)

    @staticmethod
    def _for(seconds: float) -> str:
        return format_duration(seconds)

    def _title(self, text: str) -> None:
        self._console.print()
        self._console.print(Text(text, style="bold"))

    def _say(self, text: str, indent: int = 0, style: str = "") -> None:
        self._console.print(Padding(Text(printable(text), style=style, overflow="fold"), (0, 0, 0, indent), expand=False))


def _summed(told: Sequence[SeriesLook]) -> str:
    """What all series of a window count together."""
    factors = sorted({round(one.factor, 6) for one in told if one.factor is not None})
    factor = short(factors[0]) if len(factors) == 1 else f"{short(factors[0])} to {short(factors[-1])}"
    text = (
        f"counted {short(sum(one.counted or 0.0 for one in told))} x {factor}"
        f" = {short(sum(one.increase or 0.0 for one in told))}, {short(sum(one.rate or 0.0 for one in told))}/s"
    )
    clamped, resets = sum(one.clamped for one in told), sum(one.resets for one in told)
    if clamped:
        text += f"; zero clamp bound in {clamped} series"
    if resets:
        text += f"; {resets} counter resets"
    return text


def _one(one: SeriesLook) -> str:
    """What one series counts."""
    assert one.first_value is not None  # noqa: S101 - it has two samples
    assert one.last_value is not None  # noqa: S101 - it has two samples
    text = (
        f"{number_text(one.first_value)} to {number_text(one.last_value)}: counted {short(one.counted or 0.0)} x {one.factor:.6g}"
    )
    return text + (" (zero clamp)" if one.clamped else "") + (f", {one.resets} resets" if one.resets else "")


def _labels(labels: Labels) -> str:
    return "{" + ", ".join(f"{name}={text}" for name, text in labels) + "}"
