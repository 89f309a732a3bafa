"""Putting stretches of bins together to a course."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from workbench.telemetry.series import Array, FloatArray
from workbench.world.course import Answer, Course, RouteCourse
from workbench.world.layout import RouteLayout
from workbench.world.load.dynamics import Bin
from workbench.world.load.situations import Situations
from workbench.world.load.steady import Steady

Piece = tuple[int, int, Steady | Bin]
"""Bins [begin, end)."""


def joined(low: int, high: int, usual: Course, pieces: Sequence[Piece], of: Situations) -> Course:
    """The usual course of bins [low, high) with pieces put over it. Routes that fare as usual in all of them are left out."""
    if not pieces:
        return Course(low, high, {})
    routes: dict[str, RouteCourse] = {}
    for at, layout in enumerate(of.layouts):
        route = _route(low, high, usual.routes[layout.route], pieces, at, layout, of)
        if route is not None:
            routes[layout.route] = route
    utilisation = {name: one[low:high].copy() for name, one in usual.utilisation.items()}
    queue = {name: one[low:high].copy() for name, one in usual.queue.items()}
    servers = {name: one[low:high].copy() for name, one in usual.servers.items()}
    for begin, end, piece in pieces:
        for place, name in enumerate(of.stations):
            if isinstance(piece, Bin):
                utilisation[name][begin - low] = piece.utilisation[place]
                queue[name][begin - low] = piece.queue[place]
                servers[name][begin - low] = piece.servers[place]
            else:
                utilisation[name][begin - low : end - low] = piece.utilisation[name]
                queue[name][begin - low : end - low] = piece.queue[name]
    return Course(low, high, routes, utilisation, queue, servers)


def whole(bins: int, steady: Steady, pieces: Sequence[Piece], replicas: Mapping[str, Array], of: Situations) -> Course:
    """The course of a whole run."""
    routes = {
        layout.route: RouteCourse(steady.which[layout.route], steady.requests[layout.route], steady.answers[layout.route])
        for layout in of.layouts
    }
    servers = {name: replicas[name] * np.int32(of.kinds[name].concurrency) for name in of.stations}
    first = Course(0, bins, routes, steady.utilisation, steady.queue, servers)
    put = joined(0, bins, first, pieces, of)
    return Course(0, bins, {**routes, **put.routes}, put.utilisation, put.queue, put.servers) if pieces else first


def _route(
    low: int, high: int, base: RouteCourse, pieces: Sequence[Piece], at: int, layout: RouteLayout, of: Situations
) -> RouteCourse | None:
    answers: list[Answer] = list(base.answers)
    number = {id(answer): place for place, answer in enumerate(answers)}
    which: Array = base.which[:, low:high].copy()
    requests: FloatArray = base.requests[:, low:high].copy()
    for begin, end, piece in pieces:
        inside = slice(begin - low, end - low)
        if isinstance(piece, Bin):
            by_group = [_number(one.answers[at], answers, number) for one in piece.situations]
            which[:, begin - low] = [by_group[group] for group in of.group_of]
            requests[:, begin - low] = piece.requests[at]
        else:
            places = np.array([_number(answer, answers, number) for answer in piece.answers[layout.route]], np.int32)
            which[:, inside] = places[piece.which[layout.route]]
            requests[:, inside] = piece.requests[layout.route]
    same = len(answers) == len(base.answers) and np.array_equal(which, base.which[:, low:high])
    if same and np.array_equal(requests, base.requests[:, low:high]):
        return None
    return RouteCourse(which, requests, tuple(answers))


def _number(answer: Answer, answers: list[Answer], number: dict[int, int]) -> int:
    place = number.get(id(answer))
    if place is None:
        place = number[id(answer)] = len(answers)
        answers.append(answer)
    return place
