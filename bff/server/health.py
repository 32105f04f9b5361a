"""``GET /healthz`` and ``GET /readyz``, for load balancers: is this process alive, can it work.

A stranger may ask them, so they say no more than that, and however often they are asked, the
services behind are not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic
from typing import Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

# How long an answer to a call shows that a service works, in seconds.
ANSWER_SECONDS = 10.0
# How long the result of a probe holds, and a failure where nothing was answered, in seconds.
PROBE_HOLDS_SECONDS = 5.0
# How long a probe may take, in seconds.
PROBE_SECONDS = 2.0

State = Literal["ok", "failing", "unknown"]
# Asks a service; ``None``: its address is not known yet.
Probe = Callable[[], Awaitable[bool | None]]
# Of a request that got no answer, or one by which a service, or a proxy, says that it cannot work.
_FAILURES = frozenset({"timeout", "unreachable", "broken", "502", "503", "504"})


class Upstream:
    """What is known of one service: from the requests of calls, and where there are none, a probe.

    Args:
        clock: Seconds.
    """

    def __init__(self, probe: Probe, clock: Callable[[], float] = monotonic) -> None:
        self._probe = probe
        self._clock = clock
        self._ok_until = self._failing_until = clock()
        self._probing: asyncio.Task[State] | None = None

    def note(self, status: str) -> None:
        """Learn from how a request ended: its HTTP status, or how the connection failed."""
        if status in _FAILURES:
            self._learn(PROBE_HOLDS_SECONDS, ok=False)
        elif status.isdecimal() and int(status) < 500:
            self._learn(ANSWER_SECONDS, ok=True)

    @property
    def known(self) -> State:
        """What the last seconds have shown; one answer counts more than the failures beside it."""
        now = self._clock()
        if now < self._ok_until:
            return "ok"
        return "failing" if now < self._failing_until else "unknown"

    async def state(self) -> State:
        """Return what is known, or what a probe finds out; all who ask meanwhile share the probe.

        It takes ``PROBE_SECONDS`` at most.
        """
        known = self.known
        if known != "unknown":
            return known
        if self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(self._probed())
        # One who goes away must not take the answer from the others.
        return await asyncio.shield(self._probing)

    async def _probed(self) -> State:
        answered: bool | None = False
        with suppress(TimeoutError):
            async with asyncio.timeout(PROBE_SECONDS):
                answered = await self._probe()
        if answered is not None:
            self._learn(PROBE_HOLDS_SECONDS, ok=answered)
        return self.known

    def _learn(self, seconds: float, *, ok: bool) -> None:
        until = self._clock() + seconds
        if ok:
            self._ok_until = max(self._ok_until, until)
        else:
            self._failing_until = max(self._failing_until, until)


class Health:
    """Whether this process can serve; a route finds it in ``request.state.health``.

    Args:
        is_stopping: Whether the stop of the server has begun, so that nobody new shall come.
    """

    def __init__(
        self, keystone: Upstream, glance: Upstream, is_stopping: Callable[[], bool]
    ) -> None:
        self.keystone = keystone
        self.glance = glance
        self._is_stopping = is_stopping

    async def readiness(self) -> tuple[int, dict[str, str]]:
        """Return the HTTP status and the body of ``/readyz``.

        That nobody knows Glance's address yet, as before the first call, is no fault.
        """
        if self._is_stopping():
            return 503, self._body("stopping", self.keystone.known, self.glance.known)
        keystone, glance = await asyncio.gather(self.keystone.state(), self.glance.state())
        if "failing" in (keystone, glance):
            return 503, self._body("not ready", keystone, glance)
        return 200, self._body("ready", keystone, glance)

    @staticmethod
    def _body(status: str, keystone: State, glance: State) -> dict[str, str]:
        return {"status": status, "keystone": keystone, "glance": glance}


def routes(prefix: str) -> list[Route]:
    """Return the routes, at the root and below the prefix."""
    return [
        Route(f"{base}/{name}", answer, methods=["GET"])
        for base in ("", prefix)
        for name, answer in (("healthz", _alive), ("readyz", _ready))
    ]


async def _alive(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _ready(request: Request) -> Response:
    health: Health = request.state.health
    status, body = await health.readiness()
    return JSONResponse(body, status)
