"""What a handler is given: who calls, and through it the clouds' services.

Two lifetimes: ``Cloud`` lives as long as the process, ``Caller`` as long as one HTTP request and
is shared by its whole batch. A handler names the context that it needs; entering it is the check.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import structlog

from bff.errors import BffError, Code, bug
from bff.logs import printable
from bff.openstack.catalog import image_service
from bff.openstack.glance import Glance
from bff.openstack.keystone import Token
from bff.openstack.service import Service
from bff.rpc.bulk import Bulk
from bff.session.cookies import SessionCookie
from bff.session.sessions import Credentials, Sessions
from bff.settings import Settings
from schemas.bulk import BulkOperationResult
from schemas.keystone import ProjectBody, Scope, TokenBody

# Of a call's deadline: a bulk operation must answer what was done before it is cut off itself.
BULK_SHARE = 0.9

log = structlog.get_logger("bff.session.context")


@dataclass(frozen=True)
class Cloud:
    """The services behind this process, and how to reach them."""

    settings: Settings
    sessions: Sessions
    cookie: SessionCookie
    glance: Service

    def glance_url(self, token: Token) -> str:
        """Return Glance's address: the configured one, or the one in the token's catalog.

        Raises:
            BffError: as ``catalog.image_service``.
        """
        settings = self.settings
        if settings.glance_url is not None:
            return str(settings.glance_url)
        return image_service(token.body.catalog, settings.interface, settings.region)


@dataclass
class Caller:
    """Who sent one HTTP request.

    Args:
        credentials: What the caller showed; ``None`` when there was nothing.
        refusal: Why no call of this request may run (its origin, a malformed header).
        set_cookie: The Set-Cookie header to answer with; the calls fill it in.
        has_document: Whether a call of this request was answered with the OpenRPC document.
    """

    cloud: Cloud
    request_id: str
    credentials: Credentials | None = None
    refusal: BffError | None = None
    set_cookie: str | None = None
    has_document: bool = False
    _tokens: dict[str | None, asyncio.Task[Token]] = field(default_factory=dict)

    async def token(self, project_id: str | None = None) -> Token:
        """Return the caller's token; one look-up for a whole batch, also when it fails.

        Raises:
            BffError: UNAUTHORIZED, there is no session; FORBIDDEN, not in that project.
        """
        credentials = self.signed_in()
        if project_id is not None:
            credentials = replace(credentials, scope=Scope("project", project_id))
        if project_id not in self._tokens:
            look_up = self.cloud.sessions.token(credentials, self.request_id)
            self._tokens[project_id] = asyncio.create_task(look_up)
        return note_user(await asyncio.shield(self._tokens[project_id]))

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

    def note_known_user(self) -> None:
        """Say in the log lines that follow who it is, if that is known without asking Keystone."""
        if self.credentials is not None:
            known = self.cloud.sessions.known(self.credentials)
            if known is not None:
                note_user(known)

    def forget_token(self) -> None:
        """Have Keystone asked again at the next request."""
        if self.credentials is not None:
            self.cloud.sessions.forget(self.credentials)

    def told_of(self, failure: BaseException, event: str) -> BffError:
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
    structlog.contextvars.bind_contextvars(user=token.body.user.id)
    return token


@dataclass(frozen=True)
class PublicContext:
    """For anybody: what it takes to sign in and out."""

    refuses_with: ClassVar[tuple[Code, ...]] = ()
    needs: ClassVar[str] = "no session"

    caller: Caller

    @classmethod
    async def enter(cls, caller: Caller, project_id: str | None) -> Self:
        """Return the context for one call.

        Raises:
            BffError: this caller may not call this procedure.
        """
        return cls(caller)

    def counting(self, count: Callable[[int], None]) -> Self:  # noqa: ARG002
        """Return the context for one call whose answers from Glance are counted, in bytes."""
        return self

    async def session(self) -> TokenBody | None:
        """Return what the caller's token stands for, ``None`` when there is none that is valid."""
        try:
            return (await self.caller.token()).body
        except BffError as error:
            if error.code is Code.UNAUTHORIZED:
                return None
            raise

    async def sign_in(self, user: str, password: str, domain: str, scope: Any) -> TokenBody:
        """Start a session and have the browser keep it.

        Raises:
            BffError: as ``Sessions.sign_in`` and ``SessionCookie.set``; no token is left then.
        """
        caller, sessions = self.caller, self.caller.cloud.sessions
        structlog.contextvars.bind_contextvars(
            user_name=printable(user), user_domain=printable(domain)
        )
        credentials, token = await sessions.sign_in(
            user, password, domain, scope, caller.request_id
        )
        try:
            caller.set_cookie = caller.cloud.cookie.set(credentials, token.body.expires_at)
        except BffError:
            await sessions.discard(credentials.token, caller.request_id)
            raise
        return note_user(token).body

    async def sign_out(self) -> None:
        """End the caller's session, at Keystone and in the browser; fine when there is none.

        The browser keeps its cookie until the token is revoked, so that it can be tried again.
        """
        caller, credentials = self.caller, self.caller.credentials
        if credentials is not None:
            caller.note_known_user()
            await caller.cloud.sessions.sign_out(credentials, caller.request_id)
        if credentials is None or credentials.from_cookie:
            caller.set_cookie = caller.cloud.cookie.clear()


@dataclass(frozen=True)
class UserContext(PublicContext):
    """For whoever is signed in, in a project or not."""

    refuses_with: ClassVar[tuple[Code, ...]] = (Code.UNAUTHORIZED, Code.SESSION_CHANGED)
    needs: ClassVar[str] = "a session"

    @classmethod
    async def enter(cls, caller: Caller, project_id: str | None) -> Self:
        """See ``PublicContext.enter``; the token is looked at where it is used.

        A session whose project was taken away must still be able to move to another one.
        """
        caller.signed_in()
        return cls(caller)

    async def projects(self) -> list[ProjectBody]:
        """Return the projects in which the caller may work."""
        caller = self.caller
        found = await caller.cloud.sessions.projects(caller.signed_in(), caller.request_id)
        caller.note_known_user()
        return found

    async def move_to(self, scope: Scope) -> TokenBody:
        """Let the session work elsewhere from the next request on.

        Raises:
            BffError: BAD_REQUEST, there is no session cookie that could remember it; as
                ``SessionCookie.set``, and the session stays where it was.
        """
        caller = self.caller
        credentials = caller.signed_in()
        if not credentials.from_cookie:
            message = (
                "Only a session in a cookie has a scope to set; with X-Auth-Token send"
                " X-Project-Id, or project_id among the params."
            )
            raise BffError(Code.BAD_REQUEST, message)
        moved = replace(credentials, scope=scope)
        token = await caller.cloud.sessions.token(moved, caller.request_id)
        caller.set_cookie = caller.cloud.cookie.set(moved, token.body.expires_at)
        return note_user(token).body


@dataclass(frozen=True)
class ProjectContext(PublicContext):
    """For whoever works in a project: the services of the cloud, with the project's token."""

    refuses_with: ClassVar[tuple[Code, ...]] = (
        Code.UNAUTHORIZED,
        Code.FORBIDDEN,
        Code.SESSION_CHANGED,
        Code.PRECONDITION_FAILED,
    )
    needs: ClassVar[str] = "a session in a project"

    project_id: str
    glance: Glance

    @classmethod
    async def enter(cls, caller: Caller, project_id: str | None) -> Self:
        """See ``PublicContext.enter``."""
        token = await caller.token(project_id)
        if token.body.project is None:
            message = (
                "This session has no project: choose one with auth.setCurrentScope, or send"
                " X-Project-Id."
            )
            raise BffError(Code.PRECONDITION_FAILED, message)
        structlog.contextvars.bind_contextvars(project=token.body.project.id)
        cloud = caller.cloud
        glance = Glance(
            cloud.glance,
            cloud.glance_url(token),
            token.secret,
            caller.request_id,
            token.body.project.id,
            cloud.settings.expose_locations,
        )
        return cls(caller, token.body.project.id, glance)

    def counting(self, count: Callable[[int], None]) -> Self:
        """See ``PublicContext.counting``."""
        return replace(self, glance=self.glance.counting(count))

    async def on_each(
        self, image_ids: list[str], act: Callable[[str], Awaitable[None]]
    ) -> BulkOperationResult:
        """Do something to each of many images; see ``bulk.Bulk``."""
        settings = self.caller.cloud.settings
        bulk = Bulk(act, image_ids, self.caller.request_id)
        result = await bulk.run(settings.bulk_concurrency, settings.call_timeout * BULK_SHARE)
        if any(failure.code == Code.UNAUTHORIZED.label for failure in result.failed):
            self.caller.forget_token()
        return result

    def within_inline_limit(self, content: bytes) -> bytes:
        """Return data that came with a call, if it is not too much for that.

        Raises:
            BffError: PAYLOAD_TOO_LARGE; the message names the route for larger files.
        """
        settings = self.caller.cloud.settings
        if len(content) > settings.max_inline_upload:
            message = (
                f"The file is larger than {settings.max_inline_upload} bytes"
                f" (BFF_MAX_INLINE_UPLOAD): send it to POST {settings.prefix}/upload-image."
            )
            raise BffError(Code.PAYLOAD_TOO_LARGE, message)
        return content
