"""A bounded cache in which any number of callers wait for one and the same look-up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Generic, TypeVar

from cachetools import TLRUCache

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SingleFlightCache(Generic[K, V]):
    """Values that expire; one look-up a key at a time, failures are not kept.

    Args:
        size: The most values that are kept; the least recently used goes first.
        expires: The time at which a value ends, by ``clock``.
        clock: Seconds.
    """

    def __init__(
        self, size: int, expires: Callable[[V], float], clock: Callable[[], float]
    ) -> None:
        self._values: TLRUCache[K, V] = TLRUCache(
            size, ttu=lambda _key, value, _now: expires(value), timer=clock
        )
        self._flights: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K, look_up: Callable[[], Awaitable[V]]) -> V:
        """Return the value, looked up at most once however many wait for it."""
        try:
            return self._values[key]
        except KeyError:
            pass
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(self._load(key, look_up))
            self._flights[key] = flight
        # One caller that goes away must not take the answer from the others.
        return await asyncio.shield(flight)

    def __len__(self) -> int:
        """Return how many values are kept."""
        self._values.expire()
        return len(self._values)

    def peek(self, key: K) -> V | None:
        """Return the value if there is one; nothing is looked up."""
        try:
            return self._values[key]
        except KeyError:
            return None

    def drop(self, keys: Iterable[K]) -> None:
        """Forget these values; a look-up under way is not kept when it ends."""
        for key in keys:
            self._values.pop(key, None)
            self._flights.pop(key, None)

    @property
    def pending(self) -> list[K]:
        """The keys that are being looked up."""
        return list(self._flights)

    async def _load(self, key: K, look_up: Callable[[], Awaitable[V]]) -> V:
        try:
            value = await look_up()
            if self._flights.get(key) is asyncio.current_task():
                self._values[key] = value
            return value
        finally:
            if self._flights.get(key) is asyncio.current_task():
                del self._flights[key]
