"""A token's catalog: the addresses of a cloud's services (Identity API v3, "Service catalog")."""

from __future__ import annotations

import re
from collections.abc import Sequence

from yarl import URL

from bff.errors import BffError, Code
from schemas.keystone import CatalogEntry

_VERSION = re.compile(r"(?<!/)/v\d+(\.\d+)?$")
_TEXT = re.compile(r"[\x21-\x7e]+")


def image_service(catalog: Sequence[CatalogEntry], interface: str, region: str | None) -> str:
    """Return the address of the image service, as the catalog has it.

    Raises:
        BffError: SERVICE_UNAVAILABLE, the catalog has none; BAD_GATEWAY, it is no HTTP address.
    """
    for entry in catalog:
        for endpoint in entry.endpoints if entry.type == "image" else ():
            if endpoint.interface == interface and region in (None, endpoint.region_id):
                return _validated(endpoint.url)
    where = f" in region {region}" if region else ""
    message = f"The catalog has no {interface} endpoint of an image service{where}."
    raise BffError(Code.SERVICE_UNAVAILABLE, message)


def without_version(address: str) -> str:
    """Return a service's address without a version at its end: ``https://glance.example/v2``."""
    return _VERSION.sub("", address.rstrip("/"))


def _validated(address: str) -> str:
    if not _is_http(address):
        message = "The catalog's address of the image service is not an HTTP address."
        raise BffError(Code.BAD_GATEWAY, message)
    return address


def _is_http(address: str) -> bool:
    """Return whether an address is an HTTP URL that sends requests to the host that it shows."""
    try:
        url = URL(address, encoded=True)
        parts = url.scheme in ("http", "https"), url.host, url.port
    except ValueError:
        return False
    extra = url.user or url.password or url.query_string or url.fragment
    return all(parts) and not extra and _TEXT.fullmatch(address) is not None
