"""How numbers are said: one spelling for terminal, page and figure.

Nothing here rounds a value across the bound that it is judged by, and what is unknown is called so: `None` and NaN never become 0.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from workbench.alerts.rules import RuleGroup
from workbench.units import DAY_S, HOUR_S, MINUTE_S, Money, format_share

UNKNOWN = "unknown"
_MOST_DECIMALS = 6


def known(value: float | None) -> bool:
    """Whether there is a number to show."""
    return value is not None and not math.isnan(value)


def sli(value: float | None, target: Decimal) -> str:
    """A measured share beside its target, never rounded to the other side of it.

    At least three decimals, and two more than the target has:
    `99.9949` % against 99.995 % is `99.9949%`; a share just below 100 % is never written as 100 %.
    """
    if value is None or math.isnan(value):
        return UNKNOWN
    exact = Decimal(repr(value)) * 100
    goal = target * 100
    decimals = max(3, -int(goal.normalize().as_tuple().exponent) + 2)
    for bound in (goal, Decimal(100), Decimal(0)):
        while decimals < _MOST_DECIMALS and (_rounded(exact, decimals) < bound) != (exact < bound):
            decimals += 1
    shown = _rounded(exact, decimals)
    for bound in (goal, Decimal(100)):
        if exact < bound <= shown:
            shown = exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_FLOOR)
    if exact > 0 and shown == 0:
        shown = exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_CEILING)
    return f"{shown}%"


def _rounded(exact: Decimal, decimals: int) -> Decimal:
    return exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN)


def target(share: Decimal) -> str:
    """A target as the user wrote it: `99.95%`."""
    return format_share(share)


def percent(value: float | None, digits: int = 1) -> str:
    """A share in percent: `67.3%`; something that is not zero is never shown as zero."""
    if value is None or math.isnan(value):
        return UNKNOWN
    smallest = 10.0**-digits
    if 0 < abs(value * 100) < smallest / 2:
        return f"<{smallest:.{digits}f}%"
    if 1 - smallest / 200 <= value < 1:
        return f">{100 - smallest:.{digits}f}%"
    return f"{value * 100:,.{digits}f}%"


def duration(seconds: float | None) -> str:
    """A span in its two largest units: `42s`, `6m15s`, `2h05m`, `3d04h`; below ten seconds with a decimal."""
    if seconds is None or math.isnan(seconds):
        return UNKNOWN
    sign, left = ("-" if seconds < 0 else ""), abs(seconds)
    if round(left, 1) < 10:
        return f"{sign}{left:.1f}s" if left else "0s"
    if round(left) < MINUTE_S:
        return f"{sign}{left:.0f}s"
    if round(left) < HOUR_S:
        minutes, rest = divmod(round(left), MINUTE_S)
        return f"{sign}{minutes}m{rest:02}s" if rest else f"{sign}{minutes}m"
    if round(left / MINUTE_S) * MINUTE_S < DAY_S:
        hours, rest = divmod(round(left / MINUTE_S), 60)
        return f"{sign}{hours}h{rest:02}m" if rest else f"{sign}{hours}h"
    days, rest = divmod(round(left / HOUR_S), 24)
    return f"{sign}{days}d{rest:02}h" if rest else f"{sign}{days}d"


def window(seconds: float) -> str:
    """The name of a window: whole hours are hours below four days (`72h`), otherwise as a duration."""
    hours = seconds / HOUR_S
    return f"{hours:.0f}h" if hours == round(hours) and 1 <= hours < 96 else duration(seconds)


def burn(value: float | None) -> str:
    """A burn rate: `0.42x`, `14.4x`, `1,000x`."""
    if value is None or math.isnan(value):
        return UNKNOWN
    if 0 < abs(value) < 0.005:
        return "<0.01x"
    return f"{value:,.2f}x" if abs(value) < 10 else f"{value:,.1f}x" if abs(value) < 1000 else f"{value:,.0f}x"


def number(value: float | None, digits: int = 0) -> str:
    """A count or a rate with thousands separated: `259,200`."""
    if value is None or math.isnan(value):
        return UNKNOWN
    return f"{value:,.{digits}f}"


def money(value: Money) -> str:
    """An amount with thousands separated: `1,234.00 EUR`."""
    return f"{value.amount:,.2f} {value.currency}"


def instant(start: dt.datetime, seconds: float | None) -> str:
    """A moment of a run as its scenario's wall clock shows it: `14 Apr 14:24`."""
    if seconds is None or math.isnan(seconds):
        return UNKNOWN
    moment = at(start, seconds)
    return f"{moment.day} {moment:%b %H:%M}"


def day(start: dt.datetime, seconds: float) -> str:
    """The calendar day of a moment: `14 April`."""
    moment = at(start, seconds)
    return f"{moment.day} {moment:%B}"


def at(start: dt.datetime, seconds: float) -> dt.datetime:
    """The wall-clock time, in the zone of `start`, that many true seconds after it (across changes of summer time)."""
    return (start.astimezone(dt.UTC) + dt.timedelta(seconds=seconds)).astimezone(start.tzinfo)


def period(start: dt.datetime, horizon_s: float) -> str:
    """First and last day: `1 April to 30 April 2026 (30d, UTC)`; with times where it is not whole days."""
    end = at(start, horizon_s)
    whole = start.time() == dt.time() and end.time() == dt.time()
    zone = str(start.tzinfo) if start.tzinfo else "no zone"
    if whole:
        last = end - dt.timedelta(days=1)
        first = f"{start.day} {start:%B}" if start.year == last.year else f"{start.day} {start:%B %Y}"
        return f"{first} to {last.day} {last:%B %Y} ({duration(horizon_s)}, {zone})"
    return f"{start.day} {start:%B %Y %H:%M} to {end.day} {end:%B %Y %H:%M} ({duration(horizon_s)}, {zone})"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """`1 incident`, `2 incidents`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def shortened(names: Sequence[str], keep: int = 2) -> str:
    """`a, b and 6 more`; `none` for none."""
    if not names:
        return "none"
    if len(names) <= keep + 1:
        return ", ".join(names)
    return f"{', '.join(names[:keep])} and {len(names) - keep} more"


def met(value: bool | None) -> str:
    """`met`, `missed` or `unknown`."""
    return UNKNOWN if value is None else "met" if value else "missed"


def spoken(name: str) -> str:
    """A name in a sentence: `application-availability` is `Application availability`."""
    text = name.replace("-", " ").replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def rule_files(groups: Sequence[RuleGroup]) -> str | None:
    """`4 alerts and 2 records in 3 groups of slo.yaml`; None for rules that a policy generated."""
    files = list(dict.fromkeys(group.file.partition("#")[0] for group in groups if group.file))
    if not files:
        return None
    alerts, records = (sum(len(getattr(group, kind)) for group in groups) for kind in ("alerts", "recordings"))
    text = f"{counted(alerts, 'alert')} and {counted(records, 'record')} in {counted(len(groups), 'group')} of "
    shown = ", ".join(files[:3])
    return text + (shown if len(files) <= 3 else f"{shown} and {len(files) - 3} more files")
