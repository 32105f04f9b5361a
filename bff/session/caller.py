"""Who calls: one HTTP request's credentials and tokens, shared by its whole batch."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import structlog

from bff import log_fields
from bff.errors import BffError, Code, bug
from bff.openstack.keystone import Token
from bff.session.address import address_group, canonical_address
from bff.session.batch import Batch
from bff.session.services import Cloud
from bff.session.sessions import Credentials
from schemas.headers import SESSION_EXPIRES_IN
from schemas.keystone import InDomain, Scope

log = structlog.get_logger("bff.session.caller")


@dataclass
class Caller:
    """Who sent one HTTP request.

    Args:
        credentials: What the caller authenticates with; ``None`` when there is nothing.
        host: The client's address, as the server has it.
        credentials_error: Why no call of this request may run (its origin, a malformed header).
        extra_cookies: The browser's ``SessionCookie.extra_parts``.
        sealed_receipt: The cookie of a sign-in that waits for its second factor, as it came.
        set_cookies: The Set-Cookie headers to answer with, by the cookie; the calls fill them in.
        compressible: Whether nobody can learn a secret from the size of its compressed answer.
        batch: What the calls of this request share, if they are several and share anything.
        has_document: Whether a call of this request was answered with the OpenRPC document.
    """

    cloud: Cloud
    request_id: str
    credentials: Credentials | None = None
    credentials_error: BffError | None = None
    host: str | None = None
    extra_cookies: tuple[str, ...] = ()
    sealed_receipt: str | None = None
    set_cookies: dict[str, str] = field(default_factory=dict)
    has_document: bool = False
    compressible: bool = False
    batch: Batch | None = None
    _signs_in: bool = False
    # By the project.
    _tokens: dict[str | None, asyncio.Task[Token]] = field(default_factory=dict)
    _known: dict[str | None, Token] = field(default_factory=dict)
    _own: Token | None = None
    _session_ends: datetime | None = None

    @property
    def address(self) -> str:
        """The client's address in its one spelling; ``unknown`` where there is none."""
        return canonical_address(self.host)

    @property
    def key(self) -> str:
        """With whom this caller shares turns: its token's users, once it is known to be valid."""
        credentials = self.credentials
        if credentials is not None and self._own_token() is not None:
            return f"token:{credentials.fingerprint}"
        return f"address:{address_group(self.address)}"

    def _own_token(self) -> Token | None:
        """Return the caller's own token, if it is known to be valid."""
        if self._own is None and self.credentials is not None:
            self._own = self.cloud.sessions.cached_token(self.credentials)
        return self._own

    def begin_sign_in(self) -> None:
        """Take note that a call of this request signs in, or proves a password otherwise.

        Raises:
            BffError: TOO_MANY_REQUESTS, another one does already.
        """
        if self._signs_in:
            message = "One sign-in a request: send each in a request of its own."
            raise BffError(Code.TOO_MANY_REQUESTS, message)
        self._signs_in = True

    async def token(self, project_id: str | None = None) -> Token:
        """Return the caller's token; one look-up for a whole batch, also when it fails.

        Raises:
            BffError: UNAUTHORIZED, there is no session; FORBIDDEN, not in that project.
        """
        known = self._known.get(project_id)
        if known is None:
            known = self._known[project_id] = await self._looked_up(project_id)
        return note_user(known)

    async def _looked_up(self, project_id: str | None) -> Token:
        credentials, sessions = self.signed_in(), self.cloud.sessions
        if project_id is not None:
            credentials = replace(credentials, scope=Scope("project", project_id))
        if project_id not in self._tokens:
            own = self._own_token()
            if own is not None and (known := sessions.known_token(credentials, own)) is not None:
                return known
            look_up = sessions.token(credentials, self.request_id)
            self._tokens[project_id] = asyncio.create_task(look_up)
        return await asyncio.shield(self._tokens[project_id])

    def signed_in(self) -> Credentials:
        """Return the caller's credentials.

        Raises:
            BffError: UNAUTHORIZED, there are none.
        """
        if self.credentials is None:
            message = (
                "Not signed in: call auth.createUserSession first, or send a Keystone token"
                " in X-Auth-Token."
            )
            raise BffError(Code.UNAUTHORIZED, message)
        return self.credentials

    def known_user(self) -> InDomain | None:
        """Return who it is, if that is known without asking Keystone."""
        token = next(iter(self._known.values()), None) or self._own_token()
        return token.body.user if token else None

    def note_known_user(self) -> None:
        """Say in the log lines that follow who it is, if that is known without asking Keystone."""
        if (token := self._own_token()) is not None:
            note_user(token)

    def keep_session(self, credentials: Credentials, token: Token) -> None:
        """Have the browser keep a session in the place of any other.

        Raises:
            BffError: as ``SessionCookie.set``.
        """
        ends = token.body.expires_at
        self.set_cookies |= self.cloud.cookie.set(credentials, ends, self.extra_cookies)
        self._session_ends = ends

    def end_session(self) -> None:
        """Have the browser forget its session."""
        self.set_cookies |= self.cloud.cookie.clear(self.extra_cookies)
        self._session_ends = None

    def session_headers(self) -> dict[str, str]:
        """Return the header that says how long a session in a cookie lasts yet.

        There is none where that is not known without asking Keystone, or is not the caller's.
        """
        is_new = self.cloud.cookie.name in self.set_cookies
        ends = self._session_ends if is_new else self._end_of_session()
        if ends is None:
            return {}
        left = int((ends - datetime.now(UTC)).total_seconds())
        return {SESSION_EXPIRES_IN: str(max(0, left))}

    def _end_of_session(self) -> datetime | None:
        credentials = self.credentials
        if credentials is None or not credentials.from_cookie or (own := self._own_token()) is None:
            return None
        is_expected = credentials.is_expected(own.body)
        return own.body.expires_at if is_expected else None

    def forget_token(self) -> None:
        """Have Keystone asked again at the next request."""
        self._own = None
        if self.credentials is not None:
            self.cloud.sessions.forget(self.credentials)

    def to_client_error(self, failure: BaseException, event: str) -> BffError:
        """Return what the caller is told of a failure.

        Args:
            event: The log line of one that nobody foresaw.
        """
        if not isinstance(failure, BffError):
            log.error(event, exc_info=failure)
            return bug(self.request_id)
        if failure.code is Code.UNAUTHORIZED:
            self.forget_token()
        return failure


def note_user(token: Token) -> Token:
    """Say in the log lines that follow who it is; returns the token."""
    log_fields.bind(user=token.body.user.id)
    return token
