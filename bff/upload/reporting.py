"""Where an upload tells how far it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol


class Reporter(Protocol):
    """Hears of one upload."""

    def taken(self, count: int) -> None:
        """Glance has taken so many bytes more."""


class Hub(Protocol):
    """Hears of all uploads."""

    def upload(
        self, project_id: str, image_id: str, total: int | None
    ) -> AbstractAsyncContextManager[Reporter]:
        """Open one upload's report; a ``BffError`` that passes through is its end.

        Args:
            total: The number of bytes that will come, if it is known.
        """


class Nowhere:
    """A hub, and a reporter, that tells nobody."""

    @asynccontextmanager
    async def upload(
        self,
        project_id: str,  # noqa: ARG002  # nobody is told
        image_id: str,  # noqa: ARG002
        total: int | None,  # noqa: ARG002
    ) -> AsyncIterator[Reporter]:
        """See ``Hub.upload``."""
        yield self

    def taken(self, count: int) -> None:
        """See ``Reporter.taken``."""
