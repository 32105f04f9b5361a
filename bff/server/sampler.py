"""What others count or hold, read for the metrics; and how long the event loop is held up."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import structlog

from bff.server.metrics import Metrics

INTERVAL_SECONDS = 0.5
# For so many rounds a lag is shown: half a minute, in which Prometheus comes by.
ROUNDS_OF_LAG = 60

log = structlog.get_logger("bff.server.sampler")


@dataclass(frozen=True)
class Reading:
    """Where the value of a metric is read.

    Args:
        read: Returns a gauge's value, or a counter's total.
    """

    name: str
    read: Callable[[], float]
    labels: tuple[str, ...] = ()


class Slots(Protocol):
    """What a limit of requests at a time shows of itself."""

    @property
    def in_use(self) -> int:
        """How many are under way."""

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""

    @property
    def shed(self) -> Mapping[str, int]:
        """How many were refused, by reason."""


class Retries(Protocol):
    """What a budget of retries shows of itself."""

    @property
    def spent(self) -> int:
        """How many requests were sent again."""


class Breaker(Protocol):
    """What a breaker shows of itself."""

    @property
    def is_open(self) -> bool:
        """Whether nothing is sent."""


class Policy(Protocol):
    """What the policy of an upstream service shows of itself."""

    @property
    def slots(self) -> Slots:
        """Its requests at a time."""

    @property
    def shed(self) -> Mapping[str, int]:
        """How many requests were not sent, by reason."""

    @property
    def retries(self) -> Retries:
        """Its retries."""

    @property
    def breaker(self) -> Breaker:
        """Its breaker."""


def readings_of_policy(service: str, policy: Policy) -> Iterable[Reading]:
    """Return what is read of an upstream service's policy."""
    labels = (service,)
    yield Reading("bff_upstream_in_flight", lambda: policy.slots.in_use, labels)
    yield Reading("bff_upstream_waiting", lambda: policy.slots.waiting, labels)
    yield Reading("bff_upstream_retries_total", lambda: policy.retries.spent, labels)
    yield Reading("bff_upstream_breaker_open", lambda: policy.breaker.is_open, labels)
    for reason in ("caller", "queue", "breaker"):
        yield _shed("bff_upstream_shed_total", policy, reason, labels)


def readings_of_calls(slots: Slots) -> Iterable[Reading]:
    """Return what is read of the limit of calls at a time."""
    yield Reading("bff_calls_waiting", lambda: slots.waiting)
    for reason in ("caller", "queue"):
        yield _shed("bff_calls_shed_total", slots, reason)


def _shed(name: str, of: Slots | Policy, reason: str, labels: tuple[str, ...] = ()) -> Reading:
    return Reading(name, lambda: of.shed.get(reason, 0), (*labels, reason))


class Sampler:
    """Reads everything twice a second."""

    def __init__(self, metrics: Metrics, readings: Iterable[Reading]) -> None:
        self._metrics = metrics
        self._readings = tuple(readings)
        self._lags: deque[float] = deque(maxlen=ROUNDS_OF_LAG)

    async def run(self) -> None:
        """Sample until this is cancelled."""
        now = asyncio.get_running_loop().time
        while True:
            due = now() + INTERVAL_SECONDS
            await asyncio.sleep(INTERVAL_SECONDS)
            self.note_lag(now() - due)
            self.sample()

    def note_lag(self, seconds: float) -> None:
        """Show the longest of the last lags: a short one would be over before anybody looks."""
        self._lags.append(max(seconds, 0.0))
        self._metrics.set("bff_event_loop_lag_seconds", (), max(self._lags))

    def sample(self) -> None:
        """Read everything once."""
        try:
            for reading in self._readings:
                self._metrics.set(reading.name, reading.labels, reading.read())
        except Exception:
            # A bug in a number must not end all the others.
            log.exception("the metrics could not be read")


@asynccontextmanager
async def sampling(metrics: Metrics, readings: Iterable[Reading]) -> AsyncIterator[None]:
    """Sample inside the block, and once more at its end."""
    sampler = Sampler(metrics, readings)
    running = asyncio.create_task(sampler.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait({running})
        sampler.sample()
