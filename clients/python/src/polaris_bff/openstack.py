"""Signing in with whatever keystoneauth can: the extra ``openstack``."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from polaris_bff.auth import Auth, Caller
from polaris_bff.effects import Block, Flow
from polaris_bff.errors import NETWORK_ERROR, BffError

SERVICE_TYPE = "image-bff"


class OpenStack(Auth):
    """Credentials of ``clouds.yaml`` (``OS_CLOUD``), of ``OS_*`` variables, or of a session.

    Args:
        cloud: A cloud's name in ``clouds.yaml``; ``OS_CLOUD`` unless given.
        session: A ``keystoneauth1.session.Session`` instead, with its plugin.
        options: What openstacksdk's ``OpenStackConfig.get_one`` takes besides.

    Raises:
        RuntimeError: the extra is not installed.
    """

    renewable = True

    def __init__(self, cloud: str | None = None, *, session: Any = None, **options: Any) -> None:
        if session is None and find_spec("openstack") is None:
            needed = "pip install 'polaris-bff-client[openstack]'"
            raise RuntimeError(f"Signing in at OpenStack needs an extra: {needed}")
        self._cloud = cloud
        self._session = session
        self._options = options
        self._region: Any = None
        self._last = ""
        # Of a client with threads, several ask at a time.
        self._lock = threading.Lock()

    def headers(self, core: Caller, ended: Mapping[str, str] | None) -> Flow[Mapping[str, str]]:
        """Give a token that does not end at once."""
        del core
        token = yield Block(lambda: self._token(ended))
        return {"x-auth-token": token}

    def _token(self, ended: Mapping[str, str] | None) -> str:
        with self._lock, _told():
            session = self._connected()
            if ended is not None and ended.get("x-auth-token") == self._last:
                session.invalidate()
            # keystoneauth asks for another one by itself before this one ends.
            self._last = str(session.get_token())
            return self._last

    def endpoint(self) -> str:
        """Return the address of the service of the type ``image-bff`` in the catalog."""
        return self._address(SERVICE_TYPE, "give the BFF's address, or set BFF_URL")

    def glance(self) -> str:
        """Return Glance's address: ``image_endpoint_override``, or the catalog's."""
        return self._address("image", "without it, nothing can be downloaded")

    def _address(self, service_type: str, advice: str) -> str:
        with self._lock, _told():
            session = self._connected()
            found = self._region and self._region.get_endpoint(service_type)
            found = found or session.get_endpoint(
                service_type=service_type, **_where(self._region, service_type)
            )
        if not found:
            raise BffError("NOT_FOUND", f"The catalog has no {service_type!r}: {advice}")
        return str(found)

    def secrets(self) -> Sequence[str]:
        """Return the token that was used last."""
        return (self._last,) if self._last else ()

    def _connected(self) -> Any:
        if self._session is None:
            from openstack.config import OpenStackConfig  # noqa: PLC0415  # the extra, and slow

            self._region = OpenStackConfig().get_one(cloud=self._cloud, **self._options)
            self._session = self._region.get_session()
        return self._session

    def __repr__(self) -> str:
        return f"OpenStack({self._cloud!r})"


def _where(region: Any, service_type: str) -> dict[str, Any]:
    """Return where in the catalog a user looks; the user of a session, wherever it looks itself."""
    if region is None:
        return {}
    interface = region.get_interface(service_type) or "public"
    return {"region_name": region.region_name, "interface": interface}


@contextmanager
def _told() -> Iterator[None]:
    """Turn what keystoneauth raises into a ``BffError``."""
    from keystoneauth1 import exceptions  # noqa: PLC0415  # the extra

    try:
        yield
    except exceptions.HttpError as error:
        # Keystone's words are left out: it quotes tokens.
        refused = error.http_status in (401, 404)
        message = f"Signing in at Keystone failed: HTTP {error.http_status}"
        raise BffError(
            "UNAUTHORIZED" if refused else NETWORK_ERROR,
            message,
            status=error.http_status,
            request_id=error.request_id,
        ) from None
    except (exceptions.ConnectionError, exceptions.DiscoveryFailure) as error:
        message = f"Keystone cannot be reached: {type(error).__name__}"
        raise BffError(NETWORK_ERROR, message) from None
    except BffError:
        raise
    except Exception as error:  # noqa: BLE001  # neither package has a class for all of them
        # These name options, and no values.
        message = f"The credentials for OpenStack are not complete: {error}"
        raise BffError("UNAUTHORIZED", message) from None
