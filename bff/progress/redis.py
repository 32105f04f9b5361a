"""The state of uploads in Redis, for several processes and hosts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import orjson
from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from bff.progress.state import UploadState
from bff.progress.store import KEEP_SECONDS, Key, StoreError

TIMEOUT_SECONDS = 2
_UPLOAD = TypeAdapter(UploadState)


class RedisStore:
    """One hash for each key, one field for each upload: no two processes write the same field.

    Everything is read and written in one round trip, so the cost does not grow with the distance
    to Redis. It is asked again and again, rather than subscribed to: there is no message to miss
    while a connection is down.
    """

    def __init__(self, url: str) -> None:
        self._redis = _client(url)

    async def exchange(
        self,
        written: Collection[tuple[Key, UploadState]],
        dropped: Collection[tuple[Key, str]],
        read: Collection[Key],
    ) -> Mapping[Key, list[UploadState]]:
        """See ``Store.exchange``."""
        pipe = self._redis.pipeline(transaction=False)
        for key, upload in written:
            pipe.hset(_name(key), upload.id, orjson.dumps(upload).decode())
            pipe.expire(_name(key), KEEP_SECONDS)
        for key, upload_id in dropped:
            pipe.hdel(_name(key), upload_id)
        for key in read:
            pipe.hvals(_name(key))
        if not len(pipe):
            pipe.ping()
        try:
            async with pipe:
                replies = await pipe.execute()
        except (RedisError, OSError) as failure:
            raise StoreError(str(failure)) from failure
        found = replies[len(replies) - len(read) :]
        return {key: _uploads(texts) for key, texts in zip(read, found, strict=False)}

    async def close(self) -> None:
        """See ``Store.close``."""
        await self._redis.aclose()


def _client(url: str) -> Redis:
    return Redis.from_url(
        url,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        # The hub retries by itself, with newer state.
        retry=Retry(NoBackoff(), 0),
    )


def _name(key: Key) -> str:
    return f"polaris-bff:upload-progress:{key.project_id}:{key.image_id}"


def _uploads(texts: Iterable[bytes]) -> list[UploadState]:
    uploads = []
    for text in texts:
        try:
            uploads.append(_UPLOAD.validate_json(text))
        except ValidationError:
            # Written by another version: a rolling update must not end this version's streams.
            continue
    return uploads
