"""The composition root: the one module below ``bff`` that knows which procedures there are."""

from __future__ import annotations

from starlette.applications import Starlette

import procedures
from bff import logs
from bff.app import create_app
from bff.rpc.registry import Registry
from bff.settings import Settings


def create() -> Starlette:
    """Return the application that the environment configures; a factory for any ASGI server."""
    settings = Settings()
    logs.configure(settings)
    return create_app(settings, registry())


def registry() -> Registry:
    """Return every procedure that is served."""
    return Registry(procedures.ALL)
