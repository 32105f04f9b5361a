"""One request to a service by itself, to see whether it can be reached: no retry, no token."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Any

import aiohttp
from yarl import URL

from bff.openstack.connector import last_connection
from bff.openstack.failure import Target, translated
from bff.openstack.network import Network
from bff.openstack.transport import Client, Timeouts


@dataclass(frozen=True)
class Probe:
    """What came back.

    Args:
        seconds: How long the answer took.
        ahead: How far the service's clock is ahead of ours, at least; below zero, behind it.
            ``None`` when it does not say.
        valid_until: Until when its certificate is valid; ``None`` without TLS.
    """

    status: int
    seconds: float
    ahead: timedelta | None
    valid_until: datetime | None


async def probe(client: Client, network: Network, timeouts: Timeouts, name: str, url: str) -> Probe:
    """Ask a service once.

    Raises:
        BffError: there is no answer; its cause is the failure of the connection.
    """
    target = Target(name, "GET", URL(url, encoded=True))
    began, before = datetime.now(UTC), monotonic()
    with translated(target, "reach it"):
        async with (
            asyncio.timeout(timeouts.answer),
            client.get(
                target.url,
                headers={"Accept": "application/json"},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(sock_connect=timeouts.connect),
                **network.options(target.url),
            ) as response,
        ):
            connection = last_connection.get()
            transport: Any = connection.transport if connection is not None else None
            certificate = transport.get_extra_info("peercert") if transport is not None else None
            ahead = _ahead(response.headers.get("Date"), began, datetime.now(UTC))
            return Probe(response.status, monotonic() - before, ahead, _until(certificate))


def _ahead(date: str | None, before: datetime, after: datetime) -> timedelta | None:
    """Return the least difference that a Date header proves: it has whole seconds."""
    try:
        first = parsedate_to_datetime(date or "").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    last = first + timedelta(seconds=1)
    if first > after:
        return first - after
    return last - before if last < before else timedelta()


def _until(certificate: dict[str, Any] | None) -> datetime | None:
    if not certificate or "notAfter" not in certificate:
        return None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
