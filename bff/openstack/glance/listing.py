"""``GET /v2/images``: the images that match, page by page. Source: Image API v2, "List images"."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import dataclass

from bff.errors import BffError, Code
from bff.openstack.exchange import Operation
from bff.openstack.glance import body
from bff.openstack.glance.query import Query, from_marker, marker_in, marker_of, to_path, with_limit
from bff.openstack.glance.requester import Requester
from schemas.json import Buffer

LIST = Operation("list images")
# Glance's largest (``api_limit_max``); a site may have smaller ones.
PAGE_SIZE = 1000
# With these, Glance refuses a marker that was deleted or hidden since the page before was read.
_MARKER_GONE = (Code.BAD_REQUEST, Code.FORBIDDEN)


@dataclass(frozen=True)
class ListPage:
    """One page of a list.

    Args:
        text: Glance's answer, cut.
        query: The query that it answers.
    """

    text: body.Page
    query: Query

    @property
    def images(self) -> Sequence[Buffer]:
        """The JSON text of each image."""
        return self.text.images

    @property
    def is_last(self) -> bool:
        """Whether Glance names no next page."""
        return not self.text.next

    def known(self) -> Iterator[tuple[Buffer, body.Known]]:
        """Yield the images with what they are called.

        Raises:
            BffError: BAD_GATEWAY, one is no JSON object.
        """
        return ((image, body.known(image)) for image in self.images)

    def next_query(self, passed: Collection[str | None] = ()) -> Query | None:
        """Return the query of the next page, ``None`` after the last one.

        It is made from this page's own query, since Glance's link keeps only the last of several
        tags. Glance's marker is the page's last image: a page without images has none, and none
        comes twice.

        Args:
            passed: The markers of the pages before.

        Raises:
            BffError: BAD_GATEWAY, the link does not lead to another page.
        """
        if not self.text.next:
            return None
        marker = marker_of(self.text.next)
        if not self.images or marker is None or marker in (marker_in(self.query), *passed):
            message = (
                "Glance says that there are more images, but not where: its list does not end."
            )
            raise BffError(Code.BAD_GATEWAY, message)
        return from_marker(self.query, marker)


@dataclass(frozen=True)
class Listing:
    """The lists of images that one token may see."""

    request: Requester
    expose_locations: bool

    async def page(self, query: Query) -> ListPage:
        """Return one page of the images that match."""
        reply = await self.request("GET", to_path(query), LIST, ok=200)
        page = body.page(reply.body, expose_locations=self.expose_locations)
        return ListPage(page, query)

    async def pages(
        self, query: Query, first: int = PAGE_SIZE, then: int = PAGE_SIZE
    ) -> AsyncIterator[ListPage]:
        """Yield the pages of all images that match.

        A list that always leads on has no end: whoever reads it decides how much is enough.

        Args:
            query: Without ``limit``.
            first: How many images Glance is asked for first, where few may be enough.
            then: How many for each page after that.

        Raises:
            BffError: CONFLICT, the list changed while it was read; BAD_GATEWAY, its pages do not
                lead to its end.
        """
        page = await self.page([*query, ("limit", str(first))])
        passed: set[str | None] = set()
        yield page
        while (following := page.next_query(passed)) is not None:
            passed.add(marker_in(page.query))
            page = await self._page_after(with_limit(following, then))
            yield page

    async def _page_after(self, query: Query) -> ListPage:
        try:
            return await self.page(query)
        except BffError as error:
            if error.code not in _MARKER_GONE:
                raise
            message = "The list of images changed while it was being read; list them again."
            raise BffError(Code.CONFLICT, message, **error.data) from None
