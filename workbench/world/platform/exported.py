"""Everything that the platform exports: what rules can read while the run goes on, and what is known of it at its end."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping

from workbench.scenario.schema.world import World
from workbench.telemetry.series import Array, FloatArray, Series, SeriesKey
from workbench.world.effects import ActiveEffect
from workbench.world.grid import Grid
from workbench.world.impact import MetricBreaks
from workbench.world.platform.breaks import Break
from workbench.world.platform.checks import Checks
from workbench.world.platform.media import media_series
from workbench.world.platform.resources import resource_series
from workbench.world.platform.slots import Slots, seen
from workbench.world.platform.support import support_series
from workbench.world.platform.users import adoption, satisfaction, session_durations
from workbench.world.platform.web import web_series
from workbench.world.platform.work import batch_jobs, vulnerabilities


class Platform:
    """The platform's processes of one run."""

    def __init__(
        self,
        world: World,
        grid: Grid,
        rates: FloatArray,
        sessions: Mapping[str, Array],
        *,
        start: dt.datetime,
        seed: int,
        slot_bins: int,
    ) -> None:
        """`rates` are the requests a second of each bin, `sessions` the active ones by tier, `[bins]` each."""
        self._world, self._start, self._seed, self._rates = world, start, seed, rates
        self._grid = grid
        self._slots = Slots(grid, slot_bins)
        self._checks = Checks(world, grid, rates, seed)
        self._breaks: dict[str, tuple[Break, ...]] = {}
        self._series = (
            *(Series(SeriesKey.of("user_sessions_active", tier=tier), grid.times, of) for tier, of in sorted(sessions.items())),
            *self._checks.series(),
            *vulnerabilities(world, grid, self._slots, seed),
            *batch_jobs(world, self._slots, rates, seed),
        )

    def series(self) -> tuple[Series, ...]:
        """What does not depend on how requests fare; failures rewrite it in place."""
        return self._series

    def began(self, effect: ActiveEffect) -> bool:
        """An incident acts from now on; says whether it breaks anything here."""
        acts = [act for act in effect.impact.acts if isinstance(act, MetricBreaks)]
        if acts:
            start_s = self._grid.start_of(effect.first)
            self._breaks[effect.id] = tuple(Break(act.process, act.share, start_s) for act in acts)
            self._rewrite(effect.first)
        return bool(acts)

    def ended(self, effect: ActiveEffect) -> bool:
        """Its last bin is known now; says whether it broke anything here."""
        broken = self._breaks.get(effect.id)
        if broken is None or effect.last is None:
            return False
        end_s = self._grid.start_of(effect.last)
        self._breaks[effect.id] = tuple(dataclasses.replace(one, end_s=end_s) for one in broken)
        self._rewrite(effect.last)
        return True

    def finish(
        self, scraped: Iterable[Series], uploads: Array | None, utilisation: Mapping[str, FloatArray] | None = None
    ) -> Iterator[Series]:
        """What depends on how requests fared: only their exported series are looked at.

        Args:
            scraped: The request metrics of the run.
            uploads: Accepted uploads of each bin, `[bins]`; None where no route takes any.
            utilisation: Busy share of each component's servers in each bin.
        """
        world, slots = self._world, self._slots
        if uploads is not None:
            yield from media_series(world, self._grid, slots, uploads, self._seed)
        if not len(slots):
            return
        users = seen(slots, scraped)
        yield from support_series(world, slots, users, self._start, self._seed)
        yield from web_series(world, slots, users, self._seed)
        yield from session_durations(world, slots, self._rates, self._seed)
        yield from adoption(world, slots, users, self._start, self._seed)
        yield from satisfaction(world, slots, users, self._seed)
        yield from resource_series(world, slots, self._rates, utilisation or {})

    def _rewrite(self, first: int) -> None:
        self._checks.rewrite([one for name in sorted(self._breaks) for one in self._breaks[name]], first)
