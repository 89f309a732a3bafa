"""What the alert engine costs, beside pandas and the real promtool: one objective, two counters at 15 s, four two-window rules.

python benchmarks/alerts.py      prints a table; promtool runs one day with the three rules that its sample limit admits.
"""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from workbench.alerts.rules import AlertRule, Profile, RuleGroup
from workbench.alerts.timeline import timeline
from workbench.interop.prometheus import rule_file
from workbench.telemetry.series import Series, SeriesKey, Telemetry

RULES = (
    ("Fast", "1h", "5m", 14.4, 120),
    ("Moderate", "6h", "30m", 6, 900),
    ("Slow", "24h", "2h", 3, 3600),
    ("Leak", "72h", "6h", 1, 10_800),
)
DAY = 5760


def month(samples):
    rng = np.random.default_rng(1)
    share = np.full(samples, 0.0005)
    for at in rng.integers(0, samples, 12):
        share[at : at + 300] = 0.02
    times = np.arange(samples) * 15.0 + 7
    counters = {"requests": rng.poisson(1500, samples).cumsum(), "errors": rng.poisson(1500 * share).cumsum()}
    series = [Series(SeriesKey.of(name), times, values) for name, values in counters.items()]
    return Telemetry.of(series, horizon_s=samples * 15.0, scrape_interval_s=15.0)


def groups(rules):
    ratio = "sum(rate(errors[{0}])) / sum(rate(requests[{0}]))"
    alerts = [
        AlertRule(name, f"{ratio.format(long)} > {factor} * 0.001 and {ratio.format(short)} > {factor} * 0.001", wait)
        for name, long, short, factor, wait in rules
    ]
    return (RuleGroup("objective", tuple(alerts)),)


def by_pandas(telemetry):
    steps = {one.key.name: np.diff(one.values, prepend=0) for one in telemetry}
    frame = pd.DataFrame(steps, index=pd.to_timedelta(telemetry.series[0].times, unit="s"))
    for _, long, short, factor, wait in RULES:
        hot = pd.Series(data=True, index=frame.index)
        for window in (long, short):
            sums = frame.rolling(pd.Timedelta(window)).sum()
            hot &= sums["errors"] / sums["requests"] > factor * 0.001
        run = hot.groupby((~hot).cumsum()).cumsum()
        _ = run * 15 > wait


def by_promtool(promtool, folder):
    telemetry = month(DAY)
    (folder / "rules.yml").write_text(rule_file(groups(RULES[:3])))
    test = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "15s",
        "tests": [
            {
                "interval": "15s",
                "input_series": [{"series": str(one.key), "values": " ".join(map(str, one.values))} for one in telemetry],
                "alert_rule_test": [{"alertname": "Nothing", "eval_time": "1d", "exp_alerts": []}],
            }
        ],
    }
    (folder / "test.yml").write_text(yaml.safe_dump(test, width=2**20))
    subprocess.run([promtool, "test", "rules", "test.yml"], cwd=folder, check=True, capture_output=True)


def seconds(work, repeat):
    best = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def main():
    whole, day = month(30 * DAY), month(DAY)
    ours = seconds(lambda: timeline(groups(RULES), whole, Profile(), whole.horizon_s), 5)
    pandas = seconds(lambda: by_pandas(whole), 2)
    print(f"{'30 days, 4 rules':34}{'seconds':>10}{'ratio':>10}")
    print(f"{'workbench':34}{ours:10.4f}{1:10.1f}")
    print(f"{'pandas rolling (not exact)':34}{pandas:10.4f}{pandas / ours:10.1f}")
    promtool = shutil.which("promtool") or shutil.which("promtool", path="/opt/prometheus/usr/bin")
    if promtool is None:
        print("promtool is not installed: the comparison with it is left out")
        return
    ours_day = seconds(lambda: timeline(groups(RULES[:3]), day, Profile(), day.horizon_s), 5)
    with tempfile.TemporaryDirectory() as folder:
        real = seconds(lambda: by_promtool(promtool, Path(folder)), 1)
    print(f"{'1 day, 3 rules':34}{'seconds':>10}{'ratio':>10}")
    print(f"{'workbench':34}{ours_day:10.4f}{1:10.1f}")
    print(f"{'promtool test rules':34}{real:10.4f}{real / ours_day:10.0f}")


if __name__ == "__main__":
    main()
