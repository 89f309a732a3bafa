"""The reference month through `run`, beside raw simpy that serves requests one by one.

    python benchmarks/month.py

CPU seconds of one process; the peer is an M/M/8 queue in simpy with one process a request, and the ratio compares
requests a second.
"""

import platform
import resource
import sys
import time
from pathlib import Path

import simpy

from workbench.rng import stream
from workbench.run.month import run
from workbench.scenario.load import load_scenario

BASELINE = Path(__file__).resolve().parents[1] / "scenarios/medianest/baseline.yaml"
PEER_REQUESTS = 40_000


def peer_seconds() -> float:
    """CPU seconds of an M/M/8 queue at 70 % utilisation."""
    env = simpy.Environment()
    servers = simpy.Resource(env, 8)
    rng = stream(1, "peer")
    gaps, services = rng.exponential(1 / 5.6, PEER_REQUESTS), rng.exponential(1.0, PEER_REQUESTS)

    def request(service: float):
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


def main() -> None:
    scenario = load_scenario(BASELINE)
    rows = []
    for _ in range(3):
        peer = peer_seconds()
        begun = time.process_time()
        outcome = run(scenario)
        rows.append((time.process_time() - begun, peer))
    month, peer = sorted(rows)[1]
    requests = next(slo.total for slo in outcome.slos if slo.name == "application-availability")
    rate, peer_rate = requests / month, PEER_REQUESTS / peer
    print(f"Python {platform.python_version()} ({platform.python_compiler()}), median of 3 by the month's time")
    print(f"{'month, in-process':24s} {month:8.2f} s CPU {rate:14,.0f} requests/s   {requests:,} requests")
    print(f"{'simpy, one by one':24s} {peer:8.2f} s CPU {peer_rate:14,.0f} requests/s   {PEER_REQUESTS:,} requests")
    print(f"{'ratio':24s} {rate / peer_rate:8,.0f}")
    scale = 1 if sys.platform == "darwin" else 1024
    print(f"{'peak memory':24s} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e6:8,.0f} MB")


if __name__ == "__main__":
    main()
