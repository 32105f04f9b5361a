"""Glance for one caller: its address, the caller's token, and the resources below it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bff.openstack.catalog import without_version
from bff.openstack.exchange import Count, uncounted
from bff.openstack.glance.data import Data
from bff.openstack.glance.images import Images
from bff.openstack.glance.listing import Listing
from bff.openstack.glance.members import Members
from bff.openstack.glance.requester import Requester
from bff.openstack.glance.tags import Tags
from bff.openstack.service import Service


@dataclass(slots=True)
class Glance:
    """The Image API as one token sees it.

    Args:
        url: The catalog's address; with or without a version at its end.
        project_id: The token's project.
        expose_locations: Whether answers keep ``direct_url`` and ``locations``.
        count: Is called with the size of each part of an answer, in bytes.
    """

    service: Service
    url: str
    token: str = field(repr=False)
    request_id: str
    project_id: str
    expose_locations: bool = False
    count: Count = uncounted

    def counting(self, count: Count) -> Glance:
        """Return the same Glance; it calls ``count`` with the size of each part of an answer."""
        return replace(self, count=count)

    @property
    def listing(self) -> Listing:
        """``/v2/images``."""
        return Listing(self._requester, self.expose_locations)

    @property
    def images(self) -> Images:
        """``/v2/images/{id}``."""
        return Images(self._requester, self.project_id, self.expose_locations)

    @property
    def members(self) -> Members:
        """``/v2/images/{id}/members``."""
        return Members(self._requester, self.images)

    @property
    def tags(self) -> Tags:
        """``/v2/images/{id}/tags``."""
        return Tags(self._requester, self.images)

    @property
    def data(self) -> Data:
        """``/v2/images/{id}/file``."""
        return Data(self._requester, self.images)

    @property
    def _requester(self) -> Requester:
        root = without_version(self.url)
        return Requester(self.service, root, self.token, self.request_id, self.count)
