"""``bff check``: whether these settings work from here, line by line, and what to do where not.

No line holds a secret: neither a key, a password, a token nor what a service says of one.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from pydantic import AnyHttpUrl
from yarl import URL

from bff.errors import BffError
from bff.logs import printable
from bff.openstack.catalog import image_service, without_version
from bff.openstack.failure import KEYSTONE_ERRORS
from bff.openstack.inspection import Probe, probe
from bff.openstack.keystone import Keystone, Token
from bff.openstack.network import Network, advice
from bff.openstack.service import Service
from bff.openstack.transport import Client, Timeouts, new_client
from bff.openstack.versions import Discovery
from bff.progress.store import StoreError
from bff.reload import network_of
from bff.settings import GIB, Settings
from bff.variables import unknown_variables

OK, WARN, FAIL = "ok", "warn", "FAIL"
# A certificate that ends sooner is to be renewed.
SOON = timedelta(days=30)
# Between the clocks of Keystone and of this host.
NOTICEABLE, WRONG = timedelta(seconds=5), timedelta(seconds=60)
_IN_MEMORY = ("tmpfs", "ramfs")


class Line(NamedTuple):
    """One thing that was looked at."""

    level: str
    what: str
    says: str


@dataclass
class Check:
    """Looks at one thing after the other.

    Args:
        environment: The variables; those that begin with ``OS_`` may sign in, to find Glance.
    """

    settings: Settings
    environment: Mapping[str, str]
    request_id: str = field(default_factory=lambda: f"req-{uuid.uuid4()}")

    async def lines(self) -> AsyncIterator[Line]:
        """Return what there is to say, as it becomes known."""
        for told in unknown_variables(self.environment):
            yield Line(WARN, "settings", told)
        for line in [*self._production(), *self._spool()]:
            yield line
        try:
            network = network_of(self.settings)
        except ValueError as error:
            yield Line(FAIL, "network", str(error))
            return
        for line in self._certificates():
            yield line
        async with new_client() as client:
            services = _Services(self, client, network)
            async for line in services.lines():
                yield line
        async for line in self._redis():
            yield line

    def _production(self) -> Iterator[Line]:
        settings = self.settings
        if not settings.fernet_keys:
            says = (
                "BFF_SECRET_KEYS is not set: sessions end with the process, and no other process"
                " opens them; make a key with `bff new-key`, and keep it"
            )
            yield Line(WARN, "keys", says)
        else:
            yield from self._keys()
        if not settings.cookie_secure:
            says = "BFF_COOKIE_SECURE is false: the session travels without TLS; set it to true"
            yield Line(WARN, "cookie", says)

    def _keys(self) -> Iterator[Line]:
        path = self.environment.get("BFF_SECRET_KEYS_FILE")
        if path and Path(path).stat().st_mode & 0o007:
            yield Line(WARN, "keys", f"{path} can be read by every user of this host: chmod o= it")
        yield Line(OK, "keys", f"{len(self.settings.fernet_keys)} for the session cookie")

    def _certificates(self) -> Iterator[Line]:
        settings = self.settings
        if settings.ca_file is not None:
            yield Line(OK, "authorities", f"those in {settings.ca_file}, and no others")
        if settings.client_cert is not None:
            shown = x509.load_pem_x509_certificate(settings.client_cert.read_bytes())
            name = printable(shown.subject.rfc4514_string())
            yield _validity("BFF_CLIENT_CERT", shown.not_valid_after_utc, f"{name} is shown; ")

    def _spool(self) -> Iterator[Line]:
        folder, most = self.settings.spool_dir, self.settings.max_spool_bytes
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(b"a byte")
        except OSError as problem:
            says = f"{folder} takes no file ({problem.strerror}); choose another BFF_SPOOL_DIR"
            yield Line(FAIL, "spool", says)
            return
        free = shutil.disk_usage(folder).free
        if _file_system(folder) in _IN_MEMORY:
            says = f"{folder} is in memory, which uploads could fill: set BFF_SPOOL_DIR to a disk"
            yield Line(WARN, "spool", says)
        elif free < most:
            says = (
                f"{folder} has {free / GIB:.1f} GiB free, less than BFF_MAX_SPOOL_BYTES allows"
                f" ({most / GIB:.1f} GiB for each process): lower it, or use a larger disk"
            )
            yield Line(WARN, "spool", says)
        else:
            yield Line(OK, "spool", f"{folder} can be written, {free / GIB:.1f} GiB are free")

    async def _redis(self) -> AsyncIterator[Line]:
        url = self.settings.redis_url
        if url is None:
            says = "BFF_REDIS_URL is not set: set it where several processes are to show progress"
            yield Line(OK, "Redis", says)
            return
        from bff.progress.redis import RedisStore  # noqa: PLC0415  # an optional package

        store = RedisStore(url.get_secret_value())
        try:
            await store.exchange((), (), ())
        except StoreError as error:
            # Not its text: some servers quote the command that they do not take, AUTH too.
            kind = type(error.__cause__).__name__
            says = f"does not answer ({kind}): see BFF_REDIS_URL, and whether it runs"
            yield Line(FAIL, "Redis", says)
        else:
            yield Line(OK, "Redis", "answers")
        finally:
            await store.close()


class _Services:
    """Looks at Keystone and at Glance."""

    def __init__(self, check: Check, client: Client, network: Network) -> None:
        settings = check.settings
        self._settings = settings
        self._environment = check.environment
        self._request_id = check.request_id
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
            yield Line(OK, "Keystone", f"version 3 is at {_shown(url)}")

    async def _service(self, name: str, url: str) -> AsyncIterator[Line]:
        try:
            answer = await probe(self._client, self._network, self._timeouts, name, url)
        except BffError as error:
            yield Line(FAIL, name, f"{_shown(url)}: {_failure(error)}")
            return
        if name == "Glance" and answer.status not in (200, 401):
            says = f"answered {answer.status}, which no Glance does there: the address is wrong"
            yield Line(FAIL, name, f"{_shown(url)} {says} (BFF_GLANCE_URL, or the catalog)")
            return
        yield Line(OK, name, f"{_shown(url)} answered in {round(1000 * answer.seconds)} ms")
        if answer.valid_until is not None:
            yield _validity(name, answer.valid_until, "its certificate ")
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
            root = await keystone.sign_in(user, password, domain, request_id)
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


def _validity(what: str, until: datetime, whose: str) -> Line:
    left = until - datetime.now(UTC)
    says = f"{whose}is valid until {until:%Y-%m-%d %H:%M} UTC"
    if left < timedelta():
        return Line(FAIL, what, f"{whose}ended at {until:%Y-%m-%d %H:%M} UTC: renew it")
    return Line(WARN, what, f"{says}: renew it") if left < SOON else Line(OK, what, says)


def _shown(url: str) -> str:
    return printable(str(URL(url, encoded=True).with_user(None).with_query(None)))


def _is_local(url: str) -> bool:
    host = URL(url).host or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _file_system(folder: Path) -> str:
    """Return the type of the file system that a folder is in, where Linux says so."""
    device = folder.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    with suppress(OSError):
        # proc(5), /proc/pid/mountinfo.
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            before, _, after = line.partition(" - ")
            if before.split()[2] == number:
                return after.split()[0]
    return ""
