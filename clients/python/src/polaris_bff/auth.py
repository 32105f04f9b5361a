"""Who is calling: a token, a session of user and password, or nobody."""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from polaris_bff.effects import Block, Exclusive, Flow, Reply
from polaris_bff.errors import BffError

# In seconds: what ends sooner is renewed before it is used.
_SOON = 60


# Its prefix says that a browser keeps it from other hosts; without it over plain HTTP.
# A long session has several: the first, and the others with a number.
_COOKIE = re.compile(r"(?:__Host-)?polaris-bff(\.[1-9])?")


def is_header_value(value: str) -> bool:
    """Return whether a value can be sent as a header, and ends no other one."""
    return bool(value) and value.isascii() and value.isprintable() and " " not in value


class Caller(Protocol):
    """What signing in needs of the client."""

    def one(self, name: str, params: dict[str, Any]) -> Flow[Any]:
        """Make one call; gives its result."""

    def base(self) -> Flow[str]:
        """Give the BFF's address."""


class Auth(ABC):
    """What says who is calling, and where the BFF is if nobody else says so."""

    # Whether there is something else to try when the server says UNAUTHORIZED.
    renewable = False

    @abstractmethod
    def headers(self, core: Caller, ended: Mapping[str, str] | None) -> Flow[Mapping[str, str]]:
        """Give the headers that say who is calling.

        Args:
            ended: Headers that were refused; others are wanted.

        Raises:
            BffError: signing in failed.
        """

    def learn(self, reply: Reply) -> None:  # noqa: B027  # only a session has something to learn
        """Take note of what an answer says of the credentials."""

    def endpoint(self) -> str:
        """Return the BFF's address.

        Raises:
            BffError: it is not known.
        """
        message = "Where is the BFF? Give its address, or set BFF_URL"
        raise BffError("NOT_FOUND", message)

    def glance(self) -> str:
        """Return Glance's address, for what the BFF does not do.

        Raises:
            BffError: it is not known.
        """
        message = (
            "The BFF has no download, and this sign-in does not tell where Glance is: sign in at"
            " OpenStack, by OS_CLOUD, OS_* variables or OpenStack(…)"
        )
        raise BffError("PRECONDITION_FAILED", message)

    def secrets(self) -> Sequence[str]:
        """Return what must not be in any message."""
        return ()


class Nobody(Auth):
    """No credentials: for procedures that need none."""

    def headers(self, core: Caller, ended: Mapping[str, str] | None) -> Flow[Mapping[str, str]]:
        """Give none."""
        del core, ended
        yield from ()
        return {}


class Token(Auth):
    """A Keystone token, or a function that returns one and is asked again when it has ended."""

    def __init__(self, token: str | Callable[[], str]) -> None:
        self._token = token
        self._last = ""
        self.renewable = callable(token)

    def headers(self, core: Caller, ended: Mapping[str, str] | None) -> Flow[Mapping[str, str]]:
        """Give the token."""
        del core, ended
        given = (yield Block(self._token)) if callable(self._token) else self._token
        # A file's last line has an end.
        token = str(given).strip()
        if not is_header_value(token):
            raise BffError("UNAUTHORIZED", "The token is empty, or has characters that none has")
        self._last = token
        return {"x-auth-token": self._last}

    def secrets(self) -> Sequence[str]:
        """Return the token that was used last."""
        return (self._last,) if self._last else ()

    def __repr__(self) -> str:
        return "Token(***)"


class Session(Auth):
    """A session at the BFF that was begun already.

    Args:
        cookie: Its cookie, as ``name=value``; or its cookies, joined by ``; ``.
    """

    def __init__(self, cookie: str = "") -> None:
        # Another scope changes it, and the end of the session empties it.
        self.cookie = cookie

    def headers(self, core: Caller, ended: Mapping[str, str] | None) -> Flow[Mapping[str, str]]:
        """Give the session's cookie."""
        del ended
        origin = urlsplit((yield from core.base()))
        # The server asks where a request with a cookie comes from.
        return {"cookie": self.cookie, "origin": f"{origin.scheme}://{origin.netloc}"}

    def learn(self, reply: Reply) -> None:
        """Keep a cookie that is set: by signing in, or by another scope."""
        if not reply.cookies:
            return
        kept = dict(_pairs(self.cookie))
        for cookie in reply.cookies:
            name, _, value = cookie.partition(";")[0].strip().partition("=")
            if _COOKIE.fullmatch(name):
                kept[name] = value if is_header_value(value) else ""
        pairs = [f"{name}={value}" for name, value in kept.items() if value]
        # Without the first one, the others are nothing.
        has_first = any(value for name, value in kept.items() if "." not in name)
        self.cookie = "; ".join(pairs) if has_first else ""

    def secrets(self) -> Sequence[str]:
        """Return the cookies' values."""
        return [value for _, value in _pairs(self.cookie) if value]

    def __repr__(self) -> str:
        return "Session(***)"


def _pairs(cookies: str) -> Iterator[tuple[str, str]]:
    for cookie in cookies.split("; "):
        name, _, value = cookie.partition("=")
        yield name, value


class Password(Session):
    """A session at the BFF, begun with user and password and begun anew before it ends.

    Args:
        domain: The name of the domain of the user and of ``project``.
        project: A project's name; ``project_id`` its id. Without either, ``Client(project=…)`` or a
            call's ``project_id`` says where to work.
        passcode: The second factor of now, where the user's rules ask for one; or a function that
            returns it and is asked at each sign-in.
    """

    renewable = True

    def __init__(
        self,
        user: str,
        password: str,
        *,
        domain: str = "Default",
        project: str | None = None,
        project_id: str | None = None,
        passcode: str | Callable[[], str] | None = None,
    ) -> None:
        super().__init__()
        self._passcode = passcode
        given = {"user": user, "password": password, "domainName": domain}
        scope = {"projectName": project, "projectId": project_id}
        self._input = {**given, **{key: value for key, value in scope.items() if value}}
        self._until = 0.0

    def headers(self, core: Caller, ended: Mapping[str, str] | None) -> Flow[Mapping[str, str]]:
        """Give the session's cookie; sign in first where there is no session."""
        if self._is_over(ended):
            yield Exclusive(self._sign_in(core, ended))
        return (yield from super().headers(core, ended))

    def _is_over(self, ended: Mapping[str, str] | None) -> bool:
        refused = ended is not None and ended.get("cookie") == self.cookie
        return not self.cookie or refused or time.time() > self._until - _SOON

    def _sign_in(self, core: Caller, ended: Mapping[str, str] | None) -> Flow[None]:
        if not self._is_over(ended):
            return  # somebody else did it meanwhile
        self.cookie = ""
        given = dict(self._input)
        code = (yield Block(self._passcode)) if callable(self._passcode) else self._passcode
        if code:
            given["passcode"] = code
        session: Any = yield from core.one("auth.createUserSession", given)
        if not self.cookie:
            raise BffError("BAD_RESPONSE", "The BFF signed in and set no cookie")
        self._until = _end_of(session)

    def __repr__(self) -> str:
        return f"Password({self._input['user']!r}, ***)"


def _end_of(session: Any) -> float:
    """Return when a session ends; what is no session has no end that is known."""
    try:
        return datetime.fromisoformat(session["expiresAt"].replace("Z", "+00:00")).timestamp()
    except (TypeError, KeyError, ValueError, AttributeError):
        return time.time() + 3600
