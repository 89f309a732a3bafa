"""Writes `docs/validation.md` and its figures.

python -m tests.validation.write [--seed N]   write them
python -m tests.validation.write --check      exit 1 if the page is not what would be written
"""

import argparse
import difflib
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import vl_convert

from tests.support.places import ROOT
from tests.validation.theory import loads, queues, reliability
from tests.validation.theory.line import WITHIN, Line
from workbench.charts.style import PALETTE

SEED = 1
SETS = 3
PAGE = ROOT / "docs" / "validation.md"
FIGURES = ROOT / "docs" / "validation"

WORDS = {
    "Erlang B": "Calls that find all servers busy are refused (M/M/c/c). Request fidelity, `queue: {limit: 0}`.",
    "Erlang C and the waits of M/M/c": "Request fidelity with exponential service times: who waits, how long, how many at a time.",
    "M/M/c/K": "A queue with room for some calls; the others are refused. Request fidelity.",
    "M/G/1, Pollaczek and Khinchine": "One server with lognormal service times. Request fidelity.",
    "Little's law": (
        "Number waiting = arrivals x wait, in runs that begin and end empty: an identity, to nine digits. "
        "The theory column is arrivals x measured wait."
    ),
    "M/M/c in the aggregate fidelity": (
        "What the aggregate fidelity expects; nothing is drawn. Its queues are read from tables, as precise as "
        f"{queues.PRECISE:.0%}, and taken for empty where fewer than {queues.NEGLECTED} calls wait."
    ),
    "Poisson thinning": (
        "Failed requests of a Poisson stream are Poisson, and independent of the others. Request fidelity, "
        "and the fast counts that the aggregate fidelity draws."
    ),
    "Takács: cumulative downtime": (
        f"The formula of `workbench.world.reliability` against {reliability.PROCESSES:,} on-off processes with exponential times."
    ),
    "Composite availability": "A request that needs failing components: computed in the aggregate fidelity, drawn in the other.",
    "Detection time": (
        "Whole runs, aggregate fidelity, with one scripted incident: seconds from its begin until the burn-rate alert is pending, "
        "against window x factor x (1 - target) / error ratio. The alert may be later by one evaluation interval and the age of "
        "the newest scrape (23 s together), and off by chance in the number of failures."
    ),
}


def _number(value: float) -> str:
    return f"{value:.4g}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def _chance(line: Line) -> str:
    if line.z is not None:
        return f"{line.z:+.1f}"
    allowed = [f"{line.allowed:.2g} of it"] * (line.allowed > 0) + [f"{line.slack:.3g}"] * (line.slack > 0)
    return "computed, within " + " + ".join(allowed)


def formulas(seed: int) -> str:
    """A section for each formula, after how all of them fared."""
    made = {name: formula(seed, SETS) for name, formula in {**queues.FORMULAS, **reliability.FORMULAS}.items()}
    lines = [line for of in made.values() for line in of]
    drawn = [abs(line.z) for line in lines if line.z is not None]
    beyond = sum(z > 2 for z in drawn)
    missed = [line for line in lines if not line.agrees]
    parts = [
        "## Formulas",
        (
            f"{len(lines)} numbers: {len(drawn)} are drawn by chance and {len(lines) - len(drawn)} computed. z is the difference "
            "in standard errors (Student's t of few runs, turned to the normal deviate of the same probability). "
            f"|z| > 2 in {beyond} of {len(drawn)}, where chance alone gives {0.0455 * len(drawn):.0f}; the largest is "
            f"{max(drawn):.1f}, and {WITHIN} would be a miss. **{len(missed)} of {len(lines)} numbers do not agree.** "
            "Theory is textbook formulas written down for the tests, independently of the package, but for those of reliability."
        ),
    ]
    parts += [f"- {line}" for line in missed]
    for name, of in made.items():
        rows = [
            [line.parameters, line.figure, _number(line.theory), _number(line.found), _number(line.error), _chance(line)]
            for line in of
        ]
        parts += [f"### {name}", WORDS[name], _table(["parameters", "figure", "theory", "found", "standard error", "z"], rows)]
    return "\n\n".join(parts)


UNITS = {"mean wait": " s", "median latency": " s", "95th percentile": " s", "99th percentile": " s"}


def _off(point: loads.Point) -> str:
    """How far off, marked where it is more than what is allowed."""
    text = f"{100 * point.off:+.1f} points" if point.figure == "error share" else f"{100 * point.off:+.0f} %"
    return text if point.near else f"**{text}**"


def _until(utilisation: float | None) -> str:
    return "nowhere" if utilisation is None else f"{utilisation:g}"


def sides(found: Sequence[loads.Point]) -> str:
    """Both fidelities beside each other, and where they part."""
    usual = [one for one in found if one.step_s == 15.0]
    parts = [
        "## Both fidelities",
        (
            f"One component with 1, 4 or 16 servers, which together serve {loads.FULL_RPS:.0f} requests a second; lognormal "
            f"service times with a coefficient of variation of 1; clients leave after {loads.PATIENCE:.0f} mean service times "
            f"(504), and the system works on. It rests at a utilisation of {loads.REST} for a minute, then traffic rises at "
            f"once to the utilisation stated, and the three minutes from then on are compared. Requests one by one: mean of "
            f"{loads.RUNS} runs. The aggregate fidelity: what it expects. Latencies are of good answers, from the same histogram "
            "in both."
        ),
        (
            f"Both *agree* where they differ by less than {loads.RELATIVE:.0%} (an error share: by less than {loads.SHARE:.0%}) "
            "beside three standard errors and a twentieth of a service time or of a call; what does not is set in bold."
        ),
        "### Where the approximation ends",
        _table(
            ["figure", *(f"{count} servers" if count > 1 else "1 server" for count in loads.SERVERS)],
            [
                [
                    figure,
                    *(
                        ", ".join(_until(loads.ends(found, figure, count, step)) for step in loads.STEPS_S)
                        for count in loads.SERVERS
                    ),
                ]
                for figure in loads.FIGURES
            ],
        ),
        "Each cell: the largest utilisation of the grid up to which both agree, with scrape intervals of "
        + ", ".join(f"{step:g} s" for step in loads.STEPS_S)
        + ".",
        _sentences(found),
        "![Mean queue by utilisation: both fidelities](validation/queue.svg)",
        "![How far the mean queue of the aggregate fidelity is off, by scrape interval](validation/step.svg)",
        "### All figures at 15 s",
    ]
    rows = [
        [
            str(one.servers),
            f"{one.utilisation:g}",
            one.figure,
            _number(one.aggregate) + UNITS.get(one.figure, ""),
            f"{_number(one.requests)} ± {one.error:.1g}",
            _off(one),
        ]
        for one in usual
    ]
    parts.append(_table(["servers", "utilisation", "figure", "aggregate", "requests", "off"], rows))
    return "\n\n".join(parts)


def _sentences(found: Sequence[loads.Point]) -> str:
    """What the grid says, in words."""
    out = []
    for step in loads.STEPS_S:
        of = [one for one in found if one.step_s == step]
        near = [one for one in of if one.near]
        ends = [one for name in loads.FIGURES for count in loads.SERVERS if (one := loads.ends(of, name, count, step)) is not None]
        worst = max((one for one in of if one.figure == "mean queue" and not one.near), key=lambda one: abs(one.off), default=None)
        text = f"- With scrapes every {step:g} s {len(near)} of {len(of)} figures agree"
        if len(ends) == len(loads.FIGURES) * len(loads.SERVERS):
            text += f", all of them up to a utilisation of {min(ends):g}"
        if worst is not None:
            text += (
                f"; the mean queue is furthest off at a utilisation of {worst.utilisation:g} with {worst.servers} "
                f"server{'s' * (worst.servers > 1)}: {_number(worst.aggregate)} beside {_number(worst.requests)}"
            )
        out.append(text + ".")
    queue = {(one.servers, one.utilisation, one.step_s): one for one in found if one.figure == "mean queue"}
    for step in loads.STEPS_S[1:]:
        # Of the aggregate fidelity alone, in which nothing is drawn.
        moved = {
            key[:2]: one.aggregate / queue[*key[:2], loads.STEPS_S[0]].aggregate - 1
            for key, one in queue.items()
            if key[2] == step and one.requests > 0.05
        }
        most = max(moved, key=lambda key: abs(moved[key]))
        calm = [at for at in loads.UTILISATIONS if all(abs(by) <= 0.02 for (_, load), by in moved.items() if load <= at)]
        out.append(
            f"- Scrapes every {step:g} s in place of {loads.STEPS_S[0]:g} s move the aggregate fidelity's mean queue by at most 2% "
            f"up to a utilisation of {max(calm):g}, and by {moved[most]:+.0%} at {most[1]:g} with {most[0]} "
            f"server{'s' * (most[0] > 1)}."
        )
    unsure = {at: max(one.error / one.requests for key, one in queue.items() if key[1] == at) for at in loads.UTILISATIONS[2:]}
    out.append(
        "- How sharp this is: the largest standard error of a mean queue, as a share of it, is "
        + ", ".join(f"{share:.0%} at {at:g}" for at, share in unsure.items())
        + ". Near full load a queue is that random in any three minutes, so smaller differences are not told there."
    )
    return "\n".join(out)


def figures(found: Sequence[loads.Point]) -> dict[str, str]:
    """The drawings, by file name."""
    queue = [one for one in found if one.figure == "mean queue"]
    data = pd.DataFrame(
        [
            {"servers": f"{one.servers} servers" if one.servers > 1 else "1 server", "utilisation": one.utilisation}
            | {"step": f"{one.step_s:g} s", "aggregate": max(one.aggregate, 1e-3), "requests": max(one.requests, 1e-3)}
            | {"low": max(one.requests - 2 * one.error, 1e-3), "high": one.requests + 2 * one.error, "off": 100 * one.off}
            for one in queue
            if one.requests > 0.05
        ]
    )
    names = [f"{count} servers" if count > 1 else "1 server" for count in loads.SERVERS]
    colour = alt.Color("servers:N", sort=names, scale=alt.Scale(domain=names, range=list(PALETTE[: len(names)])), title=None)
    x = alt.X("utilisation:Q", title="Utilisation", scale=alt.Scale(domain=[0.25, 1.25], nice=False))
    usual = alt.Chart(data[data["step"] == "15 s"]).encode(x, color=colour)
    log = alt.Scale(type="log")
    lines = usual.mark_line().encode(alt.Y("aggregate:Q", title="Calls waiting (mean)", scale=log))
    points = usual.mark_point(filled=True, size=40).encode(alt.Y("requests:Q", scale=log))
    bars = usual.mark_rule().encode(alt.Y("low:Q", scale=log), alt.Y2("high:Q"))
    title = "Mean queue: lines are the aggregate fidelity, points every request (bars: two standard errors)"
    first = alt.layer(lines, bars, points).properties(width=620, height=280, title=title)
    steps = [f"{step:g} s" for step in loads.STEPS_S]
    by_step = alt.Color(
        "step:N", sort=steps, scale=alt.Scale(domain=steps, range=list(PALETTE[3 : 3 + len(steps)])), title="Scrapes every"
    )
    second = (
        alt.Chart(data)
        .mark_line(point=True)
        .encode(x, alt.Y("off:Q", title="Queue of the aggregate fidelity off by, %"), color=by_step)
        .properties(width=190, height=200)
        .facet(alt.Facet("servers:N", sort=names, title=None), columns=3)
    )
    return {"queue.svg": _svg(first), "step.svg": _svg(second)}


def _svg(chart: Any) -> str:
    return str(vl_convert.vegalite_to_svg(chart.to_dict() | {"background": "white"})) + "\n"


def page(seed: int) -> dict[Path, str]:
    """Every file and its text."""
    found = loads.points(seed)
    command = "python -m tests.validation.write" + (f" --seed {seed}" if seed != SEED else "")
    text = "\n\n".join(
        [
            "# Validation",
            "<!-- Written by tests/validation/write.py; run it instead of editing. -->",
            (
                "The simulated world against theory, and its two fidelities against each other. Written by "
                f"`{command}` from the repository, in about a minute of computing; `--seed N` draws other parameters, `--check` "
                "compares this page with what would be written. `tests/validation/test_theory.py` asserts the same: "
                "one set of each formula in `make test`, more in `make verify`, where `VALIDATION_SEED` draws others."
            ),
            formulas(seed),
            sides(found),
        ]
    )
    return {PAGE: text + "\n", **{FIGURES / name: drawing for name, drawing in figures(found).items()}}


def main(arguments: Sequence[str]) -> int:
    """Write the page and its figures, or check them."""
    parser = argparse.ArgumentParser(prog="python -m tests.validation.write")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args(arguments)
    made = page(given.seed)
    if not given.check:
        FIGURES.mkdir(exist_ok=True)
        for path, text in made.items():
            path.write_text(text, encoding="utf-8")
        return 0
    there = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    difference = "\n".join(
        difflib.unified_diff(there.splitlines(), made[PAGE].splitlines(), "docs/validation.md", "as computed", n=0, lineterm="")
    )
    drawn = [path.name for path, text in made.items() if path != PAGE and (not path.exists() or path.read_text("utf-8") != text)]
    if difference or drawn:
        sys.stderr.write(f"{difference}\n{' '.join(drawn)}\nThe page is behind the code: python -m tests.validation.write\n")
    return int(bool(difference or drawn))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
