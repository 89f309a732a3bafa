"""Time limits of many: whoever asks at a time is told a fixed while later, unless the matter is settled."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import simpy


class _Settled(Protocol):
    @property
    def triggered(self) -> bool: ...


Item = TypeVar("Item", bound=_Settled)


class Deadlines(Generic[Item]):
    """One time limit for many items. The same for all, it runs out in the order in which they came: one timer is enough."""

    __slots__ = ("_armed", "_env", "_items", "_late", "after_s")

    def __init__(self, env: simpy.Environment, after_s: float, late: Callable[[Item], None]) -> None:
        """`late` is called with each item that is not `triggered` after `after_s` seconds."""
        self._env, self.after_s, self._late = env, after_s, late
        self._items: deque[tuple[float, Item]] = deque()
        self._armed = False

    def add(self, item: Item) -> None:
        """Begin to wait for an item."""
        self._items.append((self._env.now + self.after_s, item))
        if not self._armed:
            self._arm(self.after_s)

    def _arm(self, after_s: float) -> None:
        self._armed = True
        simpy.Timeout(self._env, after_s).callbacks.append(self._ring)

    def _ring(self, _: simpy.Event) -> None:
        self._armed = False
        items, now = self._items, self._env.now
        while items:
            at, item = items[0]
            if item.triggered:
                items.popleft()
            elif at <= now or now + (at - now) <= now:
                items.popleft()
                self._late(item)
            else:
                self._arm(at - now)
                return
