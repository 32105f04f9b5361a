"""What the calls of one batch share: reads that several of them need."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Self, TypeVar

from bff.openstack.exchange import Count
from bff.openstack.glance.gathered import Allowance, GatheredImages, can_be_gathered
from bff.openstack.shared_read import SharedRead

T = TypeVar("T")
# What images that are asked for together may take before each is by itself: of a call's deadline,
# and in seconds.
GATHER_SHARE = 0.25
MAX_GATHER_SECONDS = 5


class Batch:
    """The reads of one batch of calls, which all have one caller and live as long as it.

    A call gets no answer that was requested before a mutation of the batch began or ended, if that
    was before the call itself began.

    Args:
        images: What gets the images for calls that name a project, or none.
        calls: The numbers of these calls, where they need not begin at once.
        uses: How many calls there are of each read that there is more than once.
    """

    def __init__(
        self,
        images: Mapping[str | None, GatheredImages],
        calls: Mapping[str | None, Sequence[int]],
        uses: Mapping[bytes, int],
    ) -> None:
        self._images = images
        self._calls = calls
        self._repeated = frozenset(uses)
        self._uses = Counter(uses)
        self._reads: dict[bytes, SharedRead[object]] = {}

    @classmethod
    def of(
        cls,
        image_ids: Mapping[str | None, Mapping[int, str]],
        uses: Mapping[bytes, int],
        seconds_left: Callable[[], float],
        *,
        changes: bool = False,
    ) -> Self | None:
        """Return what calls share; ``None`` when that is nothing.

        Args:
            image_ids: The images that calls get, as they came, by the number of each call; for
                each project that calls name.
            uses: How many calls there are of each read.
            seconds_left: Says how long a call may take from now on.
            changes: There is a mutation: whatever begins behind it has to ask again.
        """
        allowance = Allowance(lambda: min(seconds_left() * GATHER_SHARE, MAX_GATHER_SECONDS))
        images: dict[str | None, GatheredImages] = {}
        calls: dict[str | None, Sequence[int]] = {}
        for project_id, ids in image_ids.items():
            together = {number: each for number, each in ids.items() if can_be_gathered(each)}
            if len(set(together.values())) > 1:
                images[project_id] = GatheredImages(together.values(), allowance)
                if not changes:
                    calls[project_id] = list(together)
        repeated = {key: count for key, count in uses.items() if count > 1}
        return cls(images, calls, repeated) if images or repeated else None

    def gathered(self) -> Iterator[tuple[Sequence[int], asyncio.Future[None]]]:
        """Yield calls that get images together, and what is done when their list was answered.

        Until then, there is nothing to do for any but the first.
        """
        for project_id, calls in self._calls.items():
            yield calls, self._images[project_id].listed

    def images(self, project_id: str | None) -> GatheredImages | None:
        """Return what gets the images for calls that name this project, if several do."""
        return self._images.get(project_id)

    @property
    def has_repeats(self) -> bool:
        """Whether there is more than one call of any read."""
        return bool(self._repeated)

    def is_shared(self, key: bytes) -> bool:
        """Return whether there is more than one call of a read."""
        return key in self._repeated

    async def read(self, key: bytes, read: Callable[[Count], Awaitable[T]], count: Count) -> T:
        """Return the answer of a read for one of its calls; sent once for those that may share it.

        Raises:
            Exception: whatever the read raised, or ``count``.
        """
        self._uses[key] -= 1
        shared: SharedRead[T] | None = self._reads.get(key)  # type: ignore[assignment]
        if self._uses[key] > 0:
            shared = shared or SharedRead(read)
            self._reads[key] = shared  # type: ignore[assignment]
        else:
            self._reads.pop(key, None)
        return await (shared.answer(count) if shared else read(count))

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Run a mutation inside: what was read before it, or meanwhile, is not given any more."""
        self._forget()
        try:
            yield
        finally:
            self._forget()

    def _forget(self) -> None:
        self._reads.clear()
        for images in self._images.values():
            images.forget()
