"""Where Keystone's Identity API v3 is: what the version document at its address says.

Source: Identity API v3, "API versions"; keystoneauth's ``discover.get_version_data``, which takes
the same three forms of the document.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from yarl import URL

from bff.errors import BffError, Code
from bff.openstack.exchange import Operation, Reply
from bff.openstack.failure import KEYSTONE_ERRORS, json_object
from bff.openstack.service import Service

_V3 = re.compile(r"v3(\.\d{1,9})*")
# 300 is what Keystone answers at its root. A temporary refusal says nothing about the address.
_CONCLUSIVE = frozenset(range(200, 500)) - frozenset({408, 429})


class Discovery:
    """Finds out once, at the first use, where version 3 is.

    Nothing of the document's links is used: behind a proxy they may name an inner host, and one
    that names a foreign host would have passwords sent there. The document says only whether the
    address is that of version 3 itself, or has it below.

    Args:
        address: Keystone's address, with ``/v3`` at its end or without.
    """

    def __init__(self, service: Service, address: str) -> None:
        # Its errors are judged here: whatever is no version document is no Keystone.
        any_errors = replace(KEYSTONE_ERRORS, statuses=frozenset())
        self._service = replace(service, errors=any_errors)
        self._address = address.rstrip("/")
        self._lookup: asyncio.Task[str] | None = None

    async def url(self, request_id: str) -> str:
        """Return the address of version 3, without a slash at its end.

        All callers during a look-up wait for the same answer; a failure is not kept.

        Raises:
            BffError: BAD_GATEWAY, there is no Keystone with a version 3; SERVICE_UNAVAILABLE or
                GATEWAY_TIMEOUT, it cannot be reached or does not answer.
        """
        if self._lookup is None:
            self._lookup = asyncio.create_task(self._look_up(request_id))
            self._lookup.add_done_callback(self._keep_success)
        # A caller that is cancelled must not cancel the look-up of the others.
        return await asyncio.shield(self._lookup)

    def _keep_success(self, lookup: asyncio.Task[str]) -> None:
        if lookup.cancelled() or lookup.exception() is not None:
            self._lookup = None

    async def _look_up(self, request_id: str) -> str:
        has_version = self._address.endswith("/v3")
        operation = Operation("find the Identity API")
        reply = await self._service.call(
            "GET",
            document_url(self._address),
            operation,
            ok=_CONCLUSIVE,
            request_id=request_id,
        )
        document = json_object(reply.body) if reply.status in (200, 300) else {}
        if _has_v3([document.get("version")]):
            return self._address
        if _has_v3(_versions(document)):
            return self._address if has_version else f"{self._address}/v3"
        raise self._no_keystone(reply)

    def _no_keystone(self, reply: Reply) -> BffError:
        address = str(URL(self._address, encoded=True).with_user(None)).rstrip("/")
        message = (
            f"There is no Keystone with version 3 at {address} (BFF_AUTH_URL): the answer"
            f" {reply.status} was not its version document."
        )
        return BffError(Code.BAD_GATEWAY, message)


def document_url(address: str) -> str:
    """Return where Keystone's version document is, by its address with a version or without."""
    address = address.rstrip("/")
    # A proxy may know a folder by its slash alone.
    return address if address.endswith("/v3") else f"{address}/"


def _versions(document: Any) -> Iterable[Any]:
    versions = document.get("versions")
    if isinstance(versions, dict):
        versions = versions.get("values")
    return versions if isinstance(versions, list) else []


def _has_v3(versions: Iterable[Any]) -> bool:
    ids = (version.get("id") for version in versions if isinstance(version, dict))
    return any(isinstance(found, str) and _V3.fullmatch(found) for found in ids)
