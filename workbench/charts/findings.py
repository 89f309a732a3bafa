"""What an outcome says, in sentences: the titles of figures and the headline of summary and report."""

from __future__ import annotations

import numpy as np

from workbench.alerts.rules import Episode
from workbench.charts import words
from workbench.outcome import Outcome
from workbench.slo.account import BudgetStatus, BurnRate, SloResult
from workbench.slo.tracks import SloTrack
from workbench.units import DAY_S


def headline(outcome: Outcome) -> str:
    """The one sentence that a reader takes away: objectives met, the worst budget, credits."""
    measured = [slo for slo in outcome.slos if slo.met is not None]
    if not outcome.slos:
        return f"{alerts_finding(outcome)}; there are no objectives."
    if not measured:
        return "Nothing was measured: no objective can be judged."
    met = sum(bool(slo.met) for slo in measured)
    text = f"{met} of {words.counted(len(measured), 'objective')} met"
    if len(measured) < len(outcome.slos):
        text += f" ({len(outcome.slos) - len(measured)} without data)"
    worst = max(measured, key=lambda slo: slo.budget.consumed_share or 0.0)
    text += f"; {worst.name} spent {words.percent(worst.budget.consumed_share, 0)} of its error budget"
    if outcome.credits:
        owed = [credit for credit in outcome.credits if credit.credit.amount > 0]
        text += f"; credits: {total_credits(outcome)}" if owed else "; no credits are owed"
    return text + "."


def total_credits(outcome: Outcome) -> str:
    """The sum of all credits; one amount for each currency."""
    sums = {credit.credit.currency: credit.credit.amount * 0 for credit in outcome.credits}
    for credit in outcome.credits:
        sums[credit.credit.currency] += credit.credit.amount
    return " + ".join(f"{amount:,.2f} {currency}" for currency, amount in sums.items()) or "none"


def track_of(outcome: Outcome, slo: str) -> SloTrack | None:
    """The track of one objective; None if the outcome carries none."""
    return next((track for track in outcome.tracks.slos if track.slo == slo), None) if outcome.tracks else None


def result_of(outcome: Outcome, slo: str) -> SloResult:
    """The result of one objective; raises KeyError for a name that the outcome does not have."""
    for result in outcome.slos:
        if result.name == slo:
            return result
    raise KeyError(slo)


def largest_piece(outcome: Outcome, slo: str) -> tuple[float, float] | None:
    """The day that spent most of the budget: its first second and the share that it spent; None if no day spent any.

    Days are the 24-hour periods from the start of the run.
    """
    track = track_of(outcome, slo)
    if outcome.tracks is None or track is None:
        return None
    held = ~np.isnan(track.budget_remaining)
    if not held.any():
        return None
    time_s, left = outcome.tracks.time_s[held], track.budget_remaining[held]
    ends = np.arange(DAY_S, outcome.horizon_s + DAY_S, DAY_S)
    index = np.searchsorted(time_s, ends, side="right") - 1
    at_end = np.where(index >= 0, left[np.maximum(index, 0)], 1.0)
    spent = -np.diff(at_end, prepend=1.0)
    worst = int(np.argmax(spent))
    return (worst * float(DAY_S), float(spent[worst])) if spent[worst] > 0 else None


def budget_finding(outcome: Outcome, slo: str) -> str:
    """`Login spent 67.3% of its budget; the largest piece on 14 April`."""
    result = result_of(outcome, slo)
    consumed = result.budget.consumed_share
    if consumed is None:
        return f"{words.spoken(slo)}: nothing was measured, its budget is unknown"
    text = f"{words.spoken(slo)} spent {words.percent(consumed)} of its budget"
    piece = largest_piece(outcome, slo)
    if piece is not None and outcome.horizon_s > DAY_S:
        text += f"; the largest piece ({words.percent(piece[1])}) on {words.day(outcome.start, piece[0])}"
    return text


def worst_burn(result: SloResult) -> BurnRate | None:
    """The burn rate, at the end of the run, that is nearest to (or farthest over) its threshold; None if none is known."""
    rates = [rate for rate in result.burn_rates if rate.burn_rate is not None]
    return max(rates, key=lambda rate: (rate.burn_rate or 0.0) / rate.threshold) if rates else None


def burn_finding(outcome: Outcome, slo: str) -> str:
    """`Login burned fastest at 88.2x over 1h on 14 April; over the threshold for 42m in 1h, never in 72h`."""
    track = track_of(outcome, slo)
    result = result_of(outcome, slo)
    if outcome.tracks is None or track is None or not len(outcome.tracks.time_s):
        return f"{words.spoken(slo)}: burn rates were not measured"
    step = float(outcome.tracks.time_s[0]) if len(outcome.tracks.time_s) == 1 else float(np.median(np.diff(outcome.tracks.time_s)))
    peak: tuple[float, float, float] | None = None
    over = []
    for rate in result.burn_rates:
        values = track.burn_rate.get(rate.window_s)
        if values is None or np.isnan(values).all():
            continue
        top = int(np.nanargmax(values))
        if peak is None or values[top] > peak[0]:
            peak = (float(values[top]), rate.window_s, float(outcome.tracks.time_s[top]))
        time_over = float(np.count_nonzero(np.nan_to_num(values, nan=-1.0) > rate.threshold)) * step
        if time_over:
            over.append(f"{words.duration(time_over)} in {words.window(rate.window_s)}")
    if peak is None:
        return f"{words.spoken(slo)}: burn rates were not measured"
    where = f"over {words.window(peak[1])}, {words.day(outcome.start, peak[2])}"
    text = f"{words.spoken(slo)} burned at most {words.burn(peak[0])} ({where})"
    return text + (f"; over the threshold for {', '.join(over)}" if over else "; never over a threshold")


def alerts_finding(outcome: Outcome) -> str:
    """`Alerts fired 12 times; 5 of 6 incidents detected, 2 firings were false`."""
    fired = sum(episode.firing_at_s is not None for episode in outcome.episodes)
    text = "No alert fired" if not fired else f"Alerts fired {fired:,} times" if fired > 1 else "One alert fired"
    if outcome.score is not None:
        overall = outcome.score.overall
        text += f"; {overall.detected} of {words.counted(overall.incidents, 'incident')} detected"
        text += f", {words.counted(overall.firings - overall.true_firings, 'false firing')}"
    elif outcome.truth is None:
        text += "; no incidents are labelled, so nothing can be scored"
    return text


def traffic_finding(outcome: Outcome) -> str:
    """`Traffic peaked at 163 requests/s on 3 April; on average 100 requests/s`."""
    if outcome.tracks is None or not len(outcome.tracks.time_s) or np.isnan(outcome.tracks.requests_per_s).all():
        return "Traffic was not measured"
    rates = outcome.tracks.requests_per_s
    top = int(np.nanargmax(rates))
    when = words.day(outcome.start, float(outcome.tracks.time_s[top]))
    return f"Traffic peaked at {_rate(float(rates[top]))} requests/s on {when}; {_rate(float(np.nanmean(rates)))} on average"


def errors_finding(outcome: Outcome) -> str:
    """`At worst 12.0% of requests failed, on 14 April`."""
    if outcome.tracks is None or not len(outcome.tracks.time_s) or np.isnan(outcome.tracks.error_ratio).all():
        return "Failures were not measured"
    top = int(np.nanargmax(outcome.tracks.error_ratio))
    worst = float(outcome.tracks.error_ratio[top])
    if worst == 0:
        return "No request failed"
    return f"At worst {words.percent(worst)} of requests failed, on {words.day(outcome.start, float(outcome.tracks.time_s[top]))}"


def _rate(value: float) -> str:
    return words.number(value, 0 if value >= 10 else 2)


def over_budget(result: SloResult) -> bool:
    """Whether the budget is gone."""
    return result.budget.status is BudgetStatus.EXCEEDED


def watched(episode: Episode) -> str:
    """Whom an alert is about: its rule, and its objective where a label names one, else its other labels."""
    labels = dict(episode.labels)
    if "slo" in labels:
        return f"{episode.alert} · {labels['slo']}"
    rest = ", ".join(f"{key}={value}" for key, value in episode.labels if key != "severity")
    return f"{episode.alert} · {rest}" if rest else episode.alert
