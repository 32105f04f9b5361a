"""Bounds attempts to sign in, so that nobody tries passwords through this server.

An attempt is counted before Keystone is asked, and while a bound holds Keystone is not asked: a
right password is then refused like a wrong one (OWASP Authentication Cheat Sheet, "Login
Throttling").
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from math import ceil, inf
from time import monotonic
from typing import Any, Self

import structlog

from bff.errors import BffError, Code
from bff.session.address import address_group
from bff.session.attempts import Bound, MemoryAttempts, SharedAttempts, SharedAttemptsError
from bff.session.user_names import folded
from bff.settings import Settings

USER = "as this user"
ADDRESS = "from this address"
# How long Redis is left alone when it did not answer, and how often a line says that.
PAUSE_SECONDS = 5
WARNING_SECONDS = 60

log = structlog.get_logger("bff.session.sign_in_guard")


class SignInGuard:
    """Counts attempts in memory, and in what processes share if there is something.

    Args:
        per_user: The most failed attempts of one user in a window; 0: no bound.
        per_address: The most attempts from one address in a window; 0: no bound.
        knows_proxies: Whether the addresses are those of clients, where there is a proxy.
        clock: Seconds.
    """

    def __init__(
        self,
        per_user: int,
        per_address: int,
        shared: SharedAttempts | None = None,
        *,
        knows_proxies: bool = True,
        clock: Callable[[], float],
    ) -> None:
        self._per_user = per_user
        self._per_address = per_address
        self._own = MemoryAttempts(clock)
        self._shared = shared
        self._clock = clock
        self._knows_proxies = knows_proxies
        self._ask_shared_at = -inf
        self._warned: dict[str, float] = {}

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the guard of these settings."""
        return cls(
            settings.sign_ins_per_user,
            settings.sign_ins_per_address,
            _shared_of(settings),
            knows_proxies=bool(settings.trusted_proxies),
            clock=monotonic,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._shared is not None:
            await self._shared.close()

    @asynccontextmanager
    async def attempt(self, names: Sequence[str], address: str) -> AsyncIterator[None]:
        """Count what is done in the block as an attempt to sign in.

        Args:
            names: What tells the user from others, as it was given: a name and a domain, or an id.
                Nothing for a token, which nobody can guess: then the address alone is bounded.

        Where it does not end with UNAUTHORIZED, nothing was learnt of a wrong password, and the
        user has the attempt back; the address has not, as each costs Keystone as much.

        Raises:
            BffError: TOO_MANY_REQUESTS, there were too many.
        """
        bounds = self._bounds(names, address)
        name = uuid.uuid4().hex
        at = await self._admit(name, bounds)
        of_user = [bound for bound in bounds if bound.what == USER]
        try:
            yield
        except BffError as error:
            if error.code is not Code.UNAUTHORIZED:
                await self._give_back(name, at, of_user)
            raise
        await self._give_back(name, at, of_user)

    def _bounds(self, names: Sequence[str], address: str) -> list[Bound]:
        of_address = _key(ADDRESS, address_group(address))
        bounds = [Bound(ADDRESS, of_address, self._per_address)]
        if names:
            bounds.insert(0, Bound(USER, _key(USER, *map(folded, names)), self._per_user))
        return [bound for bound in bounds if bound.limit]

    async def _admit(self, name: str, bounds: Sequence[Bound]) -> float:
        """Count an attempt; returns its time."""
        at, waits = self._own.add(bounds)
        if not any(waits):
            waits = await self._admit_shared(name, bounds)
            if any(waits):
                self._own.remove(bounds, at)
        if any(waits):
            raise self._too_many(bounds, waits)
        return at

    async def _admit_shared(self, name: str, bounds: Sequence[Bound]) -> list[float]:
        if self._shared is None or not bounds or self._clock() < self._ask_shared_at:
            return []
        try:
            return await self._shared.add(name, bounds)
        except SharedAttemptsError as failure:
            self._pause(failure)
            return []

    async def _give_back(self, name: str, at: float, bounds: Sequence[Bound]) -> None:
        self._own.remove(bounds, at)
        if self._shared is None or not bounds or self._clock() < self._ask_shared_at:
            return
        try:
            await self._shared.remove(name, bounds)
        except SharedAttemptsError as failure:
            self._pause(failure)

    def _pause(self, failure: SharedAttemptsError) -> None:
        """Do without what is shared for a moment: the bounds of this process hold."""
        self._ask_shared_at = self._clock() + PAUSE_SECONDS
        self._warn("sign-ins are counted for this process alone", error=str(failure))

    def _too_many(self, bounds: Sequence[Bound], waits: Sequence[float]) -> BffError:
        wait, what = max(zip(waits, (bound.what for bound in bounds), strict=True))
        if what == ADDRESS and not self._knows_proxies:
            self._warn("too many sign-ins from one address; is it a proxy's? BFF_TRUSTED_PROXIES")
        seconds = ceil(wait)
        message = f"Too many attempts to sign in {what}: retry in {seconds} seconds."
        return BffError(Code.TOO_MANY_REQUESTS, message, retryAfter=seconds)

    def _warn(self, event: str, **more: Any) -> None:
        now = self._clock()
        if now >= self._warned.get(event, -inf) + WARNING_SECONDS:
            self._warned[event] = now
            log.warning(event, **more)


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _shared_of(settings: Settings) -> SharedAttempts | None:
    if settings.redis_url is None:
        return None
    from bff.session.redis_attempts import RedisAttempts  # noqa: PLC0415  # an optional package

    return RedisAttempts(settings.redis_url.get_secret_value())
