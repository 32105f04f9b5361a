"""What an upstream service is spared: requests at a time, retries, and requests while it fails.

One policy for each service, so that one that hangs takes nothing from another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

from bff.errors import BffError, Code
from bff.openstack.slots import FairSlots

# After that many seconds, a request counts for about a third in the budget of retries.
BUDGET_SECONDS = 10.0
RETRY_RATIO = 0.1
# Where there is little traffic, a tenth of it would be no retry at all.
MIN_RETRIES = 3


class RetryBudget:
    """How many retries the requests of the last seconds may have: a tenth of them, three at least.

    So retries cannot multiply the load of a service that fails.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._at = clock()
        self._requests = self._retries = 0.0
        self.spent = 0

    def count_request(self) -> None:
        """Note that a request is sent that is no retry."""
        self._fade()
        self._requests += 1

    def take(self) -> bool:
        """Return whether there may be another retry, which is then counted."""
        self._fade()
        if self._retries >= max(MIN_RETRIES, RETRY_RATIO * self._requests):
            return False
        self._retries += 1
        self.spent += 1
        return True

    def _fade(self) -> None:
        now = self._clock()
        factor = math.exp((self._at - now) / BUDGET_SECONDS)
        self._at = now
        self._requests *= factor
        self._retries *= factor


class Breaker:
    """Lets nothing through for a while after many failures in a row; then one request, as a probe.

    Of the libraries, purgatory lets any number of probes through at once and counts a cancelled
    call as a failure, and aiobreaker has not been kept since 2021.

    Args:
        failures: How many in a row.
        seconds: How long nothing is sent then.
    """

    def __init__(
        self, failures: int, seconds: float, clock: Callable[[], float] = monotonic
    ) -> None:
        self._max_failures = failures
        self._seconds = seconds
        self._clock = clock
        self._failures = 0
        self._closes_at = 0.0
        self._is_probing = False

    @property
    def is_open(self) -> bool:
        """Whether requests are refused, a probe apart."""
        return self._failures >= self._max_failures

    @property
    def seconds_left(self) -> float | None:
        """How long nothing may be sent; ``None``: a request may."""
        if not self.is_open:
            return None
        left = self._closes_at - self._clock()
        return None if left <= 0 and not self._is_probing else max(left, 0.0)

    def began(self) -> None:
        """Note that a request is sent; ``succeeded``, ``failed`` or ``gave_up`` follows."""
        self._is_probing = self.is_open

    def succeeded(self) -> None:
        """Note that the service answered."""
        self._failures = 0
        self._is_probing = False

    def failed(self) -> None:
        """Note that it did not, or said that it cannot."""
        if not self.is_open or self._is_probing:
            self._closes_at = self._clock() + self._seconds
        self._failures += 1
        self._is_probing = False

    def gave_up(self) -> None:
        """Note that nothing was learned: whoever asked went away."""
        self._is_probing = False


@dataclass(slots=True)
class Exchange:
    """A request that was let through; whoever sends it says which status was answered.

    Args:
        started: By ``time.monotonic``; ``None`` where its duration says nothing of the service.
    """

    started: float | None
    status: int | None = None


# In seconds, after the status or how the connection failed.
Observer = Callable[[str, float | None], None]


@dataclass(frozen=True)
class Limits:
    """The numbers of a policy.

    Args:
        requests: How many the service has at a time; uploads are not among them.
        per_caller: How many of them one caller may have.
        waiting: How many may wait for their turn.
        patience: How long one may wait, in seconds.
        failures: After how many failures in a row nothing is sent any more.
        pause: How long nothing is sent then, in seconds.
    """

    requests: int = 100
    per_caller: int = 32
    waiting: int = 1000
    patience: float = 5
    failures: int = 20
    pause: float = 5


class Policy:
    """What one service is spared.

    Args:
        service: Its name for messages.
        observe: Told how each request ended, and after how many seconds.
    """

    def __init__(
        self,
        service: str,
        limits: Limits | None = None,
        observe: Observer = lambda _status, _seconds: None,
    ) -> None:
        limits = limits or Limits()
        self.slots = FairSlots(
            f"requests to {service}", limits.requests, limits.per_caller, limits.waiting
        )
        self.breaker = Breaker(limits.failures, limits.pause)
        self.retries = RetryBudget()
        self.shed = self.slots.shed
        self._service = service
        self._patience = limits.patience
        self.observe = observe

    def admit(self, caller: str, doing: str) -> Admission:
        """Return what waits until the service is free for a request of this caller.

        Args:
            caller: With whom it shares turns.
        """
        return Admission(self, caller, doing)

    @contextmanager
    def watch(self, doing: str) -> Iterator[Exchange]:
        """Send a request inside that takes no slot, as an upload; how it ends is noted.

        Raises:
            BffError: SERVICE_UNAVAILABLE, the service fails.
        """
        exchange = self._begin(doing)
        try:
            yield exchange
        except BaseException as failure:
            self._ended(exchange, failure)
            raise
        self._ended(exchange, None)

    async def _admitted(self, caller: str, doing: str) -> Exchange:
        # Nobody waits in a queue for what would be refused then.
        self._check_breaker(doing)
        await self.slots.acquire(caller, self._patience)
        try:
            return self._begin(doing)
        except BffError:
            self.slots.release(caller)
            raise

    def _begin(self, doing: str) -> Exchange:
        self._check_breaker(doing)
        self.breaker.began()
        return Exchange(monotonic())

    def _ended(self, exchange: Exchange, failure: BaseException | None) -> None:
        if exchange.status is not None:
            (self.breaker.failed if exchange.status in _UNAVAILABLE else self.breaker.succeeded)()
            status = str(exchange.status)
        elif isinstance(failure, BffError) and failure.__cause__ is not None:
            # Only of a failed connection a cause is kept.
            self.breaker.failed()
            status = _FAILURES.get(failure.code, "broken")
        else:
            self.breaker.gave_up()
            status = "ended"
        seconds = None if exchange.started is None else monotonic() - exchange.started
        self.observe(status, seconds)

    def _check_breaker(self, doing: str) -> None:
        left = self.breaker.seconds_left
        if left is not None:
            self.shed["breaker"] += 1
            message = (
                f"Could not {doing}: the last requests to {self._service} failed, so none is sent"
                " for a moment; try again later."
            )
            raise BffError(Code.SERVICE_UNAVAILABLE, message, retryAfter=math.ceil(left) or 1)


_FAILURES: Mapping[Code, str] = {
    Code.GATEWAY_TIMEOUT: "timeout",
    Code.SERVICE_UNAVAILABLE: "unreachable",
}
_UNAVAILABLE = frozenset({502, 503, 504})


class Admission:
    """A request that the policy lets through: ``async with``, which gives its ``Exchange``.

    Raises:
        BffError: SERVICE_UNAVAILABLE, the service fails, or has too many requests;
            TOO_MANY_REQUESTS, it has too many of this caller.
    """

    __slots__ = ("_caller", "_doing", "_exchange", "_policy")

    def __init__(self, policy: Policy, caller: str, doing: str) -> None:
        self._policy, self._caller, self._doing = policy, caller, doing

    async def __aenter__(self) -> Exchange:
        """Wait until it may be sent."""
        self._exchange = await self._policy._admitted(self._caller, self._doing)
        return self._exchange

    async def __aexit__(self, _kind: Any, failure: BaseException | None, _where: Any) -> None:
        """Note how it ended."""
        self._policy._ended(self._exchange, failure)
        self._policy.slots.release(self._caller)
