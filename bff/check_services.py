"""What ``bff check`` says of Keystone and of Glance."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import NamedTuple

from pydantic import AnyHttpUrl
from yarl import URL

from bff.errors import BffError
from bff.logs import printable
from bff.openstack.catalog import image_service, without_version
from bff.openstack.failure import KEYSTONE_ERRORS
from bff.openstack.identity import Receipt, with_password
from bff.openstack.inspection import Probe, probe
from bff.openstack.keystone import FACTORS_MISSING, Keystone, Token
from bff.openstack.network import Network, advice
from bff.openstack.service import Service
from bff.openstack.transport import Client, Timeouts
from bff.openstack.versions import Discovery
from bff.settings import Settings
from schemas.keystone import DomainKey, UserKey

OK, WARN, FAIL = "ok", "warn", "FAIL"
# A certificate that ends sooner is to be renewed.
SOON = timedelta(days=30)
# Between the clocks of Keystone and of this host.
NOTICEABLE, WRONG = timedelta(seconds=5), timedelta(seconds=60)


class Line(NamedTuple):
    """One thing that was looked at."""

    level: str
    what: str
    says: str


class Services:
    """Looks at Keystone and at Glance; ``environment`` may sign in, by its ``OS_`` variables."""

    def __init__(
        self,
        settings: Settings,
        environment: Mapping[str, str],
        client: Client,
        network: Network,
    ) -> None:
        self._settings = settings
        self._environment = environment
        self._request_id = f"req-{uuid.uuid4()}"
        self._timeouts = Timeouts(settings.connect_timeout, settings.upstream_timeout)
        self._client = client
        self._network = network
        self._keystone = Service(
            "Keystone", client, self._timeouts, KEYSTONE_ERRORS, network=network
        )

    async def lines(self) -> AsyncIterator[Line]:
        """Return what there is to say of both."""
        address = str(self._settings.auth_url)
        told = [line async for line in self._service("Keystone", address)]
        for line in told:
            yield line
        if told[0].level != FAIL:
            async for line in self._version(address):
                yield line
        async for line in self._glance():
            yield line

    async def _version(self, address: str) -> AsyncIterator[Line]:
        try:
            url = await Discovery(self._keystone, address).url(self._request_id)
        except BffError as error:
            yield Line(FAIL, "Keystone", error.message)
        else:
            yield Line(OK, "Keystone", f"version 3 is at {shown(url)}")

    async def _service(self, name: str, url: str) -> AsyncIterator[Line]:
        try:
            answer = await probe(self._client, self._network, self._timeouts, name, url)
        except BffError as error:
            yield Line(FAIL, name, f"{shown(url)}: {_failure(error)}")
            return
        if name == "Glance" and answer.status not in (200, 401):
            says = f"answered {answer.status}, which no Glance does there: the address is wrong"
            yield Line(FAIL, name, f"{shown(url)} {says} (BFF_GLANCE_URL, or the catalog)")
            return
        yield Line(OK, name, f"{shown(url)} answered in {round(1000 * answer.seconds)} ms")
        if answer.valid_until is not None:
            yield validity(name, answer.valid_until, "its certificate ")
        elif URL(url).scheme == "http" and not _is_local(url):
            says = "is reached without TLS: whoever listens on the way gets passwords and tokens"
            yield Line(WARN, name, f"{says}; use an https address")
        if name == "Keystone":
            yield _clock(answer)

    async def _glance(self) -> AsyncIterator[Line]:
        try:
            url = await self._glance_url()
        except BffError as error:
            yield Line(FAIL, "Glance", error.message)
            return
        if url is None:
            says = (
                "its address is known after a sign-in only; to check it, set OS_TOKEN, or"
                " OS_USERNAME, OS_PASSWORD and OS_PROJECT_NAME for this Keystone"
            )
            yield Line(WARN, "Glance", says)
            return
        images = f"{without_version(url)}/v2/images?limit=1"
        async for line in self._service("Glance", images):
            yield line

    async def _glance_url(self) -> str | None:
        settings = self._settings
        if settings.glance_url is not None:
            return str(settings.glance_url)
        async with self._token() as token:
            if token is None:
                return None
            return image_service(token.body.catalog, settings.interface, settings.region)

    @asynccontextmanager
    async def _token(self) -> AsyncIterator[Token | None]:
        """Return a token with a catalog, if the usual variables give one; ends what it made."""
        given, request_id = self._environment, self._request_id
        keystone = Keystone(self._keystone, str(self._settings.auth_url))
        if not _same_cloud(given.get("OS_AUTH_URL"), self._settings.auth_url):
            yield None
        elif token := given.get("OS_TOKEN"):
            yield await keystone.validate(token, request_id)
        elif not given.get("OS_USERNAME") or not given.get("OS_PASSWORD"):
            yield None
        else:
            domain = given.get("OS_USER_DOMAIN_NAME") or "Default"
            user, password = given["OS_USERNAME"], given["OS_PASSWORD"]
            who = UserKey(name=user, domain=DomainKey(name=domain))
            root = await keystone.sign_in(with_password(who, password), request_id)
            if isinstance(root, Receipt):
                raise BffError(*FACTORS_MISSING)
            try:
                yield await keystone.rescope(root.secret, {"project": _project(given)}, request_id)
            finally:
                with suppress(BffError):
                    await keystone.revoke(root.secret, request_id)


def _project(given: Mapping[str, str]) -> dict[str, object]:
    if project_id := given.get("OS_PROJECT_ID"):
        return {"id": project_id}
    domain = given.get("OS_PROJECT_DOMAIN_NAME") or "Default"
    return {"name": given.get("OS_PROJECT_NAME", ""), "domain": {"name": domain}}


def _same_cloud(address: str | None, ours: AnyHttpUrl) -> bool:
    """Return whether a password for one Keystone may be sent to the other."""
    return not address or URL(address).origin() == URL(str(ours)).origin()


def _failure(error: BffError) -> str:
    cause = error.__cause__
    # What the system or OpenSSL says, without aiohttp's words around it.
    plain = (cause and cause.__cause__) or cause
    said = f" ({printable(str(plain), 200)})" if isinstance(plain, OSError) else ""
    what = error.message.removeprefix("Could not reach it: ").removesuffix("; try again later.")
    todo = advice(cause) or "see the address in the settings, the firewall, and whether it runs"
    return f"{what}{said}: {todo}"


def _clock(answer: Probe) -> Line:
    if answer.ahead is None:
        return Line(WARN, "clock", "Keystone does not say what time it is: compare by hand")
    if abs(answer.ahead) <= NOTICEABLE:
        return Line(OK, "clock", "Keystone's and this host's agree")
    seconds, way = abs(round(answer.ahead.total_seconds())), "ahead of"
    if answer.ahead < timedelta():
        way = "behind"
    says = (
        f"Keystone's is {seconds} seconds {way} this host's, so tokens end too early or too late:"
        " set both right, as by NTP"
    )
    return Line(FAIL if abs(answer.ahead) > WRONG else WARN, "clock", says)


def validity(what: str, until: datetime, whose: str) -> Line:
    """Return how long a certificate is valid."""
    left = until - datetime.now(UTC)
    says = f"{whose}is valid until {until:%Y-%m-%d %H:%M} UTC"
    if left < timedelta():
        return Line(FAIL, what, f"{whose}ended at {until:%Y-%m-%d %H:%M} UTC: renew it")
    return Line(WARN, what, f"{says}: renew it") if left < SOON else Line(OK, what, says)


def shown(url: str) -> str:
    """Return an address without what may be secret in it."""
    return printable(str(URL(url, encoded=True).with_user(None).with_query(None)))


def _is_local(url: str) -> bool:
    host = URL(url).host or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
