"""From demand and incidents to the course of a run."""

from __future__ import annotations

import bisect
from collections.abc import Sequence

import numpy as np

from workbench.scenario.schema.world import World
from workbench.telemetry.series import Array, FloatArray
from workbench.world.course import Course
from workbench.world.demand.cells import Cell
from workbench.world.effects import ActiveEffect
from workbench.world.grid import Grid
from workbench.world.layout import RouteLayout
from workbench.world.load.acts import Acts, Pressures
from workbench.world.load.dynamics import Dynamics, State, same
from workbench.world.load.joined import Piece, joined, whole
from workbench.world.load.scaling import Replicas, start, usual_replicas
from workbench.world.load.situations import Requests, Situations
from workbench.world.load.steady import Equilibrium
from workbench.world.network.answers import Network

_Followed = dict[int, tuple[State, bool]]
"""Bins that were followed: what each left to the next, and whether it was settled."""


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
        self._situations = Situations(world, layouts, network, requests, cells)
        self._of = Equilibrium(world, grid, self._situations)
        self._acts = Acts(world, grid, seed)
        self._dynamics = Dynamics(self._of, sessions)
        self._grid, self._world, self._sessions = grid, world, sessions
        self._followed: _Followed = {}
        """Since incidents changed them; those of the usual course are in `_usually`."""
        self._usually: _Followed = {}
        self._stretches: list[tuple[int, int, tuple[Pressures, ...]]] = []
        """Bins [begin, end) that `course` was asked for, ascending, where the pressures were not the usual ones."""
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
        usual, pieces = self.usual(), list[Piece]()
        nothing = self._of.nothing
        groups = tuple(zip((tier for tier, _ in self._situations.groups), nothing, strict=True))
        for begin, end, pressures in self._acts.segments(effects, low, high, groups):
            calm = pressures == nothing
            if not calm:
                self._remember(begin, end, pressures)
            at = begin
            while at < end:
                if self._unsettled(at - 1, pressures):
                    at = self._follow(at, end, pressures, pieces, at_least=0)
                elif calm:
                    # As usual until the next incident.
                    at = end
                else:
                    at = self._steady(at, end, pressures, pieces)
        return joined(low, high, usual, pieces, self._situations)

    def forget(self, first: int) -> None:
        """Bins from `first` on will be asked for again, under other incidents."""
        for at in [at for at in self._followed if at >= first]:
            del self._followed[at]
        while self._stretches and self._stretches[-1][1] > first:
            begin, _, pressures = self._stretches.pop()
            if begin < first:
                self._stretches.append((begin, first, pressures))
                break

    # ---- pieces

    def _steady(self, at: int, end: int, pressures: tuple[Pressures, ...], pieces: list[Piece]) -> int:
        """Bins in equilibrium from `at` on, then those that must be followed; where that ends."""
        steady = self._of.steady(at, end, pressures, self._replicas)
        hot = np.flatnonzero(steady.hot)
        until = at + int(hot[0]) if hot.size else end
        if until > at:
            pieces.append((at, until, steady if until == end else self._of.steady(at, until, pressures, self._replicas)))
        if until == end:
            return end
        # As long as bins are hot they are followed even where the queue happens to be in equilibrium.
        cool = np.flatnonzero(~steady.hot[until - at :])
        return self._follow(until, end, pressures, pieces, at_least=until + int(cool[0]) if cool.size else end)

    def _follow(self, at: int, end: int, pressures: tuple[Pressures, ...], pieces: list[Piece], at_least: int) -> int:
        """Follow bins from `at` on until everything is settled or the segment ends; where that was."""
        before = self._followed.get(at - 1) or self._usually.get(at - 1)
        state = before[0] if before is not None else self._dynamics.begin(at, self._pressures_at(at - 1), self._replicas_at(at))
        calm = pressures == self._of.nothing
        while at < end:
            state, done = self._dynamics.step(state, at, pressures)
            settled = self._is_settled(state, at, settled=done.settled, calm=calm)
            self._followed[at] = state, settled
            pieces.append((at, at + 1, done))
            at += 1
            if settled and at >= at_least:
                break
        return at

    def _is_settled(self, state: State, at: int, *, settled: bool, calm: bool) -> bool:
        """Whether what follows needs no memory of this bin."""
        if calm and at in self._usually:
            return same(state, self._usually[at][0])
        if not settled:
            return False
        usual = self._replicas_at(at + 1)
        return all((a.serving, a.ordered) == (b.serving, b.ordered) for a, b in zip(state.replicas, usual, strict=True))

    def _unsettled(self, at: int, pressures: tuple[Pressures, ...]) -> bool:
        """Whether bin `at` left something behind that is not in equilibrium under the pressures of the next one."""
        found = self._followed.get(at)
        if found is not None:
            return not found[1] or self._pressures_at(at) != pressures
        # An incident that begins while a usual queue has not been worked off.
        return pressures != self._of.nothing and at in self._usually and not self._usually[at][1]

    def _remember(self, begin: int, end: int, pressures: tuple[Pressures, ...]) -> None:
        if self._stretches and self._stretches[-1][1] == begin and self._stretches[-1][2] == pressures:
            begin = self._stretches.pop()[0]
        self._stretches.append((begin, end, pressures))

    def _pressures_at(self, at: int) -> tuple[Pressures, ...]:
        place = bisect.bisect_right(self._stretches, at, key=lambda one: one[0]) - 1
        if place >= 0 and self._stretches[place][1] > at:
            return self._stretches[place][2]
        return self._of.nothing

    def _replicas_at(self, at: int) -> tuple[Replicas, ...]:
        out = []
        for name in self._situations.stations:
            changes = self._changes[name]
            out.append(changes[bisect.bisect_right(changes, at, key=lambda change: change[0]) - 1][1])
        return tuple(out)

    # ---- the usual course

    def _made(self) -> Course:
        bins, of = len(self._grid), self._of
        loads = of.loads(0, bins, of.nothing)
        self._scale(bins, loads.work)
        of.learn(loads, self._replicas)
        steady = of.steady(0, bins, of.nothing, self._replicas, loads)
        of.usual_utilisation = steady.utilisation
        pieces: list[Piece] = []
        hot = np.flatnonzero(steady.hot)
        at = 0
        while (place := int(np.searchsorted(hot, at))) < len(hot):
            at = int(hot[place])
            state = self._dynamics.begin(at, of.nothing, self._replicas_at(at))
            while at < bins:
                state, done = self._dynamics.step(state, at, of.nothing)
                self._usually[at] = state, done.settled
                pieces.append((at, at + 1, done))
                at += 1
                if done.settled and (at >= bins or not steady.hot[at]):
                    break
        return whole(bins, steady, pieces, self._replicas, self._situations)

    def _scale(self, bins: int, work: Sequence[FloatArray]) -> None:
        """Replicas in every bin: what autoscalers do about the usual load."""
        for at, name in enumerate(self._situations.stations):
            component = self._situations.parts[name]
            if component.autoscaler is None:
                self._replicas[name] = np.broadcast_to(np.int32(component.replicas), bins)
                self._changes[name] = [(0, start(component))]
            else:
                busy = work[at] / component.concurrency
                self._replicas[name], self._changes[name] = usual_replicas(component, busy, self._sessions, self._grid)
