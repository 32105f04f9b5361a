"""Slots that callers share by turns: one with a thousand requests waits like one with a single."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from dataclasses import dataclass

from bff.errors import BffError, Code

# In seconds. Nobody knows when there will be room; a second is long for calls.
RETRY_AFTER = 1


class FairSlots:
    """A semaphore that serves its callers by turns (round robin), each with a bound of its own.

    Args:
        what: What holds them, for messages: "calls".
        limit: How many slots there are.
        per_key: How many of them one caller may hold.
        whose: Who the caller is, for messages.
        max_waiting: How many may wait. When more come, the caller who has the most waiting loses
            the newest of them.
    """

    def __init__(
        self, what: str, limit: int, per_key: int, max_waiting: int, whose: str = "You have"
    ) -> None:
        self._what = what
        self._whose = whose
        self.limit = limit
        self._per_key = per_key
        self._max_waiting = max_waiting
        self._held: dict[str, int] = {}
        self._waiting: dict[str, dict[asyncio.Future[None], None]] = {}
        # Callers who wait and may have another slot, in the order of their turns.
        self._turns: OrderedDict[str, None] = OrderedDict()
        self.in_use = 0
        self.waiting = 0
        # How many were refused: for their caller's own requests, or for those of all.
        self.shed: Counter[str] = Counter()

    def hold(self, key: str, patience: float, own_patience: float | None = None) -> Slot:
        """Return a slot for a caller, which is held inside; see ``Slot``.

        Args:
            patience: How long to wait for the requests of others, in seconds.
            own_patience: How long to wait for requests of the same caller; ``None``: for ever.
        """
        return Slot(self, key, patience, own_patience)

    async def acquire(self, key: str, patience: float, own_patience: float | None = None) -> None:
        """Take a slot as ``hold`` does; ``release`` must follow."""
        if self._may_have(key):
            self._take(key)
        else:
            await self._wait(key, patience, own_patience)

    def release(self, key: str) -> None:
        """Give a slot back that was acquired for this caller."""
        self.in_use -= 1
        held = self._held.pop(key) - 1
        if held:
            self._held[key] = held
        if key in self._waiting:
            self._turns.setdefault(key)
        self._serve()

    def _may_have(self, key: str) -> bool:
        return self.in_use < self.limit and not self._holds_all(key)

    def _take(self, key: str) -> None:
        self._held[key] = self._held.get(key, 0) + 1
        self.in_use += 1

    def _serve(self) -> None:
        while self._turns and self.in_use < self.limit:
            key, _ = self._turns.popitem(last=False)
            waiter = next(iter(self._waiting[key]))
            self._leave(key, waiter)
            self._take(key)
            waiter.set_result(None)
            if key in self._waiting and not self._holds_all(key):
                self._turns[key] = None

    async def _wait(self, key: str, patience: float, own_patience: float | None) -> None:
        waiter = self._join(key)
        try:
            while not waiter.done():
                own = self._holds_all(key)
                limit = own_patience if own and own_patience is not None else patience
                await asyncio.wait((waiter,), timeout=limit)
                # Another wait begins where it was first for its own requests and now for others'.
                is_over = own == self._holds_all(key) and (not own or own_patience is not None)
                if is_over and not waiter.done():
                    waiter.set_exception(self._refusal(own=own))
            waiter.result()
        except BaseException:
            self._withdraw(key, waiter)
            raise

    def _holds_all(self, key: str) -> bool:
        return self._held.get(key, 0) >= self._per_key

    def _join(self, key: str) -> asyncio.Future[None]:
        if self.waiting >= self._max_waiting:
            self._make_room(key)
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, {})[waiter] = None
        self.waiting += 1
        if not self._holds_all(key):
            self._turns.setdefault(key)
        return waiter

    def _make_room(self, key: str) -> None:
        """Refuse the newest request of whoever has the most waiting; it may be the one to come."""
        longest = max(self._waiting, key=lambda other: len(self._waiting[other]), default=key)
        count = len(self._waiting.get(longest, ()))
        own = len(self._waiting.get(key, ()))
        if count <= own + 1:
            raise self._refusal(own=self._holds_all(key) or 1 < own >= count)
        newest = next(reversed(self._waiting[longest]))
        self._leave(longest, newest)
        newest.set_exception(self._refusal(own=True))

    def _withdraw(self, key: str, waiter: asyncio.Future[None]) -> None:
        if waiter in self._waiting.get(key, ()):
            self._leave(key, waiter)
        elif waiter.exception() is None:
            # It was cancelled in the moment in which it was its turn.
            self.release(key)

    def _leave(self, key: str, waiter: asyncio.Future[None]) -> None:
        del self._waiting[key][waiter]
        self.waiting -= 1
        if not self._waiting[key]:
            del self._waiting[key]
            self._turns.pop(key, None)

    def _refusal(self, *, own: bool) -> BffError:
        self.shed["caller" if own else "queue"] += 1
        code = Code.TOO_MANY_REQUESTS if own else Code.SERVICE_UNAVAILABLE
        message = (
            f"{self._whose} too many {self._what} under way: retry later, with fewer at a time."
            if own
            else f"This server has too many {self._what} under way: retry later."
        )
        return BffError(code, message, retryAfter=RETRY_AFTER)


@dataclass(slots=True)
class Slot:
    """A slot of ``slots`` while it is held: ``async with``.

    Raises:
        BffError: TOO_MANY_REQUESTS, the caller's own requests were in the way;
            SERVICE_UNAVAILABLE, those of others.
    """

    slots: FairSlots
    key: str
    patience: float
    own_patience: float | None

    async def __aenter__(self) -> None:
        """Wait for it."""
        await self.slots.acquire(self.key, self.patience, self.own_patience)

    async def __aexit__(self, *_: object) -> None:
        """Give it back."""
        self.slots.release(self.key)
