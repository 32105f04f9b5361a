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
# 300 is what Keystone answers at its root. A refusal that may pass is no news about the address.
_TELLING = frozenset(range(200, 500)) - frozenset({408, 429})


class Discovery:
    """Finds out once where version 3 is, when it is first needed.

    Nothing of the document's links is used: behind a proxy they may name an inner host, and one
    that names a foreign host would have passwords sent there. The document says only whether the
    address is that of version 3 itself, or has it below.

    Args:
        address: Keystone's address, with ``/v3`` at its end or without.
    """

    def __init__(self, service: Service, address: str) -> None:
        # Its errors are judged here: whatever is no version document is no Keystone.
        everybodys = replace(KEYSTONE_ERRORS, statuses=frozenset())
        self._service = replace(service, errors=everybodys)
        self._address = address.rstrip("/")
        self._asked: asyncio.Task[str] | None = None

    async def url(self, request_id: str) -> str:
        """Return the address of version 3, without a slash at its end.

        Whoever comes while it is asked for waits for the same answer; a failure is not kept.

        Raises:
            BffError: BAD_GATEWAY, there is no Keystone with a version 3; SERVICE_UNAVAILABLE or
                GATEWAY_TIMEOUT, there is nobody.
        """
        if self._asked is None:
            self._asked = asyncio.create_task(self._ask(request_id))
            self._asked.add_done_callback(self._keep_success)
        # One caller that goes away must not take the answer from the others.
        return await asyncio.shield(self._asked)

    def _keep_success(self, asked: asyncio.Task[str]) -> None:
        if asked.cancelled() or asked.exception() is not None:
            self._asked = None

    async def _ask(self, request_id: str) -> str:
        named = self._address.endswith("/v3")
        operation = Operation("find the Identity API")
        # A proxy may know a folder by its slash alone.
        url = self._address if named else f"{self._address}/"
        reply = await self._service.call("GET", url, operation, ok=_TELLING, request_id=request_id)
        document = json_object(reply.body) if reply.status in (200, 300) else {}
        if _has_v3([document.get("version")]):
            return self._address
        if _has_v3(_versions(document)):
            return self._address if named else f"{self._address}/v3"
        raise self._no_keystone(reply)

    def _no_keystone(self, reply: Reply) -> BffError:
        address = str(URL(self._address, encoded=True).with_user(None)).rstrip("/")
        message = (
            f"There is no Keystone with version 3 at {address} (BFF_AUTH_URL): the answer"
            f" {reply.status} was not its version document."
        )
        return BffError(Code.BAD_GATEWAY, message)


def _versions(document: Any) -> Iterable[Any]:
    versions = document.get("versions")
    if isinstance(versions, dict):
        versions = versions.get("values")
    return versions if isinstance(versions, list) else []


def _has_v3(versions: Iterable[Any]) -> bool:
    ids = (version.get("id") for version in versions if isinstance(version, dict))
    return any(isinstance(found, str) and _V3.fullmatch(found) for found in ids)
