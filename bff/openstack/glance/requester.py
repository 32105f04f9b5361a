"""What every request to Glance has in common."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from bff.openstack.http import Intent, Reply, Service


@dataclass(frozen=True)
class Requester:
    """Sends requests below ``root`` with one token."""

    service: Service
    root: str
    token: str = field(repr=False)
    request_id: str

    async def __call__(
        self,
        method: str,
        path: str,
        intent: Intent,
        *,
        ok: int,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request; ``path`` is encoded already and begins with ``/v2/``."""
        return await self.service.call(
            method,
            self.root + path,
            intent,
            ok=frozenset({ok}),
            token=self.token,
            request_id=self.request_id,
            headers=headers,
            body=body,
        )

    async def stream(
        self,
        method: str,
        path: str,
        intent: Intent,
        *,
        ok: int,
        body: AsyncIterator[bytes],
        headers: Mapping[str, str],
    ) -> Reply:
        """Send one request whose body is made while it is sent; see ``Service.stream``."""
        return await self.service.stream(
            method,
            self.root + path,
            intent,
            ok=frozenset({ok}),
            token=self.token,
            request_id=self.request_id,
            headers=headers,
            body=body,
        )
