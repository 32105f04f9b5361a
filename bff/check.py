"""``bff check``: whether these settings work from here, line by line, and what to do where not.

No line holds a secret: neither a key, a password, a token nor what a service says of one.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from pydantic import ValidationError

from bff.check_services import FAIL, OK, WARN, Line, Services, shown, validity
from bff.logs import printable
from bff.openstack.network import Network
from bff.openstack.transport import new_client
from bff.progress.store import StoreError
from bff.reload import network_of
from bff.settings import GIB, Settings, explain
from bff.variables import unknown_variables

_IN_MEMORY = ("tmpfs", "ramfs")


async def report(say: Callable[[str], None]) -> bool:
    """Say each line when it is known; returns whether one has failed."""
    failed = False
    async for line in _lines():
        failed = failed or line.level == FAIL
        say(f"{line.level:<5} {line.what:<15} {line.says}")
    return failed


async def _lines() -> AsyncIterator[Line]:
    try:
        settings = Settings()
    except ValidationError as error:
        for told in [*unknown_variables(os.environ), *explain(error).splitlines()]:
            yield Line(FAIL, "settings", told)
        return
    async for line in Check(settings, os.environ).lines():
        yield line


@dataclass
class Check:
    """Looks at one thing after the other.

    Args:
        environment: The variables; those that begin with ``OS_`` may sign in, to find Glance.
    """

    settings: Settings
    environment: Mapping[str, str]

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
        for line in [*self._certificates(), *_proxies(network)]:
            yield line
        async with new_client() as client:
            services = Services(self.settings, self.environment, client, network)
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
            ours = x509.load_pem_x509_certificate(settings.client_cert.read_bytes())
            name = printable(ours.subject.rfc4514_string())
            yield validity("BFF_CLIENT_CERT", ours.not_valid_after_utc, f"{name} is shown; ")

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


def _proxies(network: Network) -> Iterator[Line]:
    for scheme in ("http", "https"):
        if address := network.proxies.get(scheme):
            says = f"{scheme} goes through {shown(address)}, except to {network.proxies['no']!r}"
            yield Line(OK, "proxy", says)


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
