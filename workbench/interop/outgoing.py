"""What every export starts from: objectives with their queries and rules, and what cannot be said in the other format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from workbench.alerts.burn_rules import BurnRule, burn_rules, rule_names, window_of
from workbench.alerts.numbers import number_text
from workbench.alerts.readiness import require_ready
from workbench.alerts.renaming import Renaming
from workbench.alerts.sli import Sli, sli_anywhere, sli_of
from workbench.alerts.vocabulary import SIMULATED, Vocabulary
from workbench.errors import BadInput, Problem, Severity
from workbench.scenario.names import listed
from workbench.scenario.schema.policy import Policy, Slo
from workbench.scenario.tree import format_path
from workbench.units import format_duration


@dataclass(frozen=True)
class Outgoing:
    """One objective on its way out."""

    name: str
    slo: Slo
    sli: Sli
    rules: tuple[BurnRule, ...]
    window_s: float


@dataclass
class Said:
    """What an export has to say beside its documents."""

    format: str
    """`Sloth`, `OpenSLO v1`, `Pyrra`."""
    only_rules: bool = False
    """The format holds no objectives, so what these say beside rules is not missed."""
    history_s: float | None = None
    """What `window: history` stands for, in seconds; None if nothing says."""
    problems: list[Problem] = field(default_factory=list)
    _shared: dict[tuple[str, Severity], list[str]] = field(default_factory=dict)

    def warn(self, message: str, *path: str | int) -> None:
        """Something that the format cannot hold and that is left out or changed."""
        self.problems.append(Problem("export/not-held", f"{self.format}: {message}", Severity.WARNING, path=format_path(path)))

    def note(self, message: str, *path: str | int) -> None:
        """Something that the format cannot hold and on which no rule depends."""
        self.problems.append(Problem("export/not-held", f"{self.format}: {message}", Severity.INFO, path=format_path(path)))

    def refuse(self, message: str, *path: str | int) -> None:
        """Something that the format cannot hold and without which the objective would be another."""
        self.problems.append(Problem("export/refused", f"{self.format}: {message}", path=format_path(path)))

    def of_objective(self, message: str, name: str, severity: Severity = Severity.WARNING) -> None:
        """The same thing to say of several objectives: said once, with all of them, when it settles."""
        self._shared.setdefault((message, severity), []).append(name)

    def settle(self) -> None:
        """Say what several objectives share; raise BadInput if anything was refused."""
        for (message, severity), names in self._shared.items():
            text = f"{self.format}: {message} ({listed(names)})"
            self.problems.append(Problem("export/not-held", text, severity, path=format_path(("slos", names[0]))))
        self._shared.clear()
        if refused := [problem for problem in self.problems if problem.severity is Severity.ERROR]:
            raise BadInput(refused)


def vocabulary_of(policy: Policy) -> Vocabulary:
    """The names under which the policy's `metrics` say that telemetry holds requests."""
    return Renaming(policy.metrics).vocabulary(SIMULATED)


def outgoing(policy: Policy, routes: Sequence[str] | None, said: Said) -> tuple[Outgoing, ...]:
    """Every objective, in the policy's order. `routes` are those of the world; None where no world is known.

    Raises BadInput for rules that cannot be made.
    """
    require_ready(policy)
    vocabulary = vocabulary_of(policy)
    found = []
    for name, slo in policy.slos.items():
        known = sli_anywhere(slo.indicator, vocabulary) if routes is None else sli_of(slo.indicator, routes, vocabulary)
        if known is None:
            said.warn("the objective covers no route of the world and is left out", "slos", name)
        else:
            window_s = window_of(slo, said.history_s)
            found.append(Outgoing(name, slo, known, burn_rules(policy, name, said.history_s), window_s))
    _about(policy, said)
    return tuple(found)


def _about(policy: Policy, said: Said) -> None:
    """What no other format has; said once for all objectives."""
    for name, slo in policy.slos.items():
        if slo.window == "history" and not (said.only_rules and said.history_s):
            length = format_duration(window_of(slo, said.history_s))
            said.warn(f"the window `history` is the length of what is measured; {length} is written", "slos", name, "window")
    if said.only_rules:
        return
    for key in ("owner", "consequence"):
        if stated := [name for name, slo in policy.slos.items() if getattr(slo, key)]:
            said.note(f"{key} is not held ({listed(stated)})", "slos", stated[0], key)
    for key in ("slas", "budget_levels"):
        if key in policy.model_fields_set and getattr(policy, key):
            said.note(f"{key} are not held", key)


def rule_path(policy: Policy, slo: str, rule: BurnRule) -> tuple[str, ...]:
    """Where a rule is stated: among the policy's own, or by the preset."""
    if rule.name in policy.burn_rate_alerts:
        return ("burn_rate_alerts", rule.name)
    return ("slos", slo) if rule.name in rule_names(policy) and policy.alert_preset == "none" else ("alert_preset",)


def plain(number: Decimal) -> Decimal:
    """Without zeros at the end and without exponent, as a file shows it."""
    return Decimal(number_text(number))
