"""Speed and memory of simulated telemetry, beside simulators that serve requests one by one. One process, one core, CPU seconds.

    python benchmarks/telemetry.py              prints a table
    python benchmarks/telemetry.py --write      and writes docs/benchmarks.md
    python benchmarks/telemetry.py --days 365   another horizon (counts and memory)

The month: 30 days at 15 s, 8 routes x 4 tiers, peak 500 requests/s, 12-bucket histograms at every scrape. The peers run an M/M/8
queue at 70 % utilisation and keep nothing; the ratio compares requests a second. Peak memory is that of a process of its own.
"""

import argparse
import dataclasses
import importlib
import importlib.metadata
import math
import multiprocessing
import platform
import resource
import sys
import time
from pathlib import Path

import numpy as np
import simpy

from workbench.alerts.rules import AlertRule, Profile, RuleGroup
from workbench.alerts.timeline import timeline
from workbench.rng import stream
from workbench.run.month import run
from workbench.scenario.load import load_scenario
from workbench.scenario.schema.base import Lognormal
from workbench.telemetry.series import Telemetry
from workbench.world.course import Answer, Course, RouteCourse
from workbench.world.exports import Exports
from workbench.world.grid import Grid
from workbench.world.latency import LatencyClasses, lognormal_cdf
from workbench.world.layout import RouteLayout
from workbench.world.poisson import tables
from workbench.world.requests import draw_baseline

ROOT = Path(__file__).resolve().parents[1]
PEER_REQUESTS = 40_000
SHARES = np.array([0.3, 0.2, 0.15, 0.12, 0.1, 0.07, 0.04, 0.02])
TIERS = {"free": 0.1, "premium": 0.3, "professional": 0.35, "standard": 0.25}
BOUNDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
PEAK_RPS = 500.0
RULES = (
    ("Fast", "1h", "5m", 14.4, 120),
    ("Moderate", "6h", "30m", 6, 900),
    ("Slow", "24h", "2h", 3, 3600),
    ("Leak", "72h", "6h", 1, 10_800),
)


def rates(grid: Grid) -> np.ndarray:
    """Requests a second over all routes: a day and a week."""
    day, week = grid.middles_s / 86_400, grid.middles_s / (7 * 86_400)
    shape = (0.55 - 0.45 * np.cos(2 * math.pi * day)) * (0.85 + 0.15 * np.sin(2 * math.pi * week))
    return PEAK_RPS * shape / shape.max()


def month(grid: Grid, *, buckets: bool) -> tuple[list[RouteLayout], Course]:
    """Layouts and usual course; without `buckets` good and failed requests alone."""
    layouts, routes = [], {}
    offered = rates(grid) * grid.widths_s
    for number, share in enumerate(SHARES):
        law = load_law(0.12 + 0.02 * number)
        bounds = BOUNDS if buckets else BOUNDS[-2:]
        # All buckets at every scrape: the body ends at the first bound.
        classes = LatencyClasses(bounds, 0, len(bounds) - 1)
        layout = RouteLayout(
            f"/route-{number}",
            tuple((tier, "") for tier in TIERS),
            ("200", "500"),
            classes,
            tuple(range(len(bounds))) if buckets else (),
        )
        shares = np.diff(lognormal_cdf(law, np.array([0.0, *bounds, math.inf]))) if buckets else np.eye(classes.count)[0]
        spread = np.eye(classes.count)[:1]
        answer = Answer(
            np.concatenate([0.999 * shares, [0.001]]),
            np.ones(1),
            np.full(classes.count, 0.2),
            np.array([0.1]),
            spread,
            {},
            0.001,
            0.2,
        )
        requests = np.multiply.outer(np.array(list(TIERS.values())) * share, offered)
        which = np.broadcast_to(np.int32(0), requests.shape)
        layouts.append(layout)
        routes[layout.route] = RouteCourse(which, requests, (answer,))
    return layouts, Course(0, len(grid), routes)


def load_law(median_s: float):
    return Lognormal.model_construct(median=median_s, sigma=0.6)


def counted(days: float, *, buckets: bool) -> tuple[Exports, int]:
    """Everything that is scraped, and how many requests that were."""
    grid = Grid(15.0, 7.0, days * 86_400)
    layouts, usual = month(grid, buckets=buckets)

    class Usual:
        def course(self, low, high, effects):  # noqa: ARG002 - a calm world
            return Course(low, high, {})

        def forget(self, first):
            """Nothing is ever forgotten."""

    drawn = tuple(draw_baseline(one, usual.routes[one.route], seed=1, slot_bins=20) for one in layouts)
    exports = Exports(drawn, {}, Usual(), grid, 1)
    exports.fill(grid.horizon_s)
    return exports, sum(int(exports.values(index)[:, -1, -1].sum(dtype=np.int64)) for index in range(len(layouts)))


def alerts(exports: Exports, days: float) -> float:
    """CPU seconds of 8 objectives x 4 rules over what was scraped."""
    telemetry = Telemetry.of(exports.series(), horizon_s=days * 86_400, scrape_interval_s=15.0)
    rules = []
    for layout in exports.layouts:
        bad, all_ = (
            f'sum(rate(http_requests_total{{route="{layout.route}"{more}}}[{{0}}]))' for more in (',status_code=~"5.."', "")
        )
        ratio = f"{bad} / {all_}".replace("{route", "{{route").replace('"}[', '"}}[')
        for name, long, short, factor, wait in RULES:
            rules.append(
                AlertRule(
                    f"{name}{layout.route}",
                    f"{ratio.format(long)} > {factor} * 0.002 and {ratio.format(short)} > {factor} * 0.002",
                    wait,
                )
            )
    begun = time.process_time()
    timeline((RuleGroup("all", tuple(rules)),), telemetry, Profile(), days * 86_400)
    return time.process_time() - begun


def by_simpy() -> float:
    """CPU seconds of an M/M/8 queue at 70 % utilisation, one process a request."""
    env = simpy.Environment()
    servers = simpy.Resource(env, 8)
    rng = stream(1, "peer")
    gaps, services = rng.exponential(1 / 5.6, PEER_REQUESTS), rng.exponential(1.0, PEER_REQUESTS)

    def request(service):
        with servers.request() as turn:
            yield turn
            yield env.timeout(service)

    def arrivals():
        for gap, service in zip(gaps, services, strict=True):
            yield env.timeout(gap)
            env.process(request(service))

    env.process(arrivals())
    begun = time.process_time()
    env.run()
    return time.process_time() - begun


def by_ciw() -> float | None:
    """The same in ciw; None if it is not installed."""
    try:
        ciw = importlib.import_module("ciw")
    except ImportError:
        return None
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(rate=5.6)],
        service_distributions=[ciw.dists.Exponential(rate=1.0)],
        number_of_servers=[8],
    )
    ciw.seed(1)
    begun = time.process_time()
    ciw.Simulation(network).simulate_until_max_customers(PEER_REQUESTS // 2, method="Arrive")
    return 2 * (time.process_time() - begun)


def by_happysim() -> str:
    """Why happysim is not in the table, or that it could be."""
    if sys.version_info < (3, 13):
        return f"happysim needs Python 3.13 or later; this is {platform.python_version()}"
    try:
        return f"happysim {importlib.metadata.version('happysim')} is installed; its own benchmark says how fast it is"
    except importlib.metadata.PackageNotFoundError:
        return "happysim is not installed"


def peak_mb() -> float:
    """Of this process alone: what getrusage says of a child includes its parent where it was forked from one."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(one for one in status.read_text().splitlines() if one.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e6


def _counts_peak(pipe, days, buckets):
    counted(days, buckets=buckets)
    pipe.send(peak_mb())


def _run_peak(pipe):
    run(load_scenario(ROOT / "scenarios/medianest/baseline.yaml"))
    pipe.send(peak_mb())


def peak_of(work, *arguments) -> float:
    """Peak memory of a fresh process, MB."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(there, *arguments))
    process.start()
    there.close()
    found = here.recv()
    process.join()
    return found


def measured(days: float, rounds: int) -> list[tuple[str, float, float, float, float | None]]:
    """(name, CPU seconds, requests, series-months, peak MB), medians over interleaved rounds."""
    tables()
    scenario = load_scenario(ROOT / "scenarios/medianest/baseline.yaml")
    scenario = dataclasses.replace(scenario, clock=scenario.clock.model_copy(update={"horizon": days * 86_400.0}))
    seconds: dict[str, list[float]] = {}
    requests: dict[str, float] = {}

    def took(name, work):
        begun = time.process_time()
        found = work()
        seconds.setdefault(name, []).append(time.process_time() - begun)
        return found

    for _ in range(rounds):
        seconds.setdefault("simpy", []).append(by_simpy())
        ciw_s = by_ciw()
        if ciw_s is not None:
            seconds.setdefault("ciw", []).append(ciw_s)
        exports, requests["histograms"] = took("histograms", lambda: counted(days, buckets=True))
        del exports
        exports, requests["good and failed"] = took("good and failed", lambda: counted(days, buckets=False))
        seconds.setdefault("alerts", []).append(alerts(exports, days))
        del exports
        outcome = took("run", lambda: run(scenario))
        requests["run"] = next(slo.total for slo in outcome.slos if slo.name == "application-availability")
        del outcome
    requests["simpy"] = requests["ciw"] = PEER_REQUESTS
    middle = {name: sorted(some)[len(some) // 2] for name, some in seconds.items()}
    months = days / 30
    rows = [
        ("histograms, 12 buckets at 15 s", "histograms", 32 * months, peak_of(_counts_peak, days, True)),
        ("good and failed alone", "good and failed", 32 * months, peak_of(_counts_peak, days, False)),
        ("alerts, 8 objectives x 4 rules", "alerts", 32 * months, None),
        ("reference month through `run`", "run", 40 * months, peak_of(_run_peak) if days == 30 else None),
        ("simpy, one process a request", "simpy", 0.0, None),
        ("ciw", "ciw", 0.0, None),
    ]
    return [(title, middle[key], requests.get(key, 0.0), series, peak) for title, key, series, peak in rows if key in middle]


def table(rows) -> str:
    peer = next(count / seconds for title, seconds, count, *_ in rows if title.startswith("simpy"))
    lines = [
        "| what | CPU s | requests | requests/s | x simpy | s per series-month | peak MB |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for title, seconds, count, series, peak in rows:
        rate = f"{count / seconds:,.0f} | {count / seconds / peer:,.1f}" if count else " | "
        each = f"{seconds / series:.4f}" if series else ""
        lines.append(
            f"| {title} | {seconds:.3f} | {f'{count:,.0f}' if count else ''} | {rate} | {each} | {f'{peak:,.0f}' if peak else ''} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--days", type=float, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    interpreter = f"Python {platform.python_version()} ({platform.python_compiler()}), numpy {np.__version__}, {platform.machine()}"
    text = table(measured(asked.days, asked.rounds))
    notes = [by_happysim()] + ([] if "| ciw" in text else ["ciw is not installed: `pip install ciw` adds its row"])
    print(f"{interpreter}; {asked.days:g} days, median of {asked.rounds}\n\n{text}\n\n" + "\n".join(notes))
    if asked.write:
        words = (__doc__ or "").split("\n\n")
        how = f"`python benchmarks/telemetry.py --write` writes this page: {interpreter}, median of {asked.rounds}."
        page = f"# Benchmarks\n\n{words[0]}\n\n{words[-1].strip()}\n\n{how}\n\n"
        (ROOT / "docs/benchmarks.md").write_text(page + text + "\n\n" + "\n".join(f"* {note}" for note in notes) + "\n")


if __name__ == "__main__":
    main()
