"""Names that one part of a document uses for another, and shares that must add up.

The checks look at trees, not at models, so a wrong duration in one place does not hide a wrong name in another: parts that are not
as they should be are passed over here, the schema reports them. So are parts beyond the number of names that the schema allows:
a hostile file must not make all be compared with all. A check that needs the other document waits until both are there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import translate
from itertools import islice

from workbench.errors import Problem
from workbench.scenario.call_references import call_problems, codes_of_components
from workbench.scenario.explain import PathOf, plain_path
from workbench.scenario.mentions import entries, names_of, read_text, scalar, shares, texts, unknown, unmatched
from workbench.scenario.names import listed, nearest
from workbench.scenario.schema.base import CODES_PATTERN, MOST_GLOBS, MOST_NAMED
from workbench.scenario.traffic_references import traffic_problems
from workbench.scenario.tree import ListNode, MapNode, Node, Path, ScalarNode, find, show
from workbench.units import parse_duration


def world_problems(world: Node, path_of: PathOf = plain_path) -> Iterator[Problem]:
    """What a world says that only the same world can hold or break."""
    components, tiers = names_of(world, ("components",)), names_of(world, ("tiers",))
    yield from call_problems(world, path_of)
    for name, mode in entries(world, ("failure_modes",)):
        path = ("failure_modes", name)
        component = scalar(mode.node, "component")
        if component is not None:
            yield from unknown(component, (*path, "component"), components, "component", path_of)
        for tier_path, tier in texts(mode.node, path, "tiers"):
            yield from unknown(tier, tier_path, tiers, "tier", path_of)
    for name, entry in entries(world, ("delivery", "components")):
        written = ScalarNode(name, entry.key_place, name)
        yield from unknown(written, ("delivery", "components", name), components, "component", path_of)
    yield from _of_changes_and_people(world, path_of)
    yield from traffic_problems(world, path_of)
    yield from shares(world, ("tiers",), "traffic_share", "the tiers' traffic shares", path_of)
    yield from shares(world, ("routes",), "share", "the routes' shares", path_of)


def _of_changes_and_people(world: Node, path_of: PathOf) -> Iterator[Problem]:
    """Components, routes and tiers that changes, maintenance, rotations and the platform's processes name."""
    components, routes, tiers = (names_of(world, (section,)) for section in ("components", "routes", "tiers"))
    for path, names, what in (
        (("delivery", "configuration", "components"), components, "component"),
        (("platform", "support", "tiers"), tiers, "tier"),
    ):
        for name, entry in entries(world, path):
            yield from unknown(ScalarNode(name, entry.key_place, name), (*path, name), names, what, path_of)
    for name, experiment in entries(world, ("delivery", "experiments")):
        component = scalar(experiment.node, "component")
        if component is not None:
            yield from unknown(component, ("delivery", "experiments", name, "component"), components, "component", path_of)
    for section in (("delivery", "launches"), ("delivery", "maintenance"), ("people", "rotations")):
        for name, entry in entries(world, section):
            for key, names in (("components", components), ("routes", routes)):
                for item_path, item in texts(entry.node, (*section, name), key):
                    yield from unknown(item, item_path, names, key[:-1], path_of)
    web = find(world, ("platform", "web"))
    for page_path, item in texts(web[0], ("platform", "web"), "pages") if web else ():
        yield from unknown(item, page_path, routes, "route", path_of)


def policy_problems(policy: Node, path_of: PathOf = plain_path) -> Iterator[Problem]:
    """What a policy says that only the same policy can hold or break."""
    preset = scalar(policy, "alert_preset")
    if preset is not None and preset.value != "none":  # `alerts` knows the names of its rules
        return
    rules = names_of(policy, ("burn_rate_alerts",)) or ()
    for name, slo in entries(policy, ("slos",)):
        for path, rule in texts(slo.node, ("slos", name), "alerts"):
            yield from unknown(rule, path, rules, "rule in burn_rate_alerts", path_of)


def pair_problems(world: Node, policy: Node, path_of: PathOf = plain_path) -> Iterator[Problem]:
    """What the policy says about this world: tiers, routes, histogram bounds, status codes. `path_of` is the policy's."""
    tiers, routes = names_of(world, ("tiers",)), names_of(world, ("routes",))
    bounds, answers = _bounds(world), _answers(world)
    for name, slo in entries(policy, ("slos",)):
        path = ("slos", name, "indicator")
        indicator = slo.node.get("indicator") if isinstance(slo.node, MapNode) else None
        if indicator is None:
            continue
        for tier_path, tier in texts(indicator, path, "tiers"):
            yield from unknown(tier, tier_path, tiers, "tier of the world", path_of)
        for glob_path, glob in texts(indicator, path, "routes"):
            if routes is not None and glob_path[-1] in range(MOST_GLOBS) and not _matches(str(glob.value), routes):
                yield unmatched("route of the world", glob, glob_path, routes, path_of)
        threshold = scalar(indicator, "threshold")
        if threshold is not None and bounds is not None:
            yield from _threshold(threshold, (*path, "threshold"), bounds, path_of)
            globs = [str(glob.value) for _, glob in texts(indicator, path, "routes")] or ["*"]
            yield from _slow_routes(threshold, (*path, "threshold"), globs[:MOST_GLOBS], world, path_of)
        if answers:
            yield from _bad_codes(indicator, (*path, "bad_codes"), answers, path_of)
    for name, sla in entries(policy, ("slas",)):
        yield from unknown(ScalarNode(name, sla.key_place, name), ("slas", name), tiers, "tier of the world", path_of)


def _matches(glob: str, routes: Iterable[str]) -> bool:
    """Whether any of the routes, of those that a file may have, fits the glob."""
    pattern = re.compile(translate(glob))
    return any(pattern.match(route) for route in islice(routes, MOST_NAMED))


def _bounds(world: Node) -> dict[float, str] | None:
    """The histogram's bounds in seconds, as they are written; None if one cannot be read."""
    histogram = find(world, ("histogram",))
    written = [item for _, item in texts(histogram[0], ("histogram",), "bounds")] if histogram else []
    bounds = {read_text(parse_duration, text): text.text for text in written}
    known = {bound: text for bound, text in bounds.items() if bound is not None}
    return known if known and len(known) == len(bounds) else None


def _threshold(node: ScalarNode, path: Path, bounds: dict[float, str], path_of: PathOf) -> Iterator[Problem]:
    wanted = read_text(parse_duration, node)
    if wanted is None or wanted in bounds:
        return
    close = min(bounds, key=lambda bound: (abs(bound - wanted), bound))
    yield Problem(
        "reference/threshold",
        "a latency threshold must be one of the bounds in the world's histogram.bounds",
        file=node.place.file,
        line=node.place.line,
        column=node.place.column,
        path=path_of(path, node.place),
        found=show(node),
        allowed=listed([bounds[bound] for bound in sorted(bounds)]),
        nearest=bounds[close],
    )


def _slow_routes(node: ScalarNode, path: Path, globs: list[str], world: Node, path_of: PathOf) -> Iterator[Problem]:
    """Routes of which most requests are slower than the threshold: no bucket below the median is kept at every scrape."""
    wanted = read_text(parse_duration, node)
    slow = []
    for name, route in islice(entries(world, ("routes",)), MOST_NAMED):
        found = find(route.node, ("latency", "median"))
        median = read_text(parse_duration, found[0]) if found and isinstance(found[0], ScalarNode) else None
        if wanted is not None and median is not None and wanted < median and any(_matches(glob, [name]) for glob in globs):
            slow.append(name)
    if slow:
        yield Problem(
            "reference/threshold-below-median",
            f"most requests are slower than this threshold on {listed(slow)}: no bucket below the median is kept at every scrape",
            file=node.place.file,
            line=node.place.line,
            column=node.place.column,
            path=path_of(path, node.place),
            found=show(node),
            allowed="a threshold at or above the median latency of every route, or an objective that leaves these routes out",
        )


def _answers(world: Node) -> tuple[str, ...]:
    """Every status code that the world can answer with, sorted."""
    codes = codes_of_components(world)
    for _, route in entries(world, ("routes",)):
        codes |= set(names_of(route.node, ("codes",)) or ())
        success = route.node.get("success_code") if isinstance(route.node, MapNode) else None
        codes.add(success.text if isinstance(success, ScalarNode) else "200")
    for _, mode in entries(world, ("failure_modes",)):
        codes |= set(names_of(mode.node, ("effect", "codes")) or ())
    for name, _ in entries(world, ("traffic", "bots")):
        codes |= set(names_of(world, ("traffic", "bots", name, "codes")) or ())
    return tuple(sorted(codes | set(names_of(world, ("delivery", "failure", "codes")) or ())))


def _bad_codes(indicator: Node, path: Path, answers: tuple[str, ...], path_of: PathOf) -> Iterator[Problem]:
    """An objective none of whose bad codes can ever be answered cannot be missed."""
    codes = indicator.get("bad_codes") if isinstance(indicator, MapNode) else None
    if not isinstance(codes, ListNode) or not codes.items:
        return
    patterns = [item.text for item in codes.items if isinstance(item, ScalarNode) and re.fullmatch(CODES_PATTERN, item.text)]
    if len(patterns) < len(codes.items) or any(re.fullmatch(pattern, code) for pattern in patterns for code in answers):
        return
    yield Problem(
        "reference/status-code",
        "no answer of the world is bad: the objective could never be missed",
        file=codes.place.file,
        line=codes.place.line,
        column=codes.place.column,
        path=path_of(path, codes.place),
        found=listed(patterns),
        allowed=listed(answers),
        nearest=nearest(patterns[0], answers),
    )
