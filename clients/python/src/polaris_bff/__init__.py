"""The typed client of polaris-bff, the backend-for-frontend for the OpenStack Image service."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

from polaris_bff.version import __version__

if TYPE_CHECKING:
    from polaris_bff.async_client import AsyncClient
    from polaris_bff.auth import Auth, Password, Session, Token
    from polaris_bff.base import Batch
    from polaris_bff.client import Client
    from polaris_bff.errors import BffError
    from polaris_bff.images import ago, metadata, properties
    from polaris_bff.openstack import OpenStack
    from polaris_bff.outcome import Outcome
    from polaris_bff.retry import Retry

# Each is imported when somebody asks for it: the command line would wait for httpx before its help.
_HOMES: Mapping[str, str] = MappingProxyType(
    {
        "AsyncClient": "async_client",
        "Auth": "auth",
        "Batch": "base",
        "BffError": "errors",
        "Client": "client",
        "OpenStack": "openstack",
        "Outcome": "outcome",
        "Password": "auth",
        "Retry": "retry",
        "Session": "auth",
        "Token": "auth",
        "ago": "images",
        "metadata": "images",
        "properties": "images",
    }
)

__all__ = [
    "AsyncClient",
    "Auth",
    "Batch",
    "BffError",
    "Client",
    "OpenStack",
    "Outcome",
    "Password",
    "Retry",
    "Session",
    "Token",
    "__version__",
    "ago",
    "metadata",
    "properties",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
