"""Counts attempts to sign in over a window that moves, in this process's memory.

The library ``limits`` (5.8) does not fit: its memory grows with every name that is made up, and its
clean-up, begun by each attempt, hands every one of them to a thread (8 s for 20,000); it cannot
take back a single attempt; and it asks for a Redis client older than the one that is here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cachetools import TTLCache

WINDOW_SECONDS = 60
# Each takes 400 bytes, and 32 for an attempt. To push a user's attempts out in the minute that they
# are kept takes this many attempts in other names, each from an address that may still try.
MAX_KEYS = 100_000


@dataclass(frozen=True)
class Bound:
    """At most ``limit`` attempts in the window.

    Args:
        what: What is bounded, as a message says it.
        key: Whose attempts they are; a hash.
    """

    what: str
    key: str
    limit: int


class SharedAttemptsError(Exception):
    """What processes and hosts share could not be asked."""


class SharedAttempts(Protocol):
    """The attempts that several processes saw; ``attempt`` is a name that no other one has.

    Its methods raise ``SharedAttemptsError``.
    """

    async def add(self, attempt: str, bounds: Sequence[Bound]) -> list[float]:
        """Count an attempt; for the result, see ``MemoryAttempts.add``."""

    async def remove(self, attempt: str, bounds: Sequence[Bound]) -> None:
        """Take back an attempt."""

    async def close(self) -> None:
        """Close the connections."""


class MemoryAttempts:
    """The attempts that this process saw; those of the least recently used keys are forgotten.

    Args:
        clock: Seconds.
    """

    def __init__(self, clock: Callable[[], float], size: int = MAX_KEYS) -> None:
        self._clock = clock
        self._times: TTLCache[str, tuple[float, ...]] = TTLCache(size, WINDOW_SECONDS, clock)

    def add(self, bounds: Sequence[Bound]) -> tuple[float, list[float]]:
        """Count an attempt under every bound if all allow it, and under none otherwise.

        Returns:
            Its time, and for each bound the seconds until it allows an attempt.
        """
        now = self._clock()
        waits = [self._wait(bound, now) for bound in bounds]
        if not any(waits):
            for bound in bounds:
                self._times[bound.key] = (*self._recent(bound.key, now), now)
        return now, waits

    def remove(self, bounds: Sequence[Bound], at: float) -> None:
        """Take back the attempt that was made at a time."""
        for bound in bounds:
            times = list(self._times.get(bound.key, ()))
            if at in times:
                times.remove(at)
                self._times[bound.key] = tuple(times)

    def __len__(self) -> int:
        return len(self._times)

    def _wait(self, bound: Bound, now: float) -> float:
        times = self._recent(bound.key, now)
        if len(times) < bound.limit:
            return 0
        return times[-bound.limit] + WINDOW_SECONDS - now

    def _recent(self, key: str, now: float) -> tuple[float, ...]:
        times: tuple[float, ...] = self._times.get(key, ())
        return tuple(at for at in times if at > now - WINDOW_SECONDS)
