"""Images that several calls of a batch get: asked for together, each answered as if alone.

The dataloader pattern. Glance's list has every image that its caller could get one by one, but for
the hidden ones, which are another list. What is in neither is asked for by itself, so that its
error is the very one.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice

import structlog

from bff import log_fields
from bff.errors import BffError, Code
from bff.openstack.exchange import Count, uncounted
from bff.openstack.glance.client import Glance
from bff.openstack.glance.images import Listed
from bff.openstack.shared_read import NOTES, SharedRead

# Ids in one request: more would be a longer request line than some servers take (8 KiB).
MAX_IDS = 100
# In bytes, of what the lists for one batch may answer together.
MAX_GATHERED = 16 * 1024 * 1024
# What may stand in such a list. Letters are small: whether others mean the same image is up to
# Glance's database, and to its answer to a request for that image alone.
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

log = structlog.get_logger("bff.openstack.glance")


def can_be_gathered(image_id: object) -> bool:
    """Return whether an image may be asked for together with others."""
    return isinstance(image_id, str) and _ID.fullmatch(image_id) is not None


class Allowance:
    """What may be spent on asking together, so that enough is left to ask one by one.

    Args:
        seconds: Says how long a list may take from now on.
    """

    def __init__(self, seconds: Callable[[], float], max_bytes: int = MAX_GATHERED) -> None:
        self.seconds = seconds
        self._left = max_bytes

    def count(self, size: int) -> None:
        """Count bytes of a list.

        Raises:
            BffError: PAYLOAD_TOO_LARGE, there are too many.
        """
        self._left -= size
        if self._left < 0:
            raise BffError(Code.PAYLOAD_TOO_LARGE, "The images of the batch are too large.")


class GatheredImages:
    """Gets the images of a batch's calls that have the same token.

    Args:
        image_ids: Those that calls will get; each ``can_be_gathered``.
        allowance: Shared by all of the batch.
    """

    def __init__(self, image_ids: Iterable[str], allowance: Allowance) -> None:
        self._allowance = allowance
        # Done when a list was answered, or was not: from then on, most need not wait.
        self.listed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # For which a call is still to come, and, where they were asked for already, how.
        self._to_come = dict.fromkeys(image_ids)
        self._steps: dict[str, _Step] = {}

    async def text(self, image_id: str, glance: Glance) -> bytes | None:
        """Return an image's JSON text for one call; ``None``: it is to be got by itself.

        Args:
            glance: The call's; of one with another token nothing is asked or answered.
        """
        if image_id not in self._to_come:
            return None
        del self._to_come[image_id]
        step = self._steps.pop(image_id, None) or self._start(image_id, glance)
        while step is not None and step.glance.token == glance.token:
            # What a list answers counts for whoever takes an image of it, not for who waits.
            listed = await step.read.answer(uncounted)
            if not self.listed.done():
                self.listed.set_result(None)
            if image_id in listed.images:
                return listed.images.pop(image_id)
            step = step.next(listed)
        return None

    def forget(self) -> None:
        """Ask anew for what further calls get; those that wait already get what they wait for."""
        self._steps.clear()

    def _start(self, image_id: str, glance: Glance) -> _Step | None:
        others = (other for other in self._to_come if other not in self._steps)
        together = [image_id, *islice(others, MAX_IDS - 1)]
        if len(together) < 2:
            return None
        step = _Step(together, glance, self._allowance)
        self._steps.update((other, step) for other in together[1:])
        return step


class _Step:
    """One list, and the next one for what it leaves out."""

    def __init__(
        self,
        image_ids: Sequence[str],
        glance: Glance,
        allowance: Allowance,
        *,
        hidden: bool = False,
    ) -> None:
        self.glance = glance
        # Without this step itself, which would know what knows it.
        self.read = SharedRead(partial(_read, image_ids, glance, allowance, hidden))
        self._image_ids = image_ids
        self._allowance = allowance
        self._hidden = hidden
        self._next: _Step | None = None

    def next(self, listed: Listed) -> _Step | None:
        """Return how to ask for what this list left out; ``None``: one by one."""
        left_out = listed.left_out
        is_partial = listed.has_more and len(left_out) < len(self._image_ids)
        if len(left_out) < 2 or (self._hidden and not is_partial):
            return None
        if self._next is None:
            hidden = self._hidden or not is_partial
            self._next = _Step(left_out, self.glance, self._allowance, hidden=hidden)
        return self._next


async def _read(
    image_ids: Sequence[str], glance: Glance, allowance: Allowance, hidden: bool, _count: Count
) -> Listed:
    log_fields.unbind("image")
    images = glance.counting(allowance.count).images
    try:
        async with asyncio.timeout(allowance.seconds()):
            return await images.listed(image_ids, hidden=hidden)
    except (BffError, TimeoutError) as failure:
        log.info("images are asked for one by one", error=str(failure) or "it took too long")
        # Of no call's log line: each says what became of its own request.
        log_fields.unbind(*NOTES)
        return Listed({}, (), has_more=False)
