"""The clouds' services: what one process needs to reach them, as long as it lives."""

from __future__ import annotations

from dataclasses import dataclass

from bff.openstack.catalog import image_service
from bff.openstack.keystone import Token
from bff.openstack.service import Service
from bff.openstack.slots import FairSlots
from bff.session.cookies import SessionCookie
from bff.session.sessions import Sessions
from bff.settings import Settings


@dataclass(frozen=True)
class Cloud:
    """The services behind this process, how to reach them, and how many may do so at a time.

    Args:
        calls: Shared by the callers' calls.
        uploads: Shared by the projects' uploads.
    """

    settings: Settings
    sessions: Sessions
    cookie: SessionCookie
    glance: Service
    calls: FairSlots
    uploads: FairSlots

    def glance_url(self, token: Token) -> str:
        """Return Glance's address: the configured one, or the one in the token's catalog.

        Raises:
            BffError: as ``catalog.image_service``.
        """
        settings = self.settings
        if settings.glance_url is not None:
            return str(settings.glance_url)
        return image_service(token.body.catalog, settings.interface, settings.region)
