"""Series with everything that is hard, and expressions for every function and operator, for the comparison with promtool.

promtool keeps series in no certain order. Where an order of adding matters, values are small multiples of 1/8, so that every order
gives the same float.
"""

import numpy as np

from workbench.telemetry.series import STALE, Series, SeriesKey

GRID_S = 5
LENGTH_S = 3000


def _times(rng, every_s, phase_s, missing=0.0):
    times = np.arange(phase_s, LENGTH_S, every_s, dtype=float)
    return times[rng.random(len(times)) >= missing]


def _counter(rng, times, scale=1.0, restarts=0.03):
    steps = rng.poisson(3, len(times)) * scale
    values = np.zeros(len(times))
    total = 0.0
    for at, step in enumerate(steps):
        total = step if rng.random() < restarts else total + step
        values[at] = total
    return values


def _strange(rng, values, share=0.06):
    """Stale markers, NaN and infinities among the values."""
    values = values.copy()
    at = rng.random(len(values))
    for bound, what in ((share, STALE), (2 * share, np.nan), (2.4 * share, np.inf), (2.8 * share, -np.inf)):
        values[(at < bound) & (at >= bound - share * (1 if np.isnan(what) else 0.4))] = what
    return values


def telemetry():
    """About fifty series on a grid of 5 s, some aligned with the instants, some not."""
    rng = np.random.default_rng(20240817)
    series = []

    def add(name, times, values, **labels):
        series.append(Series(SeriesKey.of(name, labels), times, values))

    regular, off_grid = _times(rng, 15, 0), _times(rng, 15, 5)
    for job in ("api", "web"):
        for code in ("200", "404", "500"):
            add("req_total", off_grid, _counter(rng, off_grid), job=job, code=code)
    holey = _times(rng, 15, 10, 0.2)
    add("holey_total", holey, _counter(rng, holey, 0.37, 0.1), job="api")
    add("aligned_total", regular, _counter(rng, regular, 1.0, 0.0) + 7, job="api")
    add("tiny_total", off_grid, np.floor(np.arange(len(off_grid)) / 40.0), job="api")
    for host in ("a", "b"):
        add("g", off_grid, rng.integers(-40, 40, len(off_grid)) / 8.0, host=host, zone="x")
        add("g", regular, rng.integers(-40, 40, len(regular)) / 8.0, host=host, zone="y")
    add("solo", off_grid, rng.normal(0, 3, len(off_grid)), host="a")
    add("wide", off_grid, rng.normal(0, 1, len(off_grid)) * 10.0 ** rng.integers(-12, 12, len(off_grid)), host="a")
    add("steep", regular, np.arange(len(regular)) * 0.1 + rng.normal(0, 0.01, len(regular)), host="a")
    add("odd", off_grid, _strange(rng, rng.integers(-9, 9, len(off_grid)) / 4.0), host="a")
    add("odd", regular, _strange(rng, rng.normal(0, 2, len(regular)), 0.15), host="b")
    add("nans", off_grid, np.where(rng.random(len(off_grid)) < 0.6, np.nan, 1.5), host="a")
    add("infs", off_grid, np.where(rng.random(len(off_grid)) < 0.5, np.inf, -2.5), host="a")
    add("huge", off_grid, rng.choice([1.7e308, -1.7e308, 1e308, 3.0], len(off_grid)), host="a")
    add("flat", off_grid, np.full(len(off_grid), 0.7), host="a")
    add("zero", off_grid, np.zeros(len(off_grid)), host="a")
    add("up", off_grid, (rng.random(len(off_grid)) < 0.8).astype(float), job="api")
    early, late = off_grid[off_grid < 900], off_grid[off_grid > 1800]
    add("early", early, np.full(len(early), 3.0), job="api")
    add("late", late, np.full(len(late), 4.0), job="api")
    add("turn", early, np.full(len(early), 1.0), j="x", i="1")
    add("turn", late, np.full(len(late), 2.0), j="x", i="1")
    add("pair_a", off_grid, np.arange(len(off_grid)) % 5 + 0.25, j="x", i="1")
    add("pair_a", late, np.full(len(late), 2.0), j="x", i="2")
    add("pair_b", off_grid, np.arange(len(off_grid)) % 3 + 1.0, j="x", extra="e1")
    add("pair_b", off_grid, np.arange(len(off_grid)) % 7 + 1.0, j="y", extra="e2")
    add("pair_c", early, np.full(len(early), 9.0), j="x", i="1")
    bounds = ["0.1", "0.5", "1", "2.5", "+Inf"]
    for job in ("api", "web"):
        counts = np.cumsum(np.cumsum(rng.poisson(2, (len(bounds), len(off_grid))), axis=1), axis=0)
        for bound, row in zip(bounds, counts, strict=True):
            add("lat_bucket", off_grid, row.astype(float), job=job, le=bound)
    for bound, row in zip(["1", "+Inf", "oops", "2"], counts, strict=False):
        add("bad_bucket", off_grid, row.astype(float), job="api", le=bound)
    add("stamp", off_grid, 1.7e9 + np.arange(len(off_grid)) * 86_400.0 * 5, host="a")
    add("named", off_grid, np.full(len(off_grid), 1.0), path="/api/v1/users", inst="host-1:9090", empty="")
    add("named", off_grid, np.full(len(off_grid), 2.0), path="/api/v2/users", inst="host-2:9090")
    merged, last = [], {}
    for one in series:
        if one.key in last:
            first = merged[last[one.key]]
            merged[last[one.key]] = Series(
                one.key, np.concatenate([first.times, one.times]), np.concatenate([first.values, one.values])
            )
        else:
            last[one.key] = len(merged)
            merged.append(one)
    return merged


RANGES = ("1m", "5m", "47s", "30s")
OVER_TIME = [
    "avg_over_time",
    "min_over_time",
    "max_over_time",
    "sum_over_time",
    "count_over_time",
    "last_over_time",
    "present_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "changes",
    "resets",
    "rate",
    "increase",
    "delta",
    "irate",
    "idelta",
    "deriv",
]
OF_RANGES = (
    "req_total",
    "holey_total",
    "aligned_total",
    "tiny_total",
    "solo",
    "wide",
    "steep",
    "odd",
    "nans",
    "infs",
    "huge",
    "flat",
    "up",
)
SIMPLE = [
    "abs",
    "ceil",
    "floor",
    "round",
    "sqrt",
    "exp",
    "ln",
    "log2",
    "log10",
    "sgn",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "acosh",
    "atanh",
    "deg",
    "rad",
]
DATES = ["day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute", "month", "year"]


def expressions(version):
    """Several for every function and operator that a version has."""
    found = list(OLDER if version != "3.5" else NEWEST)
    # Before 3.0 label_join does not look for equal labels; a rule fails all the same in the end.
    found += [] if version == "2.53" else ['label_join(g, "zone", "", "nope")']
    found += NEWER if version == "3.5" else []
    for function in OVER_TIME:
        found += [
            f"{function}({name}[{window}])"
            for name in OF_RANGES
            for window in (RANGES if name in {"odd", "holey_total"} else ("5m",))
        ]
        found += [f"{function}(g[2m] offset 1m)", f"{function}(solo[5m] offset 7m30s)", f"{function}(odd[3m] @ 600)"]
        found += [f"{function}(solo[4m:20s])", f"{function}(odd[4m:30s])", f"{function}(g[3m:])"]
    for name in ("solo", "odd", "steep", "wide", "flat", "g"):
        found += [f"quantile_over_time({q}, {name}[5m])" for q in ("0.5", "0.9", "0", "1", "-1", "2", "NaN", "scalar(flat)")]
        found += [f"predict_linear({name}[5m], {s})" for s in ("60", "3600", "-30", "scalar(zero)")]
        found += [f"predict_linear({name}[2m] offset 1m, 60)", f"predict_linear({name}[2m] @ 900, 60)"]
    found += [f"{function}({name})" for function in SIMPLE for name in ("solo", "odd", "g", "wide", "stamp", "zero")]
    found += [f"{function}({name})" for function in DATES for name in ("stamp", "solo")]
    found += [f"{function}()" for function in DATES]
    found += ["round(solo, 0.25)", "round(wide, 1000)", "round(odd, 0)", "round(g, -2)"]
    found += ["clamp(odd, -1, 1)", "clamp(odd, 1, -1)", "clamp_min(odd, 0)", "clamp_max(odd, 0.5)", "clamp(solo, NaN, 1)"]
    found += ["clamp_min(odd, Inf)", "clamp_max(odd, -Inf)", "clamp(g, scalar(solo), 10)", "clamp_max(odd, NaN)"]
    found += [
        "vector(1)",
        "vector(time())",
        "scalar(solo)",
        "scalar(g)",
        "scalar(nothing)",
        "time()",
        "pi()",
        "time() - 3",
        "-time()",
    ]
    found += ["timestamp(solo)", "timestamp(solo offset 1m)", "timestamp(solo @ 600)", "timestamp(solo @ 600 offset 1m)"]
    found += ["timestamp(-solo)", "timestamp(vector(1))", "timestamp(timestamp(odd))", "timestamp(odd)"]
    found += [
        "absent(nothing)",
        'absent(nothing{a="1",b!="2"})',
        'absent(nothing{a="1",a="1"})',
        'absent(nothing{a!="1",a="2"})',
        'absent(nothing{a="2",a!="1"})',
        'absent(nothing{a="",b="x"})',
        "absent(early)",
        'absent(early{job="api"} @ 300)',
        "absent(-early)",
        "absent(sum(early))",
        "absent((early))",
        'absent_over_time(early{job="api"}[2m])',
        "absent_over_time(early[10m:1m])",
        "absent_over_time(nothing[5m])",
        "absent(vector(scalar(early)) > 1)",
    ]
    found += [
        'label_replace(named, "ver", "$1", "path", "/api/(v[0-9]+)/.*")',
        'label_replace(named, "path", "", "path", ".*")',
        'label_replace(named, "a", "${x}-$y", "inst", "(?P<x>[a-z]+)-(?P<y>[0-9]+):.*")',
        'label_replace(named, "a", "$$1$9${1}x$1x", "inst", "(.*):(.*)")',
        'label_replace(named, "a", "b", "nope", "")',
        'label_replace(named, "a", "b", "nope", ".+")',
        'label_replace(named, "__name__", "other", "path", ".*")',
        'label_replace(named, "path", "same", "path", ".*")',
        'label_replace(g, "host", "c", "host", ".*")',
        'label_join(named, "both", "-", "path", "inst")',
        'label_join(named, "path", ",")',
        'label_join(named, "path", ",", "nope")',
        'sum by (ver) (label_replace(named, "ver", "$1", "path", "/api/(v1|v2)/users"))',
    ]
    for op in ("sum", "min", "max", "count", "group"):
        found += [f"{op}(g)", f"{op} by (host) (g)", f"{op} without (host) (g)", f"{op} by (__name__, zone) (g)", f"{op} by () (g)"]
        found += [f"{op}(nothing)", f"{op} without () (g)", f"{op}(odd)", f"{op} by (nope) (req_total)"]
    for op in ("avg", "stddev", "stdvar"):
        found += [
            f"{op} by (host) (g)",
            f"{op} without (host) (g)",
            f"{op}(solo)",
            f"{op} by (host) (odd)",
            f"{op}(infs)",
            f"{op}(nans)",
        ]
    found += ["avg(huge)", "sum(odd)", "avg(pair_a)", "stddev(infs)"]
    found += [f"quantile({q}, g)" for q in ("0.5", "0.25", "0", "1", "-0.1", "1.1", "NaN")] + ["quantile by (host) (0.3, odd)"]
    found += ['count_values("v", g)', 'count_values by (host) ("v", odd)', 'count_values without (host) ("v", solo)']
    found += ['count_values("host", g)', 'count_values("v", wide)', 'count_values("v", huge)', 'count_values("v", stamp)']
    found += [f"{op}({k}, solo)" for op in ("topk", "bottomk") for k in ("1", "2", "0", "-1", "2.9")]
    found += [f"{op} by (host) (1, {{__name__=~'solo|wide|steep'}})" for op in ("topk", "bottomk")]
    found += ["topk(1, odd)", "bottomk(1, odd)", "topk(5, g)", "bottomk by (zone) (5, g)", "topk(scalar(pair_b{j='x'}), odd)"]
    found += ["topk(NaN, solo)", "topk(1e30, solo)", "topk(-1e30, solo)", "count(topk(2, up or early or late))"]
    found += [f"sort{d}(g)" for d in ("", "_desc")]
    found += [f"histogram_quantile({q}, lat_bucket)" for q in ("0.5", "0.99", "0", "1", "-1", "2", "NaN")]
    found += ["histogram_quantile(0.9, sum by (le) (rate(lat_bucket[5m])))", "histogram_quantile(0.9, rate(lat_bucket[5m]))"]
    found += [
        "histogram_quantile(0.5, bad_bucket)",
        'histogram_quantile(0.5, lat_bucket{le!="+Inf"})',
        "histogram_quantile(0.5, solo)",
    ]
    found += ['histogram_quantile(0.5, {__name__=~"lat_bucket|bad_bucket"})', 'histogram_quantile(0.5, lat_bucket{le="+Inf"})']
    for op in ("+", "-", "*", "/", "%", "^", "atan2"):
        found += [
            f"solo {op} 2.5",
            f"-1.5 {op} solo",
            f"odd {op} 0",
            f"odd {op} odd",
            f"2 {op} 3",
            f"g {op} ignoring(zone) group_left pair_x",
        ]
        found += [
            f"g{{zone='x'}} {op} ignoring(zone) g{{zone='y'}}",
            f"odd {op} Inf",
            f"NaN {op} odd",
            f"0 {op} zero",
            f"wide {op} -3",
        ]
    for op in ("==", "!=", ">", "<", ">=", "<="):
        found += [
            f"odd {op} 0.5",
            f"0.5 {op} odd",
            f"odd {op} bool 0.5",
            f"0.5 {op} bool odd",
            f"odd {op} odd",
            f"odd {op} bool odd",
        ]
        found += [
            f"g{{zone='x'}} {op} ignoring(zone) g{{zone='y'}}",
            f"g{{zone='x'}} {op} bool on(host) g{{zone='y'}}",
            f"1 {op} bool 2",
        ]
        found += [f"odd {op} NaN", f"nans {op} nans"]
    for op in ("and", "or", "unless"):
        found += [
            f"g {op} solo",
            f"g {op} on(host) odd",
            f"early {op} late",
            f"g {op} ignoring(zone) g{{zone='x'}}",
            f"solo {op} on() vector(1)",
        ]
        found += [f"pair_a {op} on(j) pair_b", f"g {op} on(zone) (g > 0)", f"nothing {op} g", f"g {op} nothing"]
    found += [
        "pair_a * on(j) group_left(extra) pair_b",
        "pair_a * on(j) group_left(i, extra) pair_b",
        "pair_b * on(j) group_right(extra) pair_a",
        "pair_a * ignoring(i, extra) group_left pair_b",
        "pair_a > on(j) group_left(extra) pair_b",
        "pair_b < bool on(j) group_right(extra, nope) pair_a",
        "pair_a + on(j) pair_b",
        "pair_b + on(j) pair_a",
        "pair_b > on(j) pair_a",
        "pair_a > on(j) pair_b",
        "pair_a > bool on(j) pair_b",
        "pair_b + on(j) group_left pair_a",
        "pair_a + on() group_left pair_b",
        "pair_a + on(__name__) pair_a",
        "pair_a == on(__name__, i) pair_a",
        "pair_a == bool on(__name__, i) pair_a",
        "pair_a * on(j) group_left(__name__) pair_b",
        "pair_a > bool on(j) group_left(__name__) pair_b",
        "pair_a + nothing",
        'g + on(host) group_left g{zone="x"}',
        'g{zone="x"} + on(host) group_right g',
        "g + on(zone) group_right g",
        '-{__name__=~"pair_a|pair_c"}',
        '{__name__=~"pair_a|pair_c"} + 1',
        '{__name__=~"pair_a|pair_c"} > 1',
        '{__name__=~"pair_a|pair_c"} > bool 1',
        'abs({__name__=~"pair_a|pair_c"})',
        'rate({__name__=~"pair_a|pair_c"}[2m])',
        'last_over_time({__name__=~"pair_a|pair_c"}[2m])',
        'max_over_time(rate({__name__=~"pair_c|turn"}[2m])[50m:1m])',
        'max_over_time((-{__name__=~"late|early"})[50m:1m])',
        'max_over_time(({__name__=~"late|early"} + 1)[50m:1m])',
        'max_over_time(abs({__name__=~"late|early"})[10m:1m])',
        'sum(rate({__name__=~"late|early"}[2m])) or vector(7)',
    ]
    found += [
        "solo @ 600",
        "solo @ 600 offset 1m",
        "solo @ 100000",
        "solo @ -5",
        "solo @ start()",
        "solo @ end() offset 2m",
        "solo offset -1m",
        "rate(req_total[5m] offset -2m)",
        "rate(req_total[5m] @ end())",
        "sum_over_time(solo[5m] @ 1200 offset 30s)",
        "max_over_time(solo[5m:30s] @ 1200)",
        "max_over_time(solo[5m:30s] @ start())",
        "max_over_time((solo @ start())[5m:30s])",
        "max_over_time((time() - timestamp(solo))[5m:30s])",
        "sum_over_time((solo @ 1200)[5m:30s])",
        "sum_over_time((solo offset -1m)[5m:30s])",
        "max_over_time(solo[5m:30s] offset 1m)",
        "max_over_time(solo[5m:30s] offset -1m)",
        "max_over_time(rate(req_total[1m])[10m:1m])",
        "avg_over_time((sum(rate(req_total{code='500'}[1m])) / 7)[10m:])",
        "min_over_time(max_over_time(solo[2m:15s])[6m:45s])",
        "max_over_time(min_over_time(solo[2m:15s] offset 1m)[6m:45s] offset 30s)",
        "quantile_over_time(0.5, (solo > 0)[10m:20s])",
        "count_over_time((odd > 0)[5m:17s])",
        "sum_over_time(vector(1)[5m:1m])",
        "sum_over_time(vector(time())[5m:1m])",
        "last_over_time((early or late)[20m:1m])",
        "deriv(solo[5m:10s])",
        "predict_linear(solo[5m:10s], 100)",
        "increase(tiny_total[10m:45s])",
        "changes(up[5m:15s])",
        "present_over_time(late[5m:1m])",
        "avg_over_time(max by (host) (g)[5m:15s])",
        "stddev_over_time(count_over_time(odd[1m])[5m:30s])",
        "max_over_time((pair_b + on(j) pair_a)[2m:1m])",
        "sum_over_time(count_values('v', up)[5m:15s])",
    ]
    found += [
        'req_total{code=~"5.."}',
        'req_total{code!~"2..|4.."}',
        'req_total{code=~"(?i)5[[:digit:]]{2}"}',
        'req_total{nope=""}',
        'req_total{nope!="x"}',
        'req_total{code=~"|500"}',
        '{__name__=~"req.*",code="500"}',
        '{job="api",__name__!~"lat.*|bad.*|req.*"}',
        'named{path=~"/api/v\\\\d/.*"}',
        "named{path=~`/api/v\\d/.*`}",
        "named{path=~`/api/(v1|v2)/users`,inst!~`.*-1:.*`}",
        "1 + 2 * 3 ^ 2 ^ 0.5 % 7 - -4",
        "-2 ^ 2",
        "-solo ^ 2",
        "- - solo",
        "+solo",
        "(1 == bool 1) + (2 > bool 3)",
        "0x1F + 017 + 1e3 + .5",
        "Inf - Inf",
        "1 / 0",
        "sum(rate(req_total{code=~'5..'}[5m])) / sum(rate(req_total{code='200'}[5m])) > 0.1 and sum(rate(up[1m])) > 0",
        "sum(rate(req_total{code='500'}[5m])) by (job) / ignoring(code) sum(rate(req_total{code!='404'}[5m])) by (job)",
        "(sum by (job) (increase(req_total{code!='200'}[5m])) or vector(0)) > bool 3",
        "1 - (sum(rate(lat_bucket{le='0.5'}[5m])) / sum(rate(lat_bucket{le='+Inf'}[5m])))",
        "avg_over_time(up[10m]) * 100 < 95",
    ]
    return list(dict.fromkeys(found))


NEWER = [
    "mad_over_time(solo[5m])",
    "mad_over_time(odd[5m])",
    "mad_over_time(wide[47s])",
    "sort_by_label(g, 'host')",
    "sort_by_label_desc(g)",
]
"""From 2.49 on, but promtool 2.53 has no switch for them."""
NEWEST = [
    "double_exponential_smoothing(solo[5m], 0.3, 0.6)",
    "ts_of_last_over_time(odd[5m])",
    "ts_of_max_over_time(odd[5m])",
    "ts_of_min_over_time(g[5m])",
    "histogram_fraction(0, 0.7, lat_bucket)",
    "histogram_fraction(-Inf, 0.7, lat_bucket)",
    "histogram_fraction(0.2, Inf, rate(lat_bucket[5m]))",
    "histogram_fraction(2, 1, lat_bucket)",
    "histogram_fraction(NaN, 1, lat_bucket)",
    "histogram_fraction(0.1, 0.5, bad_bucket)",
    "rate(req_total[300]) + 1_000",
    "time() - 5m",
]
OLDER = [
    "holt_winters(solo[5m], 0.3, 0.6)",
    "holt_winters(odd[2m], 0.9, 0.1)",
    "holt_winters(late[2m], 1.5, 0.1)",
    "holt_winters(solo[5m:20s], 0.3, scalar(flat))",
]
