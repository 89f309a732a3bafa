"""Files with one fault each: the message, its line and column, what it suggests; never a traceback, never long."""

# ruff: noqa: E501 - one fault, one line

import gzip
import os
import re
import time

import pytest
from click.testing import CliRunner

from tests.scenario.files import DATA, Fault, copy_of_files
from workbench.cli.validate import command
from workbench.errors import BadInput
from workbench.scenario.load import check_paths, load_scenario, load_world

W, P, S = "world.yaml", "policy.yaml", "scenario.yaml"

EVENTS = "indicator: {kind: events}"

FAULTS = {
    # types and values
    "a number where text must stand": (Fault(P, "name: two-objectives", "name: ¦12"), "a name is text", '"12"'),
    "text where a number must stand": (Fault(W, "mean_rps: 12", "mean_rps: ¦twelve"), "must be a number", None),
    "a number in quotes": (Fault(W, "mean_rps: 12", "mean_rps: ¦'12'"), "must be a number", "12"),
    "true where a number must stand": (Fault(W, "users: 40", "users: ¦true"), "must be a whole number", None),
    "half a user": (Fault(W, "users: 40", "users: ¦40.5"), "must be a whole number", None),
    "yes where true must stand": (Fault(W, "critical: true", "critical: ¦yes"), "must be true or false", "true"),
    "a list where a mapping must stand": (Fault(W, "mean_rps: 12\n", "mean_rps: ¦[12]\n"), "must be a number", None),
    "text where a list must stand": (Fault(W, "tiers: [free]", "tiers: ¦free"), "must be a list", "[free]"),
    "nothing where a mapping must stand": (
        Fault(W, "acknowledge: {median: 3m, sigma: 0.8}", "¦acknowledge:"),
        "must be a mapping",
        None,
    ),
    "an unknown key": (Fault(W, "capacity_rps: 60", "capacity_rps: 60\n  ¦surge: []"), "unknown key", "surges"),
    "an unknown key at the top": (Fault(P, "slas:\n", "¦sla:\n"), "unknown key", "slas"),
    "an unknown key in a kind of effect": (Fault(W, "factor_median: 4}", "factor_median: 4, ¦factor: 1}"), "unknown key", "factor_sigma"),
    "an unknown weekday": (Fault(W, "sat: 0.6", "sat: 0.6, ¦Thurs: 1"), "none of the values allowed", "thu"),
    "a missing weekday": (Fault(W, "weekdays: {mon: 1, ", "¦weekdays: {"), "missing: mon", None),
    "a missing key": (Fault(W, "  paying:\n    users: 40\n", "  ¦paying:\n"), "key users is missing", None),
    "a negative duration": (Fault(P, "for: 2m", "for: ¦-2m"), "cannot be negative", None),
    "a duration without unit": (Fault(P, "long: 1h", "long: ¦3600"), "a duration is a number and a unit", "3600s"),
    "a unit written out": (Fault(W, "every: 20d", "every: ¦20 days"), "a duration is a number and a unit", "20d"),
    "a duration of nothing": (Fault(W, "every: 20d", "every: ¦0s"), "must be longer than 0s", None),
    "a clock time for a duration": (Fault(P, "threshold: 250ms", "threshold: ¦12:30"), "a duration is a number and a unit", None),
    "a target of 100 %": (Fault(P, "target: 99.9%", "target: ¦100%"), "between 0% and 100%, both excluded", None),
    "a target as a ratio": (Fault(P, "target: 99.9%", "target: ¦0.999"), "a share is written in percent", "99.9%"),
    "a target over 100 %": (Fault(P, "target: 99.9%", "target: ¦999%"), "must be between 0% and 100%", None),
    "a window that is no window": (Fault(P, "window: history", "window: ¦histroy"), "must be history", "history"),
    "money without currency": (Fault(P, "price: 9.90 EUR", "price: ¦9.90"), "money is an amount and a currency", "9.90 EUR"),
    "not a number": (Fault(P, "factor: 14.4", "factor: ¦.nan"), "a number must be finite", None),
    "an infinite number": (Fault(W, "mean_rps: 12", "mean_rps: ¦.inf"), "a number must be finite", None),
    "a number beyond all floats": (Fault(W, "mean_rps: 12", "mean_rps: ¦1e999"), "a number must be finite", None),
    "a huge integer": (Fault(W, "users: 40", "users: ¦" + "9" * 5000), "at most 40 characters", None),
    "a seed beyond 63 bits": (Fault(S, "seed: 7", "seed: ¦9223372036854775808"), "less than", None),
    "a very long text": (Fault(S, "A fortnight.", "¦" + "x" * 20_000), "the text is too long", None),
    "a long description": (Fault(S, "A fortnight.", "¦" + "x" * 3_000), "at most 2000 characters", None),
    "a bad status code": (Fault(W, "401: 2%", "¦999: 2%"), "a status code is a number from 100 to 599", None),
    "a bad class of codes": (Fault(P, "bad_codes: [5..]", "bad_codes: [¦5xx]"), "a class of codes is written 5..", None),
    "the success code among the others": (Fault(W, "401: 2%", "200: ¦2%"), "must not be listed in codes", None),
    "an unknown kind of indicator": (Fault(P, "kind: latency", "kind: ¦latenzy"), "there is no such kind", "latency"),
    "a missing kind of indicator": (Fault(P, "indicator: {kind: events}", "¦indicator: {}"), "key kind is missing", None),
    "an unknown kind of document": (Fault(W, "kind: World", "kind: ¦Welt"), "must be World", None),
    "another version of the API": (Fault(P, "workbench/v1", "¦workbench/v9"), "must be workbench/v1", "workbench/v1"),
    "short not shorter than long": (Fault(P, "short: 5m", "short: ¦1h"), "short must be shorter than long", None),
    "a rule without factor and budget share": (Fault(P, "slow: {long: 6h, short: 30m, factor: 6, for: 15m, severity: warning, budget_share: 5%}", "¦slow: {long: 6h, short: 30m, for: 15m, severity: warning}"), "needs a factor, or a budget_share", None),
    "a rule that asks for no events": (Fault(P, "factor: 6,", "factor: 6, min_events: ¦0,"), "1 or more", None),
    "a comparison that there is not": (Fault(P, "factor: 6,", "factor: 6, compare: ¦'<',"), "none of the values allowed", None),
    "a query without its window": (Fault(P, EVENTS, "indicator: {kind: query, total: 'sum(rate(a[{{.window}}]))', errors: ¦'sum(rate(b[5m]))'}"), "must say its window as [{{.window}}]", None),
    "a query of good and bad events": (Fault(P, EVENTS, "¦indicator: {kind: query, ratio: 'a[{{.window}}]', good: 'b[{{.window}}]'}"), "stated: good, ratio", None),
    "a query of nothing": (Fault(P, EVENTS, "¦indicator: {kind: query}"), "none of them is stated", None),
    "a slice without a target": (Fault(P, EVENTS, EVENTS + "\n    ¦time_slices: {length: 1m}"), "key target is missing", None),
    "a slice that is never bad": (Fault(P, EVENTS, EVENTS + "\n    time_slices: {length: 1m, target: ¦0%}"), "no slice is ever bad", None),
    "a slice as long as the window": (Fault(P, "    alerts: [fast]\n", "    alerts: [fast]\n    time_slices: {target: 99%, length: ¦30d}\n"), "shorter than the window", None),
    "a preset that there is not": (Fault(P, "burn_rate_alerts:\n", "alert_preset: ¦slothh\nburn_rate_alerts:\n"), "none of the values allowed", "sloth"),
    "a label with a dash": (Fault(P, "    alerts: [fast]\n", "    alerts: [fast]\n    labels: {¦on-call: db}\n"), "a label's name has letters", None),
    "a label that is the rule's own": (Fault(P, "    alerts: [fast]\n", "    alerts: [fast]\n    labels: {severity: ¦page}\n"), "severity is set by the rule itself", None),
    "two metrics with one name": (Fault(P, "slas:\n", "metrics:\n  names: {a: c, b: ¦c}\nslas:\n"), "a is called c already", None),
    "bounds out of order": (Fault(W, "100ms, 250ms", "100ms, ¦80ms, 250ms"), "strictly ascending", None),
    "too few hours": (Fault(W, "[1, 1, 1, 1, 1, 1, 2,", "¦[2,"), "24 or more entries", None),
    "credits that fall": (Fault(P, "- {below: 99%, credit: 25%}", "- ¦{below: 99%, credit: 5%}"), "each lower bound paying more", None),
    "a phase longer than the interval": (Fault(S, "horizon: 14d", "horizon: 14d\n  scrape_phase: ¦20s"), "shorter than scrape_interval", None),
    "an unknown time zone": (Fault(S, "Europe/Zurich", "¦Europe/Zuerich"), "IANA time zone", "Europe/Zurich"),
    "a path for a time zone": (Fault(S, "Europe/Zurich", "¦../../etc/localtime"), "IANA time zone", None),
    "the time zone of whatever machine": (Fault(S, "Europe/Zurich", "¦localtime"), "IANA time zone", None),
    "a folder of time zones": (Fault(S, "Europe/Zurich", "¦Europe"), "IANA time zone", None),
    "no time zone": (Fault(S, "Europe/Zurich", "¦''"), "IANA time zone", None),
    "a time zone with a zero byte": (Fault(S, "Europe/Zurich", '¦"UTC\\0"'), "IANA time zone", "UTC"),
    "a day that does not exist": (Fault(S, "2026-04-01", "¦2026-02-30"), "year-month-day", None),
    "a date as a number": (Fault(S, "2026-04-01", "¦20260401"), "year-month-day", "2026-04-01"),
    "a version without quotes": (Fault(S, "horizon: 14d", "horizon: 14d\n  prometheus: ¦3.5"), "none of the values allowed", '"3.5"'),
    "an expectation without bound": (Fault(S, "- metric: slo.login.budget_consumed\n    at_most: 1\n", "- ¦metric: slo.login.budget_consumed\n"), "needs at_least or at_most", None),
    # references
    "a component that is not there": (Fault(W, "[api, database]", "[api, ¦databse]"), "no such component", "database"),
    "a call that is a number": (Fault(W, "[api, database]", "[api, ¦5]"), "a call is a component's name, or a mapping", None),
    "an unknown key of a call": (Fault(W, "[api, database]", "[api, {component: database, ¦time: 2}]"), "unknown key", "times"),
    "a call of nothing": (Fault(W, "[api, database]", "[api, ¦{times: 2}]"), "names either a component or calls in parallel", None),
    "a call of a component that is not there": (Fault(W, "[api, database]", "[api, {component: ¦databse, times: 2}]"), "no such component", "database"),
    "a call in parallel that is not there": (Fault(W, "[api, database]", "[api, {parallel: [database, {component: ¦databse}]}]"), "no such component", "database"),
    "a cache that is not there": (Fault(W, "[api, database]", "[api, {component: database, cache: {component: ¦cash, hit_rate: 9%}}]"), "no such component", None),
    "a fallback that is not there": (Fault(W, "[api, database]", "[api, {component: database, fallback: ¦serch-index}]"), "no such component", "search-index"),
    "a component that calls what is not there": (Fault(W, "database: {critical: true}", "database: {critical: true, calls: [¦apy]}"), "no such component", "api"),
    "a tier that is shed and not there": (Fault(W, "database: {critical: true}", "database: {critical: true, shedding: {tiers: [¦fre]}}"), "no such tier", "free"),
    "a component that calls itself": (Fault(W, "database: {critical: true}", "database: {critical: true, calls: [¦database]}"), "in a circle: database -> database", None),
    "components that call each other in a circle": (
        Fault(W, "database: {critical: true}\n  search-index: {critical: false}", "database: {calls: [search-index]}\n  search-index: {calls: [{parallel: [api, {component: api, fallback: ¦database}]}]}"),
        "in a circle: database -> search-index -> database",
        None,
    ),
    "a failing component that is not there": (Fault(W, "component: database", "component: ¦db"), "no such component", None),
    "a deployed component that is not there": (Fault(W, "{api: 3, database: 1}", "{¦apy: 3, database: 1}"), "no such component", "api"),
    "a tier that fails and is not there": (Fault(W, "tiers: [free]", "tiers: [¦fre]"), "no such tier", "free"),
    "a tier of an objective": (Fault(P, "tiers: [paying]", "tiers: [¦paing]"), "no such tier of the world", "paying"),
    "a promise to nobody": (Fault(P, "  paying:\n", "  ¦platinum:\n"), "no such tier of the world", None),
    "an alert that is not there": (Fault(P, "alerts: [fast]", "alerts: [¦fats]"), "no such rule in burn_rate_alerts", "fast"),
    "a glob that matches no route": (Fault(P, '"/sea*"', '¦"/seek*"'), "no such route of the world", None),
    "a threshold that is no bound": (Fault(P, "threshold: 250ms", "threshold: ¦300ms"), "histogram.bounds", "250ms"),
    "bad codes that are never answered": (Fault(P, "bad_codes: [5..]", "bad_codes: ¦[429, 418]"), "could never be missed", None),
    "a segment's route that is not there": (Fault(W, "traffic_share: 75.5%", "traffic_share: 75.5%\n    segments: {all: {share: 100%, routes: {¦/logn: 2}}}"), "no such route", "/login"),
    "segments that miss something": (Fault(W, "traffic_share: 75.5%", "traffic_share: 75.5%\n    ¦segments: {us: {share: 60%}, eu: {share: 30%}}"), "exactly 100%: 10% missing", None),
    "a bot of no tier": (Fault(W, "traffic:\n", "traffic:\n  bots: {crawler: {tier: ¦fre, mean_rps: 1}}\n"), "no such tier", "free"),
    "a bot that asks for what is not there": (Fault(W, "traffic:\n", "traffic:\n  bots: {crawler: {tier: free, mean_rps: 1, routes: {¦/serch: 1}}}\n"), "no such route", "/search"),
    "an event on a route that is not there": (Fault(W, "traffic:\n", 'traffic:\n  events: {sale: {at: "2026-04-03T10:00", factor: 2, routes: [¦/serch]}}\n'), "no such route", "/search"),
    "an event at no time": (Fault(W, "traffic:\n", "traffic:\n  events: {sale: {at: ¦tomorrow, factor: 2}}\n"), "a moment is written", None),
    "a burst longer than its cycle": (Fault(W, "traffic:\n", "traffic:\n  bots: {crawler: {tier: free, mean_rps: 1, bursts: {every: 5m, lasts: ¦1h}}}\n"), "must be shorter", None),
    "a preset that does not exist": (Fault(W, "traffic:\n", "traffic:\n  preset: ¦consumer-medium\n"), "none of the values", "consumer-media"),
    "a tier that asks for nothing": (Fault(W, "traffic_share: 75.5%", "traffic_share: 75.5%\n    routes: ¦{/login: 0, /search: 0}"), "would ask for nothing", None),
    "tiers' shares that miss something": (Fault(W, "tiers:\n  paying:\n    users: 40\n    traffic_share: 75.5%", "¦tiers:\n  paying:\n    users: 40\n    traffic_share: 75.4%"), "exactly 100%: 0.1% missing", None),
    "routes' shares over 100 %": (Fault(W, "routes:\n  /login:\n    share: 40%", "¦routes:\n  /login:\n    share: 40.000000001%"), "0.000000001% too much", None),
    "codes of an error that miss something": (Fault(W, "codes: {500: 50%, 503: 50%}", "¦codes: {500: 50%, 503: 49%}"), "must add up to 100%", None),
    "a world that is not there": (Fault(S, "world: world.yaml", "world: ¦wrold.yaml"), "there is no such file", "world.yaml"),
    "a world that is a folder": (Fault(S, "world: world.yaml", "world: ¦."), "this is a directory", None),
    "a policy for a world": (Fault(P, "kind: Policy", "kind: ¦Polizei"), "must be Policy", "Policy"),
    "a path that climbs out": (Fault(S, "world: world.yaml", "world: ¦../world.yaml"), "leaves the scenario's folder", None),
    "an absolute path": (Fault(S, "world: world.yaml", "world: ¦/etc/passwd"), "an absolute path leaves", None),
    "a path with a long name": (Fault(S, "world: world.yaml", "world: ¦" + "w" * 400), "cannot be read", None),
    "a path with a zero byte": (Fault(S, "world: world.yaml", 'world: ¦"world\\0.yaml"'), "this is not a path", None),
    # YAML itself
    "a key twice": (Fault(P, "    target: 95%", "    target: 95%\n    ¦target: 96%"), "stands twice; first on line", None),
    "a tab": (Fault(P, "    target: 95%", "¦\t    target: 95%"), "tab", None),
    "a Python object": (Fault(P, "name: two-objectives", "name: ¦!!python/object/apply:os.system [ls]"), "tags are not allowed", None),
    "a number tagged so, that is none": (Fault(W, "users: 40", "users: ¦!!int forty"), "does not fit", None),
    "a second document": (Fault(S, "seed: 7", "¦---\nseed: 7"), "one document", None),
    "an alias inside what it stands for": (Fault(W, "[api, database]", "&a [api, ¦*a]"), "inside what it stands for", None),
    "an alias to nothing": (Fault(W, "[api, database]", "[&one api, ¦*onee]"), "no anchor of this name", "*one"),
    "a merge key": (Fault(W, "components:\n", "components:\n  ¦<<: {x: {}}\n"), "merge keys are not supported", None),
    "a list as key": (Fault(W, "components:\n", "components:\n  ? ¦[a, b]\n  : {}\n"), "a key must be text", None),
    "no key at all": (Fault(W, "components:\n", "components:\n  ¦~: {}\n"), "a key must be text", None),
    "a control character": (Fault(S, "A fortnight.", "A ¦\x07fortnight."), "control character", None),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    return copy_of_files(tmp_path)


def validate(*paths):
    started = time.process_time()
    result = CliRunner().invoke(command, [str(path) for path in paths])
    assert time.process_time() - started < 30, "a guard against running for ever, not a measure of speed"
    assert result.exception is None or isinstance(result.exception, SystemExit | BadInput), result.exception
    return result


def test_the_files_are_valid_before_they_are_broken(folder):
    problems, files = check_paths([folder])

    assert problems == []
    assert files == 4


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_shown_where_it_is_with_what_was_meant(folder, name):
    fault, message, nearest = FAULTS[name]
    line, column = fault.plant(folder)

    with pytest.raises(BadInput) as caught:
        load_scenario(folder / S)

    assert len(caught.value.problems) == 1, str(caught.value)
    problem = caught.value.problems[0]
    assert message in problem.message
    assert (problem.file, problem.line, problem.column) == (str(folder / fault.file), line, column)
    assert problem.nearest == nearest
    result = validate(folder / S)
    assert result.exit_code == 1
    assert f"{problem.place}: error: " in result.output
    assert "Traceback" not in result.output


def nested(depth, opening, closing=""):
    return (opening * depth + closing * depth).encode()


def laughs():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 30)]
    return "\n".join(lines).encode()


def deep_by_aliases():
    return ("a0: &a0 [x]\n" + "\n".join(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 100))).encode()


BYTES = {
    "latin-1": ("name: caf\xe9\n".encode("latin-1"), "not UTF-8", (1, 10)),
    "UTF-16": ("kind: World\n".encode("utf-16"), "UTF-16, not UTF-8", (1, 1)),
    "nothing": (b"", "holds nothing", (None, None)),
    "only comments": (b"# one\n# two\n", "holds nothing", (None, None)),
    "a program": (b"\x7fELF\x02\x01\x01\x00\x00", "binary", (1, 8)),
    "a zero byte further down": ("kind: W\nä: \x00".encode(), "binary", (2, 4)),
    "gzip, cut short": (gzip.compress(b"kind: World\n" * 99, mtime=0)[:40], "gzip", (1, 1)),
    "100,000 levels of flow": (nested(100_000, "[", "]"), "64 levels deep", (1, 65)),
    "100,000 levels of flow, one a line": (nested(100_000, "[\n"), "64 levels deep", (65, 1)),
    "100,000 levels of mappings": (nested(100_000, "{a: "), "64 levels deep", (1, 257)),
    "100,000 levels of block": (nested(100_000, "- "), "64 levels deep", (1, 129)),
    "100,000 levels of keys": (nested(100_000, "? "), "a key must be text", None),
    "a bomb of aliases": (laughs(), "more than 100,000 values", None),
    "depth by aliases": (deep_by_aliases(), "64 levels deep", None),
    "more values than anybody needs": (b"[" + b"1," * 110_000 + b"]", "more than 100,000 values", None),
    "an open quote": (b'kind: "World\n\n', "what begins here is never closed", (1, 7)),
    "an open bracket": (b"kind: [World\n", "what begins here is never closed", (1, 7)),
    "an open bracket, no end of line": (b"kind:\n  {a: b", "what begins here is never closed", (2, 3)),
    "a last line without colon": (b"kind: World\nname", "could not find expected ':'", (2, 5)),
    "a colon too many": (b"kind: World\nname: a: b\n", "mapping values are not allowed", (2, 8)),
    "crooked indentation": (b"a:\n    b: 1\n  c: 2\n", "not YAML", (3, 3)),
    "a list": (b"- kind: World\n", "must be a mapping", (1, 1)),
    "one word": (b"World\n", "must be a mapping", (1, 1)),
    "no kind": (b"apiVersion: workbench/v1\n", "key kind is missing", (1, 1)),
    "a kind of its own": (b"kind: Wolrd\n", "no such kind of document", (1, 7)),
    "10,000 duplicate keys": (b"a: 1\n" * 10_000, "stands twice", (2, 1)),
    "10,000 unknown keys": (b"kind: World\n" + b"".join(b"k%d: 1\n" % i for i in range(10_000)), "is missing", (1, 1)),
}


@pytest.mark.parametrize("name", BYTES)
def test_bytes_that_are_no_document_get_a_message_soon(tmp_path, name):
    raw, message, place = BYTES[name]
    file = tmp_path / "file.yaml"
    file.write_bytes(raw)

    problems, files = check_paths([file])

    assert files == 1
    assert 1 <= len(problems) <= 200
    assert message in problems[0].message
    assert place is None or (problems[0].line, problems[0].column) == place
    result = validate(file)
    assert result.exit_code == 1
    assert re.search(r"1 file, \d+ problems?$", result.output)


def test_names_without_number_are_not_all_compared_with_all(folder):
    many = range(9_000)
    world = (folder / W).read_text()
    world = world.replace("components:\n", "components:\n" + "".join(f"  part-{i}: {{}}\n" for i in many))
    world = world.replace("calls: [api, database]", f"calls: [{', '.join(f'pert-{i}' for i in many)}]")
    (folder / W).write_text(world)
    policy = (folder / P).read_text()
    slo = "{indicator: {kind: events, routes: ['*a*b*c*d', '*e*f*g*h']}, target: 99%}"
    policy = policy.replace("slos:\n", "slos:\n" + "".join(f"  slo-{i}: {slo}\n" for i in range(5_000)))
    (folder / P).write_text(policy)

    result = validate(folder / S)

    assert result.exit_code == 1
    assert "a mapping of 9003 keys" in result.output
    assert "a mapping of 5003 keys" in result.output
    assert "there is no such component" in result.output
    assert len(result.output) < 200_000


def test_a_file_of_100_mb_is_refused_without_being_read(tmp_path, monkeypatch):
    file = tmp_path / "large.yaml"
    with file.open("wb") as stream:
        stream.truncate(100_000_000)
    monkeypatch.setattr("pathlib.Path.open", lambda *_, **__: pytest.fail("it was opened"))

    problems, _ = check_paths([file])

    assert [(problem.check, problem.found) for problem in problems] == [("file/size", "100,000,000 bytes")]


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path, monkeypatch):
    file = tmp_path / "growing.yaml"
    file.write_bytes(b"# " + b"x" * 1_500_000)
    small = (DATA / W).stat()
    monkeypatch.setattr("pathlib.Path.stat", lambda *_, **__: small)

    with pytest.raises(BadInput, match="too large"):
        load_world(file)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _: None, "no such file"),
        (lambda path: path.mkdir(), "no file to check"),
        (os.mkfifo, "not a regular file"),
        (lambda path: path.symlink_to(path.name), "cannot be read"),
    ],
    ids=["nothing", "an empty folder", "a pipe", "a link to itself"],
)
def test_a_path_that_cannot_be_read_ends_with_exit_code_2(tmp_path, make, message):
    path = tmp_path / "thing.yaml"
    make(path)

    result = validate(path)

    assert isinstance(result.exception, BadInput)  # the group prints it and exits with 2
    assert message in str(result.exception)


def test_an_unreadable_file_is_a_message(tmp_path, monkeypatch):
    file = copy_of_files(tmp_path) / W

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)

    with pytest.raises(BadInput, match="cannot be read: Permission denied"):
        check_paths([file])


def test_a_folder_named_like_a_file_is_a_message(tmp_path):
    (tmp_path / "world.yaml").mkdir()

    with pytest.raises(BadInput, match="this is a directory, not a file"):
        load_world(tmp_path / "world.yaml")
