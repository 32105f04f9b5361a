"""The typed client of polaris-bff, the backend-for-frontend for the OpenStack Image service."""

from __future__ import annotations

from polaris_bff.async_client import AsyncClient
from polaris_bff.auth import Auth, Password, Token
from polaris_bff.base import Batch
from polaris_bff.client import Client
from polaris_bff.errors import BffError
from polaris_bff.images import properties
from polaris_bff.openstack import OpenStack
from polaris_bff.outcome import Outcome
from polaris_bff.retry import Retry
from polaris_bff.version import __version__

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
    "Token",
    "__version__",
    "properties",
]
