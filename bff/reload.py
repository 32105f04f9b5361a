"""What a process takes anew at SIGHUP, without losing a call: keys and certificates, from files."""

from __future__ import annotations

import structlog
from pydantic import ValidationError

from bff.openstack.network import Network
from bff.session.cookies import SessionCookie
from bff.settings import Settings, explain

log = structlog.get_logger("bff.reload")


def network_of(settings: Settings) -> Network:
    """Return how the services are reached.

    Raises:
        ValueError: a file or a proxy of the settings is wrong: which, and what to do.
    """
    return Network.of(
        ca_file=settings.ca_file,
        client_cert=settings.client_cert,
        client_key=settings.client_key,
        use_proxy=settings.use_proxy,
    )


class Reload:
    """Reads the files that the settings name again.

    The environment of a process does not change, so its other settings stay what they are. What
    runs goes on: calls, uploads and sessions; the next connection to a service uses what is new.
    """

    def __init__(self, cookie: SessionCookie, network: Network) -> None:
        self._cookie = cookie
        self._network = network

    def __call__(self) -> None:
        """Take all of it, or nothing when anything is wrong with it."""
        try:
            settings = Settings()
            network = network_of(settings)
        except ValidationError as error:
            self._refuse(explain(error))
        except ValueError as error:
            self._refuse(str(error))
        else:
            self._cookie.take_keys(settings)
            self._network.tls = network.tls
            log.info("keys and certificates were read again", keys=len(settings.fernet_keys))

    @staticmethod
    def _refuse(why: str) -> None:
        log.error("keys and certificates stay as they were: the new ones are wrong", error=why)
