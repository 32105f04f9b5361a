"""Keystone: who a token belongs to, in which project, and tokens for other projects.

Source: Identity API v3, "Authentication and token management"; what a real Keystone 30 answers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from bff.errors import BffError, Code
from bff.openstack.http import Intent, Reply, Service
from schemas.keystone import ProjectBody, ProjectsAnswer, TokenAnswer, TokenBody

ENDED = "the session has ended; sign in again."
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Token:
    """A valid token and what it stands for; the secret never shows in a ``repr``."""

    secret: str = field(repr=False)
    body: TokenBody


@dataclass(frozen=True)
class Keystone:
    """Keystone's API at ``url``, with the version: ``https://cloud.example/v3``."""

    service: Service
    url: str

    async def sign_in(self, user: str, password: str, domain: str, request_id: str) -> Token:
        """Return an unscoped token for a user.

        Raises:
            BffError: UNAUTHORIZED, some part of it is wrong; Keystone does not say which.
        """
        who = {"name": user, "password": password, "domain": {"name": domain}}
        identity = {"methods": ["password"], "password": {"user": who}}
        try:
            return await self._issue(identity, "unscoped", Intent("sign in"), request_id)
        except BffError as error:
            if error.code in (Code.UNAUTHORIZED, Code.NOT_FOUND):
                message = "Wrong user, password or domain, or the user is disabled."
                raise BffError(Code.UNAUTHORIZED, message) from None
            raise

    async def rescope(self, token: str, scope: Any, request_id: str) -> Token:
        """Return a token of the same user elsewhere; ``scope`` is as Keystone's API has it.

        Raises:
            BffError: FORBIDDEN, the user has no role there; UNAUTHORIZED, the token has ended.
        """
        identity = {"methods": ["token"], "token": {"id": token}}
        try:
            return await self._issue(identity, scope, Intent("change the scope"), request_id)
        except BffError as error:
            if error.code is Code.UNAUTHORIZED:
                message = "You have no role there, or there is no such project or domain."
                raise BffError(Code.FORBIDDEN, message) from None
            if error.code is Code.NOT_FOUND:
                raise BffError(Code.UNAUTHORIZED, f"Not signed in: {ENDED}") from None
            raise

    async def validate(self, token: str, request_id: str) -> Token:
        """Return what a token stands for.

        Raises:
            BffError: UNAUTHORIZED, it is expired, revoked or none of this Keystone's.
        """
        intent = Intent("check the token")
        headers = {"X-Subject-Token": token}
        try:
            reply = await self.service.call(
                "GET",
                f"{self.url}/auth/tokens",
                intent,
                ok=frozenset({200}),
                token=token,
                headers=headers,
                request_id=request_id,
            )
        except BffError as error:
            if error.code in (Code.UNAUTHORIZED, Code.NOT_FOUND):
                raise BffError(Code.UNAUTHORIZED, f"Not signed in: {ENDED}") from None
            raise
        return Token(token, _read(TokenAnswer, reply).token)

    async def projects(self, token: str, request_id: str) -> list[ProjectBody]:
        """Return the projects in which the token's user has a role."""
        reply = await self.service.call(
            "GET",
            f"{self.url}/auth/projects",
            Intent("list your projects"),
            ok=frozenset({200}),
            token=token,
            request_id=request_id,
        )
        return _read(ProjectsAnswer, reply).projects

    async def revoke(self, token: str, request_id: str) -> None:
        """End a token and all that were rescoped from it; one that has ended already is fine."""
        await self.service.call(
            "DELETE",
            f"{self.url}/auth/tokens",
            Intent("sign out"),
            ok=frozenset({204, 401, 404}),
            token=token,
            headers={"X-Subject-Token": token},
            request_id=request_id,
        )

    async def _issue(
        self, identity: dict[str, Any], scope: Any, intent: Intent, request_id: str
    ) -> Token:
        reply = await self.service.call(
            "POST",
            f"{self.url}/auth/tokens",
            intent,
            ok=frozenset({201}),
            headers={"Content-Type": "application/json"},
            body=orjson.dumps({"auth": {"identity": identity, "scope": scope}}),
            request_id=request_id,
        )
        secret = reply.headers.get("X-Subject-Token")
        if not secret:
            raise BffError(Code.BAD_GATEWAY, "Keystone answered without a token.")
        return Token(secret, _read(TokenAnswer, reply).token)


def _read(model: type[M], reply: Reply) -> M:
    try:
        return model.model_validate(reply.json())
    except ValidationError:
        message = "Keystone answered something that is none of its documented answers."
        raise BffError(Code.BAD_GATEWAY, message) from None
