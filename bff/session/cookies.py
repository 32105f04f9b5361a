"""The session cookie: sealed, so that the Keystone token inside never reaches the browser.

A token that is too long for one cookie is sealed whole, and the text is cut into several. They are
good together or not at all, since it is the whole text that is authenticated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bff.errors import BffError, Code
from bff.session.sessions import Credentials
from bff.settings import Settings
from schemas.keystone import Scope

# What every browser keeps of a cookie: name, value and attributes (RFC 6265, 6.1).
MAX_COOKIE_BYTES = 4096
# The longest token that aiohttp takes in a header, 8190 bytes, needs three. With them an answer's
# head fits in the 16 KiB that the proxies of ``deploy/`` hold.
MAX_PARTS = 3
# As long as any number of seconds: over 300 years.
_MAX_SECONDS = 10**10 - 1
# Before the first part of several, how many there are.
_IN_PARTS = re.compile(rf"([2-{MAX_PARTS}])\.")


@dataclass
class SessionCookie:
    """Seals credentials into the value of a cookie, and opens it again."""

    name: str
    secure: bool
    fernet: MultiFernet

    @classmethod
    def of(cls, settings: Settings) -> SessionCookie:
        """Return the cookie of these settings; without a key, one that ends with the process."""
        keys = settings.fernet_keys or [Fernet.generate_key().decode()]
        return cls(settings.cookie_name, settings.cookie_secure, _fernet(keys))

    def take_keys(self, settings: Settings) -> None:
        """Seal and open with these keys from now on, if there are any."""
        if settings.fernet_keys:
            self.fernet = _fernet(settings.fernet_keys)

    def open(self, cookies: Mapping[str, str]) -> Credentials | None:
        """Return the credentials in a browser's cookies; ``None`` where we sealed none of them."""
        try:
            token, kind, scope_id = json.loads(self.fernet.decrypt(self._sealed(cookies)))
        except (InvalidToken, ValueError):
            return None
        scope = Scope(kind, scope_id)
        return Credentials(token, scope, from_cookie=True, session_scope=scope)

    def extra_parts(self, cookies: Mapping[str, str]) -> tuple[str, ...]:
        """Return the names of those of a browser's cookies that hold more of a session."""
        return tuple(name for name in self._names(MAX_PARTS)[1:] if name in cookies)

    def set(
        self, credentials: Credentials, expires: datetime, extra: Collection[str] = ()
    ) -> dict[str, str]:
        """Return the Set-Cookie headers, by the cookie, that keep a session until its token ends.

        Args:
            extra: The browser's ``extra_parts`` of the session before.

        Raises:
            BffError: BAD_GATEWAY, no browser would keep it: the token is too long, or has ended.
        """
        scope = credentials.scope or Scope()
        content = json.dumps([credentials.token, scope.kind, scope.id])
        values = self._parts(self.fernet.encrypt(content.encode()).decode())
        seconds, names = _seconds_until(expires), self._names(len(values))
        kept = zip(names, values, strict=True)
        ended = {name: self.header(name, "", 0) for name in extra}
        return ended | {name: self.header(name, value, seconds) for name, value in kept}

    def clear(self, extra: Collection[str] = ()) -> dict[str, str]:
        """Return the Set-Cookie headers, by the cookie, that end the session in the browser."""
        return {name: self.header(name, "", 0) for name in (self.name, *extra)}

    def _sealed(self, cookies: Mapping[str, str]) -> str:
        first = cookies.get(self.name, "")
        match = _IN_PARTS.match(first)
        if match is None:
            return first
        rest = self._names(int(match[1]))[1:]
        return first[match.end() :] + "".join(cookies.get(name, "") for name in rest)

    def _parts(self, sealed: str) -> list[str]:
        room = MAX_COOKIE_BYTES - len(self.header(self._names(2)[1], "", _MAX_SECONDS))
        if len(sealed) <= room:
            return [sealed]
        count = -(-(len(sealed) + len("2.")) // room)
        if count > MAX_PARTS:
            message = (
                f"The session does not fit in {MAX_PARTS} cookies: with Keystone's token it has"
                f" {len(sealed)} bytes, and browsers keep {MAX_COOKIE_BYTES} of each. Send the"
                " token in X-Auth-Token."
            )
            raise BffError(Code.BAD_GATEWAY, message)
        text = f"{count}.{sealed}"
        return [text[start : start + room] for start in range(0, len(text), room)]

    def _names(self, count: int) -> list[str]:
        return [self.name, *(f"{self.name}.{number}" for number in range(1, count))]

    def header(self, name: str, value: str, seconds: int) -> str:
        """Return a Set-Cookie header: out of reach for scripts, and for other sites."""
        flags = "HttpOnly; Secure; SameSite=Lax" if self.secure else "HttpOnly; SameSite=Lax"
        return f"{name}={value}; Max-Age={seconds}; Path=/; {flags}"


def _fernet(keys: list[str]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def _seconds_until(expires: datetime) -> int:
    now = datetime.now(UTC)
    seconds = int((expires - now).total_seconds())
    if seconds < 1:
        message = (
            "The session cookie would expire at once: Keystone's token expires at"
            f" {expires:%Y-%m-%d %H:%M:%S %Z}, and this server's clock says"
            f" {now:%Y-%m-%d %H:%M:%S %Z}. If you have just signed in, the clocks of this server"
            " and of Keystone differ: synchronise them, as by NTP."
        )
        raise BffError(Code.BAD_GATEWAY, message)
    return seconds
