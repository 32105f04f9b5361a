"""The session cookie: sealed, so that the Keystone token inside never reaches the browser."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bff.errors import BffError, Code
from bff.session.sessions import Credentials
from bff.settings import Settings
from schemas.keystone import Scope

# What every browser keeps of a cookie: name, value and attributes (RFC 6265, 6.1).
MAX_COOKIE_BYTES = 4096


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

    def open(self, value: str) -> Credentials | None:
        """Return the credentials in a cookie; ``None`` for one that we did not seal."""
        try:
            token, kind, scope_id = json.loads(self.fernet.decrypt(value))
        except (InvalidToken, ValueError):
            return None
        scope = Scope(kind, scope_id)
        return Credentials(token, scope, from_cookie=True, session_scope=scope)

    def set(self, credentials: Credentials, expires: datetime) -> str:
        """Return the Set-Cookie header that keeps a session until its token ends.

        Raises:
            BffError: BAD_GATEWAY, no browser would keep it: the token is too long, or has ended.
        """
        scope = credentials.scope or Scope()
        content = json.dumps([credentials.token, scope.kind, scope.id])
        sealed = self.fernet.encrypt(content.encode()).decode()
        header = self._header(sealed, _seconds_until(expires))
        if len(header) > MAX_COOKIE_BYTES:
            message = (
                f"The session does not fit in a cookie: with Keystone's token it has {len(header)}"
                f" bytes, and browsers keep {MAX_COOKIE_BYTES}. Send the token in X-Auth-Token."
            )
            raise BffError(Code.BAD_GATEWAY, message)
        return header

    def clear(self) -> str:
        """Return the Set-Cookie header that ends the session in the browser."""
        return self._header("", 0)

    def _header(self, value: str, seconds: int) -> str:
        flags = "HttpOnly; Secure; SameSite=Lax" if self.secure else "HttpOnly; SameSite=Lax"
        return f"{self.name}={value}; Max-Age={seconds}; Path=/; {flags}"


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
