"""Rules from objectives: the two-window burn-rate alerts of a policy, as Prometheus rule groups.

For one burn-rate rule of an SLO with target 99.9 %:

    (<error ratio over long> > 14.4 * 0.001 and <error ratio over short> > 14.4 * 0.001) / 0.001

The comparison stands as the Google SRE workbook gives it (chapter 5, "Alerting on SLOs"); dividing what passes by the budget makes
`$value` the burn rate.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from workbench.alerts.rules import AlertRule, RuleGroup
from workbench.alerts.vocabulary import Vocabulary, le_label, matching_routes
from workbench.scenario.schema.policy import BurnRateRule, EventsIndicator, LatencyIndicator, Policy, QueryIndicator, Slo
from workbench.units import DAY_S, HOUR_S, format_duration

_REGEX_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")


def rule_groups(policy: Policy, routes: Sequence[str], vocabulary: Vocabulary) -> tuple[RuleGroup, ...]:
    """One group for each SLO, sorted by name, with one alert for each burn-rate rule that it uses.

    `routes` are all routes of the telemetry. An SLO that covers none of them, or is limited to tiers that the telemetry does not
    know, gets no group.
    """
    groups = []
    for name in sorted(policy.slos):
        slo = policy.slos[name]
        used = sorted(policy.burn_rate_alerts) if slo.alerts is None else slo.alerts
        ratio = _ErrorRatio.of(slo, routes, vocabulary)
        rules = tuple(
            _alert(rule_name, policy.burn_rate_alerts[rule_name], name, slo, ratio)
            for rule_name in used
            if ratio is not None and rule_name in policy.burn_rate_alerts
        )
        if rules:
            groups.append(RuleGroup(name, rules))
    return tuple(groups)


def window_text(seconds: float) -> str:
    """A window as SREs write it: `5m`, `1h`, `72h`; days only from four on."""
    if seconds % HOUR_S == 0 and seconds < 4 * DAY_S:
        return f"{int(seconds // HOUR_S)}h"
    return format_duration(seconds)


def number_text(number: Decimal | float) -> str:
    """The shortest exact writing: `14.4`, `6`, `0.001`."""
    text = f"{Decimal(str(number)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class _ErrorRatio:
    """The error ratio of one SLO over any window, as PromQL."""

    def __init__(self, bad: str, total: str, *, complement: bool) -> None:
        self._bad = bad
        self._total = total
        self._complement = complement

    @classmethod
    def of(cls, slo: Slo, routes: Sequence[str], vocabulary: Vocabulary) -> _ErrorRatio | None:
        """None if the SLO covers nothing that the telemetry holds."""
        indicator = slo.indicator
        covered = matching_routes(indicator.routes, routes)
        if not covered or (indicator.tiers and vocabulary.tier_label is None):
            return None
        common = []
        if set(covered) != set(routes):
            common.append(_one_of(vocabulary.route_label, covered))
        if indicator.tiers and vocabulary.tier_label is not None:
            common.append(_one_of(vocabulary.tier_label, sorted(set(indicator.tiers))))
        if isinstance(indicator, LatencyIndicator):
            good = [f'le="{le_label(indicator.threshold)}"', *common]
            return cls(
                _selector(f"{vocabulary.latency}_bucket", good), _selector(f"{vocabulary.latency}_count", common), complement=True
            )
        if isinstance(indicator, QueryIndicator):
            return None
        return cls._of_events(indicator, common, vocabulary)

    @classmethod
    def _of_events(cls, indicator: EventsIndicator, common: list[str], vocabulary: Vocabulary) -> _ErrorRatio:
        if vocabulary.code_label is not None and indicator.exclude_codes:
            common = [*common, f'{vocabulary.code_label}!~"{_alternatives(indicator.exclude_codes)}"']
        total = _selector(vocabulary.requests, common)
        if vocabulary.errors is not None:
            return cls(_selector(vocabulary.errors, common), total, complement=False)
        assert vocabulary.code_label is not None, "errors are counted by code or by a counter of their own"  # noqa: S101
        bad = [*common, f'{vocabulary.code_label}=~"{_alternatives(indicator.bad_codes)}"']
        return cls(_selector(vocabulary.requests, bad), total, complement=False)

    def over(self, window: str) -> str:
        """The ratio over one window; for latency, one minus the share of fast requests."""
        ratio = f"sum(rate({self._bad}[{window}])) / sum(rate({self._total}[{window}]))"
        return f"1 - {ratio}" if self._complement else ratio


def _alert(name: str, rule: BurnRateRule, slo_name: str, slo: Slo, ratio: _ErrorRatio) -> AlertRule:
    budget = number_text(1 - slo.target)
    factor = number_text(rule.factor_for(30 * DAY_S if slo.window == "history" else slo.window))
    threshold = f"{factor} * {budget}"
    long, short = window_text(rule.long), window_text(rule.short)
    expr = f"({ratio.over(long)} > {threshold} and {ratio.over(short)} > {threshold}) / {budget}"
    summary = rule.summary or f"{slo_name} burns its error budget more than {factor} times too fast"
    description = (
        f"Over {long} the error budget of {slo_name} burns at {{{{ $value }}}} times the sustainable rate; "
        f"{factor} is the limit, and the last {short} are over it too."
    )
    return AlertRule(
        name=name,
        expr=expr,
        for_s=rule.for_,
        keep_firing_for_s=rule.keep_firing_for,
        labels=(("severity", rule.severity), ("slo", slo_name)),
        annotations=(("description", description), ("summary", summary)),
    )


def _selector(name: str, matchers: Sequence[str]) -> str:
    return f"{name}{{{','.join(matchers)}}}" if matchers else name


def _one_of(label: str, values: Sequence[str]) -> str:
    if len(values) == 1:
        return f'{label}="{_quoted(values[0])}"'
    return f'{label}=~"{_quoted("|".join(_escaped(value) for value in values))}"'


def _alternatives(patterns: Sequence[str]) -> str:
    return "|".join(patterns)


def _escaped(text: str) -> str:
    """Literal text as an RE2 pattern (regexp.QuoteMeta)."""
    return _REGEX_SPECIAL.sub(lambda match: "\\" + match[0], text)


def _quoted(text: str) -> str:
    """Text inside a double-quoted PromQL string."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
