"""From demand and incidents to the course of a run."""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.scenario.schema.world import World
from workbench.telemetry.series import Array, FloatArray
from workbench.world.course import Answer, Course, RouteCourse
from workbench.world.demand.cells import Cell
from workbench.world.effects import ActiveEffect
from workbench.world.grid import Grid
from workbench.world.layout import RouteLayout
from workbench.world.load.acts import Acts, Pressures
from workbench.world.load.dynamics import Bin, Dynamics, State
from workbench.world.load.scaling import Replicas, start, usual_replicas
from workbench.world.load.steady import Equilibrium, Requests, Steady
from workbench.world.network.answers import Network


@dataclass(frozen=True)
class _Followed:
    """One bin that was followed, and what it left."""

    bin: Bin
    state: State


class Flow:
    """The load of one world. `course` gives the same for a bin however it is asked, as long as incidents do not change."""

    def __init__(
        self,
        world: World,
        layouts: Sequence[RouteLayout],
        grid: Grid,
        network: Network,
        requests: Requests,
        cells: Sequence[Cell],
        *,
        sessions: FloatArray,
        seed: int,
    ) -> None:
        """`requests` gives expected requests before any feedback; `sessions` are active ones in every bin, `[bins]`."""
        self._of = Equilibrium(world, layouts, grid, network, requests, cells)
        self._acts = Acts(world, grid, seed)
        self._dynamics = Dynamics(self._of)
        self._grid, self._layouts, self._world = grid, tuple(layouts), world
        self._sessions = sessions
        self._followed: dict[int, _Followed] = {}
        """Bins followed since incidents changed them; those of the usual course are in `_usually`."""
        self._usually: dict[int, _Followed] = {}
        self._replicas: dict[str, Array] = {}
        self._changes: dict[str, list[tuple[int, Replicas]]] = {}
        self._usual: Course | None = None

    def usual(self) -> Course:
        """The whole run when nothing goes wrong."""
        if self._usual is None:
            self._usual = self._made()
        return self._usual

    def course(self, low: int, high: int, effects: Sequence[ActiveEffect]) -> Course:
        """Bins [low, high). Routes that fare as usual in all of them are left out.

        Bins before `low` must have been asked for before, or lie where everything was as usual.
        """
        usual = self.usual()
        pieces: list[tuple[int, int, Steady | Bin]] = []
        for begin, end, pressures in self._acts.segments(
            effects, low, high, tuple(zip((tier for tier, _ in self._of.groups), self._of.nothing, strict=True))
        ):
            calm = pressures == self._of.nothing
            at = begin
            while at < end:
                before = self._followed.get(at - 1)
                if before is not None and not before.bin.settled:
                    at = self._follow(at, end, pressures, pieces)
                elif calm:
                    # As usual until the next incident.
                    at = end
                else:
                    steady = self._of.steady(at, end, pressures, self._replicas)
                    hot = np.flatnonzero(steady.hot)
                    until = at + int(hot[0]) if hot.size else end
                    if until > at:
                        pieces.append(
                            (at, until, steady if until == end else self._of.steady(at, until, pressures, self._replicas))
                        )
                        at = until
                    if at < end:
                        at = self._follow(at, end, pressures, pieces)
        return _joined(low, high, usual, pieces, self._layouts)

    def forget(self, first: int) -> None:
        """Bins from `first` on will be asked for again, under other incidents."""
        for at in [at for at in self._followed if at >= first]:
            del self._followed[at]

    def _follow(self, at: int, end: int, pressures: tuple[Pressures, ...], pieces: list[tuple[int, int, Steady | Bin]]) -> int:
        """Follow bins from `at` on until everything is settled or the segment ends; where that was."""
        before = self._followed.get(at - 1) or self._usually.get(at - 1)
        state = before.state if before is not None else self._dynamics.begin(at, self._replicas_at(at))
        while at < end:
            state, done = self._dynamics.step(state, at, pressures)
            self._followed[at] = _Followed(done, state)
            pieces.append((at, at + 1, done))
            at += 1
            if done.settled:
                break
        return at

    def _replicas_at(self, at: int) -> Mapping[str, Replicas]:
        out = {}
        for name, changes in self._changes.items():
            place = bisect.bisect_right(changes, at, key=lambda change: change[0]) - 1
            out[name] = changes[place][1]
        return out

    def _made(self) -> Course:
        bins = len(self._grid)
        of = self._of
        self._scale(bins)
        nothing = of.nothing
        of.learn(of.steady(0, bins, nothing, self._replicas, gauges_only=True), self._replicas)
        steady = of.steady(0, bins, nothing, self._replicas)
        pieces: list[tuple[int, int, Steady | Bin]] = [(0, bins, steady)]
        at = 0
        hot = np.flatnonzero(steady.hot)
        while True:
            place = int(np.searchsorted(hot, at))
            if place >= len(hot):
                break
            at = int(hot[place])
            state = self._dynamics.begin(at, self._replicas_at(at))
            while at < bins:
                state, done = self._dynamics.step(state, at, nothing)
                self._usually[at] = _Followed(done, state)
                pieces.append((at, at + 1, done))
                at += 1
                if done.settled and not steady.hot[min(at, bins - 1)]:
                    break
        return _whole(bins, steady, pieces[1:], self._layouts, self._replicas, self._world)

    def _scale(self, bins: int) -> None:
        """Replicas in every bin: what autoscalers do about the usual load."""
        of = self._of
        for name in of.timed:
            component = self._world.components[name]
            if component.autoscaler is None:
                self._replicas[name] = np.broadcast_to(np.int32(component.replicas), bins)
                self._changes[name] = [(0, start(component))]
        for name in of.timed:
            component = self._world.components[name]
            if component.autoscaler is not None:
                full = {one: np.broadcast_to(np.int32(10_000), bins) for one in of.timed}
                load = (
                    of.steady(0, bins, of.nothing, full, gauges_only=True) if component.autoscaler.metric == "utilisation" else None
                )
                busy = np.zeros(bins) if load is None else load.utilisation[name] * 10_000 * component.concurrency
                counts, states = usual_replicas(component, busy, self._sessions, self._grid)
                self._replicas[name], self._changes[name] = counts, sorted(states.items())


def _joined(
    low: int, high: int, usual: Course, pieces: Sequence[tuple[int, int, Steady | Bin]], layouts: Sequence[RouteLayout]
) -> Course:
    """The usual course with pieces put over it."""
    routes: dict[str, RouteCourse] = {}
    gauges: dict[str, dict[str, FloatArray]] = {"utilisation": {}, "queue": {}}
    servers = {name: of.copy() for name, of in ((name, usual.servers[name][low:high]) for name in usual.servers)} if pieces else {}
    if pieces:
        gauges["utilisation"] = {name: of[low:high].copy() for name, of in usual.utilisation.items()}
        gauges["queue"] = {name: of[low:high].copy() for name, of in usual.queue.items()}
    for layout in layouts if pieces else ():
        base = usual.routes[layout.route]
        answers: list[Answer] = list(base.answers)
        number = {id(answer): place for place, answer in enumerate(answers)}
        which, requests = base.which[:, low:high].copy(), base.requests[:, low:high].copy()
        for begin, end, piece in pieces:
            inside = slice(begin - low, end - low)
            if isinstance(piece, Bin):
                for row, answer in enumerate(piece.answers[layout.route]):
                    which[row, inside] = _number(answer, answers, number)
                requests[:, begin - low] = piece.requests[layout.route]
            else:
                places = np.array([_number(answer, answers, number) for answer in piece.answers[layout.route]], np.int32)
                which[:, inside] = places[piece.which[layout.route]]
                requests[:, inside] = piece.requests[layout.route]
        same = len(answers) == len(base.answers) and np.array_equal(which, base.which[:, low:high])
        if not (same and np.array_equal(requests, base.requests[:, low:high])):
            routes[layout.route] = RouteCourse(which, requests, tuple(answers))
    for begin, end, piece in pieces:
        for name in gauges["utilisation"]:
            gauges["utilisation"][name][begin - low : end - low] = piece.utilisation[name]
            gauges["queue"][name][begin - low : end - low] = piece.queue[name]
            if isinstance(piece, Bin):
                servers[name][begin - low : end - low] = piece.servers[name]
    return Course(low, high, routes, gauges["utilisation"], gauges["queue"], servers)


def _number(answer: Answer, answers: list[Answer], number: dict[int, int]) -> int:
    place = number.get(id(answer))
    if place is None:
        place = number[id(answer)] = len(answers)
        answers.append(answer)
    return place


def _whole(
    bins: int,
    steady: Steady,
    pieces: Sequence[tuple[int, int, Steady | Bin]],
    layouts: Sequence[RouteLayout],
    replicas: Mapping[str, Array],
    world: World,
) -> Course:
    routes = {
        layout.route: RouteCourse(steady.which[layout.route], steady.requests[layout.route], steady.answers[layout.route])
        for layout in layouts
    }
    servers = {name: count * world.components[name].concurrency for name, count in replicas.items()}
    first = Course(0, bins, routes, steady.utilisation, steady.queue, servers)
    if not pieces:
        return first
    put = _joined(0, bins, first, pieces, layouts)
    return Course(0, bins, {**routes, **put.routes}, put.utilisation, put.queue, put.servers)
