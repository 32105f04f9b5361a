"""Counts attempts to sign in for all processes and hosts that share a Redis."""

from __future__ import annotations

from collections.abc import Sequence

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from bff.session.attempts import WINDOW_SECONDS, Bound, SharedAttemptsError

TIMEOUT_SECONDS = 1
MAX_CONNECTIONS = 10

# A sorted set for each key: attempts by their time, in ms. It is Redis' own: hosts' clocks differ.
_ADD = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local window, waits, allowed = tonumber(ARGV[2]), {}, true
for i, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
  local over = redis.call('ZCARD', key) - tonumber(ARGV[i + 2])
  waits[i] = 0
  if over >= 0 then
    waits[i] = redis.call('ZRANGE', key, over, over, 'WITHSCORES')[2] + window - now
    allowed = false
  end
end
if allowed then
  for _, key in ipairs(KEYS) do
    redis.call('ZADD', key, now, ARGV[1])
    redis.call('PEXPIRE', key, window)
  end
end
return waits
"""


class RedisAttempts:
    """The attempts that every process saw."""

    def __init__(self, url: str) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=MAX_CONNECTIONS,
            timeout=TIMEOUT_SECONDS,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._redis = Redis.from_pool(pool)
        self._add = self._redis.register_script(_ADD)

    async def add(self, attempt: str, bounds: Sequence[Bound]) -> list[float]:
        """See ``SharedAttempts.add``."""
        limits = [bound.limit for bound in bounds]
        try:
            waits = await self._add(_keys(bounds), [attempt, WINDOW_SECONDS * 1000, *limits])
        except (RedisError, OSError) as failure:
            raise SharedAttemptsError(str(failure)) from failure
        return [wait / 1000 for wait in waits]

    async def remove(self, attempt: str, bounds: Sequence[Bound]) -> None:
        """See ``SharedAttempts.remove``."""
        try:
            for key in _keys(bounds):
                await self._redis.zrem(key, attempt)
        except (RedisError, OSError) as failure:
            raise SharedAttemptsError(str(failure)) from failure

    async def close(self) -> None:
        """See ``SharedAttempts.close``."""
        await self._redis.aclose()


def _keys(bounds: Sequence[Bound]) -> list[str]:
    return [f"polaris-bff:sign-ins:{bound.key}" for bound in bounds]
