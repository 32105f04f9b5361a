"""What a handler is given: the context that it names; entering it is the check.

Two lifetimes are behind it: ``services.Cloud`` lives as long as the process, ``caller.Caller`` as
long as one HTTP request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import structlog

from bff import log_fields
from bff.errors import BffError, Code
from bff.openstack.exchange import Count, uncounted
from bff.openstack.glance import Glance
from bff.openstack.glance.gathered import GatheredImages
from bff.openstack.keystone import NOT_REVOCABLE
from bff.session.caller import Caller, note_user
from bff.session.sessions import Credentials
from bff.session.sign_in import change_password, sign_in
from schemas.auth import ChangePasswordInput, CreateUserSessionInput
from schemas.image import GlanceImage
from schemas.json import Json
from schemas.keystone import ProjectBody, Scope, TokenBody

log = structlog.get_logger("bff.session.context")


@dataclass(frozen=True)
class PublicContext:
    """For anybody: what it takes to sign in and out."""

    access_errors: ClassVar[tuple[Code, ...]] = ()
    needs: ClassVar[str] = "no session"

    caller: Caller

    @classmethod
    async def enter(
        cls,
        caller: Caller,
        project_id: str | None,
        count: Count = uncounted,
    ) -> Self:
        """Return the context for one call.

        Args:
            project_id: The project that the call names.
            count: Is called with the size of each part of an answer from Glance, in bytes.

        Raises:
            BffError: this caller may not call this procedure.
        """
        return cls(caller)

    async def session(self) -> TokenBody | None:
        """Return what the caller's token stands for, ``None`` when there is none that is valid."""
        try:
            return (await self.caller.token()).body
        except BffError as error:
            if error.code is Code.UNAUTHORIZED:
                return None
            raise

    async def sign_in(self, params: CreateUserSessionInput) -> TokenBody:
        """Start a session and have the browser keep it; raises as ``sign_in.sign_in``."""
        return await sign_in(self.caller, params)

    async def change_password(self, params: ChangePasswordInput) -> None:
        """Change a user's password; raises as ``sign_in.change_password``."""
        await change_password(self.caller, params)

    async def sign_out(self) -> None:
        """End the caller's session, at Keystone and in the browser; fine when there is none.

        The browser keeps its cookie until the token is revoked, so that it can be tried again.
        """
        caller, credentials = self.caller, self.caller.credentials
        if credentials is not None:
            caller.note_known_user()
            await self._end(credentials)
        if credentials is None or credentials.from_cookie:
            caller.end_session()

    async def _end(self, credentials: Credentials) -> None:
        try:
            await self.caller.cloud.sessions.sign_out(credentials, self.caller.request_id)
        except BffError as error:
            # To try again would not help, and nobody but the cookie has this token.
            if (error.code, error.message) != NOT_REVOCABLE or not credentials.from_cookie:
                raise
            log.warning("a session was ended whose token stays valid", error=error.message)


@dataclass(frozen=True)
class UserContext(PublicContext):
    """For whoever is signed in, in a project or not."""

    access_errors: ClassVar[tuple[Code, ...]] = (Code.UNAUTHORIZED, Code.SESSION_CHANGED)
    needs: ClassVar[str] = "a session"

    @classmethod
    async def enter(
        cls,
        caller: Caller,
        project_id: str | None,
        count: Count = uncounted,
    ) -> Self:
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

    async def domain_names(self, projects: Sequence[ProjectBody]) -> dict[str, str]:
        """Return the names of the caller's projects' domains by their ids, as far as known."""
        caller = self.caller
        return await caller.cloud.domains.of(projects, caller.signed_in(), caller.request_id)

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
        caller.keep_session(moved, token)
        return note_user(token).body


@dataclass(frozen=True)
class ProjectContext(PublicContext):
    """For whoever works in a project: the services of the cloud, with the project's token."""

    access_errors: ClassVar[tuple[Code, ...]] = (
        Code.UNAUTHORIZED,
        Code.FORBIDDEN,
        Code.SESSION_CHANGED,
        Code.PRECONDITION_FAILED,
    )
    needs: ClassVar[str] = "a session in a project"

    project_id: str
    glance: Glance
    gathered: GatheredImages | None = None

    @classmethod
    async def enter(cls, caller: Caller, project_id: str | None, count: Count = uncounted) -> Self:
        """See ``PublicContext.enter``."""
        token = await caller.token(project_id)
        if token.body.project is None:
            message = (
                "This session has no project: choose one with auth.setCurrentScope, or send"
                " X-Project-Id."
            )
            raise BffError(Code.PRECONDITION_FAILED, message)
        log_fields.bind(project=token.body.project.id)
        cloud = caller.cloud
        glance = Glance(
            cloud.glance,
            cloud.glance_url(token),
            token.secret,
            caller.request_id,
            token.body.project.id,
            cloud.settings.expose_locations,
            count,
        )
        gathered = caller.batch.images(project_id) if caller.batch else None
        return cls(caller, token.body.project.id, glance, gathered)

    def counting(self, count: Count) -> Self:
        """Return the same context, whose answers from Glance are counted."""
        return replace(self, glance=self.glance.counting(count))

    async def image(self, image_id: str) -> Json[GlanceImage]:
        """Return one image as ``Images.show`` does; calls of a batch ask for theirs together."""
        if self.gathered is not None:
            text = await self.gathered.text(image_id, self.glance)
            if text is not None:
                self.glance.count(len(text))
                return Json(text)
        return await self.glance.images.show(image_id)
