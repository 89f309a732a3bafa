"""How much can be simulated request by request."""

from __future__ import annotations

from workbench.errors import BadInput, Problem
from workbench.units import DAY_S, format_duration

MOST_REQUESTS = 5_000_000
"""Minutes of computing."""
LONGEST_S = 2.0 * DAY_S


def check(requests: float, horizon_s: float) -> None:
    """Raise BadInput with everything that is too much."""
    problems = []
    if horizon_s > LONGEST_S:
        problems.append(
            Problem(
                "world/too-long",
                "fidelity: request simulates every request, for short horizons only; leave it out for long ones",
                path="clock.horizon",
                found=format_duration(horizon_s),
                allowed=f"at most {format_duration(LONGEST_S)}",
            )
        )
    if requests > MOST_REQUESTS:
        problems.append(
            Problem(
                "world/too-many-requests",
                "fidelity: request simulates every request; make the horizon or traffic.mean_rps smaller, or leave it out",
                path="fidelity",
                found=f"{requests:,.0f} expected requests",
                allowed=f"at most {MOST_REQUESTS:,}",
            )
        )
    if problems:
        raise BadInput(problems)
