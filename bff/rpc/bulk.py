"""One operation on many images, side by side; each fails on its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import structlog

from bff import log_fields
from bff.errors import BffError, Code, bug
from bff.logs import id_fields
from bff.session.context import ProjectContext
from schemas.bulk import BulkFailure, BulkOperationResult

# Of a call's deadline: a bulk operation must answer what was done before the call times out.
BULK_SHARE = 0.9
NOT_STARTED = "Timed out before starting; retry."
TIMED_OUT = "Timed out while running; it may have worked: check the image before you retry."

log = structlog.get_logger("bff.rpc.bulk")


async def on_each(
    ctx: ProjectContext,
    image_ids: list[str],
    act: Callable[[str], Awaitable[None]],
    *,
    timed_out: str = TIMED_OUT,
) -> BulkOperationResult:
    """Do something to each of many images; see ``Bulk``."""
    caller, settings = ctx.caller, ctx.caller.cloud.settings
    bulk = Bulk(act, image_ids, caller.request_id, timed_out)
    result = await bulk.run(settings.bulk_concurrency, settings.call_timeout * BULK_SHARE)
    if any(failure.code == Code.UNAUTHORIZED.label for failure in result.failed):
        caller.forget_token()
    return result


@dataclass
class Bulk:
    """What became of each image; ``None`` where it worked.

    Args:
        act: What to do to one image, by its id.
        ids: The images, in the order asked; one that is named twice is done once.
        timed_out: What to say of an image that was worked on when the time was over.
    """

    act: Callable[[str], Awaitable[None]]
    ids: list[str]
    request_id: str
    timed_out: str = TIMED_OUT
    _outcomes: dict[str, BffError | None] = field(default_factory=dict)

    async def run(self, concurrency: int, seconds: float) -> BulkOperationResult:
        """Do it to every image; what is not done in time is a failure like any other.

        Args:
            concurrency: How many images are worked on at a time.
            seconds: After so long, what is done is answered.
        """
        queue = iter(dict.fromkeys(self.ids))
        try:
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                for _ in range(concurrency):
                    group.create_task(self._work(queue))
        except TimeoutError:
            log.warning("a bulk operation ran out of time", seconds=seconds)
        finally:
            # For the call's log line: when the client has disconnected, it is the only record.
            failed = [image_id for image_id, _ in self._failed()]
            done = id_fields("successful", self._successful()) | id_fields("failed", failed)
            log_fields.bind(**done)
        return BulkOperationResult(
            successful=self._successful(),
            failed=[_failure(image_id, error) for image_id, error in self._failed()],
        )

    async def _work(self, queue: Iterator[str]) -> None:
        for image_id in queue:
            self._outcomes[image_id] = BffError(Code.TIMEOUT, self.timed_out)
            self._outcomes[image_id] = await self._outcome(image_id)

    async def _outcome(self, image_id: str) -> BffError | None:
        try:
            await self.act(image_id)
        except BffError as error:
            return error
        except Exception:
            log.exception("a handler failed")  # a bug of ours spoils one image only
            return bug(self.request_id)
        return None

    def _successful(self) -> list[str]:
        return [image_id for image_id, error in self._all() if error is None]

    def _failed(self) -> Iterator[tuple[str, BffError]]:
        return ((image_id, error) for image_id, error in self._all() if error is not None)

    def _all(self) -> Iterator[tuple[str, BffError | None]]:
        not_started = BffError(Code.TIMEOUT, NOT_STARTED)
        for image_id in dict.fromkeys(self.ids):
            yield image_id, self._outcomes.get(image_id, not_started)


def _failure(image_id: str, error: BffError) -> BulkFailure:
    status = str(error.code.http_status)
    return BulkFailure(id=image_id, error=status, code=error.code.label, message=error.message)
