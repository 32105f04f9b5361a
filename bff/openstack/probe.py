"""Whether a service is there, asked without anybody's token."""

from __future__ import annotations

import uuid
from dataclasses import replace

from bff.errors import BffError
from bff.openstack.catalog import without_version
from bff.openstack.exchange import Operation
from bff.openstack.service import Service
from bff.openstack.tracer import Untraced
from bff.openstack.versions import document_url

# A service that refuses works.
_ANSWERS = frozenset(range(100, 500))
_PROBE = Operation("ask whether the service is there")


async def keystone_answers(service: Service, address: str) -> bool:
    """Return whether Keystone gives its version document, or any answer but a failure."""
    return await _answers(service, document_url(address))


async def glance_answers(service: Service, address: str) -> bool:
    """Return whether Glance gives its versions, or any answer but a failure (Image API, Versions).

    Args:
        address: Its address, with a version or without.
    """
    return await _answers(service, f"{without_version(address)}/versions")


async def _answers(service: Service, url: str) -> bool:
    any_answer = replace(service.errors, statuses=frozenset())
    untraced = replace(service, errors=any_answer, tracer=Untraced())
    request_id = f"req-{uuid.uuid4()}"
    try:
        await untraced.call("GET", url, _PROBE, ok=_ANSWERS, request_id=request_id)
    except BffError:
        return False
    return True
