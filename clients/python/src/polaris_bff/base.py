"""What both clients are made of and have to say the same about."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import httpx

from polaris_bff.auth import Auth, Nobody, Token
from polaris_bff.contract import BatchProcedures
from polaris_bff.core import Core
from polaris_bff.effects import Flow
from polaris_bff.outcome import Outcome
from polaris_bff.wire import Call, wire_params


class Batch(BatchProcedures):
    """Calls that are sent together, at most a hundred in a request, when the block ends.

    They run side by side, in no fixed order.
    """

    def __init__(self, core: Core) -> None:
        super().__init__(self._add)
        self._core = core
        self._calls: list[tuple[Call, Outcome[Any]]] = []

    def call(self, procedure: str, **params: Any) -> Outcome[Any]:
        """Add a call of a procedure by its name.

        Args:
            procedure: As ``compute.image.getImageById``.
            params: Its parameters; both spellings will do, ``image_id`` and ``imageId``.
        """
        return self._add(procedure, wire_params(procedure, params))

    def _add(self, name: str, params: dict[str, Any]) -> Outcome[Any]:
        outcome = Outcome[Any](name, params)
        self._calls.append((self._core.new_call(name, params), outcome))
        return outcome

    def sent(self) -> Flow[None]:
        """Make the calls, and settle each."""
        return settle(self._core, self._calls)

    def __len__(self) -> int:
        return len(self._calls)


def settle(core: Core, calls: Sequence[tuple[Call, Outcome[Any]]]) -> Flow[None]:
    """Make calls, and settle the outcome of each."""
    settled = yield from core.settle([call for call, _ in calls])
    for call, outcome in calls:
        outcome._settle(settled[call.id])


def new_core(
    url: str | None,
    token: str | Callable[[], str] | None,
    auth: Auth | None,
    cloud: str | None,
    **more: Any,
) -> Core:
    """Return the core of a client by its arguments and the environment."""
    if sum(given is not None for given in (token, auth, cloud)) > 1:
        raise ValueError("give one of token, auth and cloud")
    return Core(url or os.environ.get("BFF_URL") or None, _auth(token, auth, cloud), **more)


def _auth(token: str | Callable[[], str] | None, auth: Auth | None, cloud: str | None) -> Auth:
    if auth is not None:
        return auth
    if token is not None:
        return Token(token)
    if cloud is not None or _has_openstack(os.environ):
        # An extra, and slow to import.
        from polaris_bff.openstack import OpenStack  # noqa: PLC0415

        return OpenStack(cloud)
    return Nobody()


def _has_openstack(variables: Mapping[str, str]) -> bool:
    return any(variables.get(name) for name in ("OS_CLOUD", "OS_AUTH_URL", "OS_TOKEN"))


def verified(http: Mapping[str, Any] | None, ca_file: str | None) -> Callable[[], dict[str, Any]]:
    """Return a function that gives httpx its options; its trust is read once, at the first time."""
    given = dict(http or {})
    authorities = ca_file or os.environ.get("OS_CACERT")

    @cache
    def options() -> dict[str, Any]:
        trust = ssl.create_default_context(cafile=authorities) if authorities else _usual_trust()
        # The connections are bounded by how many requests there are at a time.
        return {"verify": trust, "limits": httpx.Limits(max_connections=None), **given}

    return options


def _usual_trust() -> ssl.SSLContext:
    """Return what httpx trusts, read once, in 20 ms; files that the site names are read anew."""
    is_of_site = any(os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
    return httpx.create_ssl_context() if is_of_site else _trust_of_httpx()


_trust_of_httpx = cache(httpx.create_ssl_context)
