"""The clouds' services: what one process needs to reach them, as long as it lives."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from bff.openstack.catalog import image_service
from bff.openstack.keystone import Token
from bff.openstack.service import Service
from bff.openstack.slots import FairSlots
from bff.openstack.tracer import Tracer, Untraced
from bff.session.cookies import SessionCookie
from bff.session.domains import DomainNames
from bff.session.observer import Observer, Unobserved
from bff.session.receipt_cookie import ReceiptCookie
from bff.session.sessions import Sessions
from bff.session.sign_in_guard import SignInGuard
from bff.settings import Settings
from bff.timers import Timers


@dataclass
class Found:
    """What calls have found out about the cloud.

    Args:
        glance_url: Glance's address in the catalog of the last token, where none is configured.
    """

    glance_url: str | None = None


@dataclass(frozen=True)
class Cloud:
    """The services behind this process, how to reach them, and how many may do so at a time.

    Args:
        calls: Shared by the callers' calls.
        uploads: Shared by the projects' uploads.
        tracer: Told of each call.
        timers: The event loop's.
    """

    settings: Settings
    sessions: Sessions
    cookie: SessionCookie
    guard: SignInGuard
    keystone: Service
    glance: Service
    calls: FairSlots
    uploads: FairSlots
    observer: Observer = field(default_factory=Unobserved)
    found: Found = field(default_factory=Found)
    tracer: Tracer = field(default_factory=Untraced)
    timers: Timers = field(default_factory=Timers)

    @cached_property
    def domains(self) -> DomainNames:
        """The names of domains, as far as this process knows them."""
        return DomainNames(self.sessions)

    def glance_url(self, token: Token) -> str:
        """Return Glance's address: the configured one, or the one in the token's catalog.

        Raises:
            BffError: as ``catalog.image_service``.
        """
        if self._configured_url is not None:
            return self._configured_url
        if token.image_service is None:
            settings = self.settings
            token.image_service = image_service(
                token.body.catalog, settings.interface, settings.region
            )
            self.found.glance_url = token.image_service
        return token.image_service

    @cached_property
    def receipts(self) -> ReceiptCookie:
        """What keeps a sign-in between its two steps, sealed with the session cookie's keys."""
        return ReceiptCookie(self.cookie)

    @cached_property
    def _configured_url(self) -> str | None:
        return None if self.settings.glance_url is None else str(self.settings.glance_url)
