"""Keystone: who a token belongs to, in which project, and tokens for other projects.

Source: Identity API v3, "Authentication and token management"; what a real Keystone 30 answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from bff.errors import BffError, Code
from bff.openstack.exchange import Operation, Reply
from bff.openstack.failure import KEYSTONE_ERRORS, details, json_object
from bff.openstack.service import Service
from bff.openstack.versions import Discovery
from schemas.keystone import ProjectBody, ProjectsAnswer, TokenAnswer, TokenBody

RECEIPT = "Openstack-Auth-Receipt"
# Without it Keystone knows no token of an application credential that has access rules (Identity
# API v3, "Application Credentials").
ACCESS_RULES: Mapping[str, str] = {"OpenStack-Identity-Access-Rules": "1.0"}
# What an expired password is told by has no other sign than Keystone's words.
ENGLISH: Mapping[str, str] = {"Accept-Language": "en-US, en"}

Meaning = tuple[Code, str]
ENDED: Meaning = (Code.UNAUTHORIZED, "Not signed in: the session has ended; sign in again.")
WRONG: Meaning = (
    Code.UNAUTHORIZED,
    "Wrong user, password or domain, or the user is disabled or locked.",
)
NO_ROLE: Meaning = (
    Code.FORBIDDEN,
    "You have no role there, or there is no such project or domain.",
)
SECOND_FACTOR: Meaning = (
    Code.UNAUTHORIZED,
    "The password is right, but this user's rules ask for a second factor, which cannot be given"
    " here: get a token elsewhere, with all factors, and send it in X-Auth-Token.",
)
PASSWORD_EXPIRED: Meaning = (
    Code.UNAUTHORIZED,
    "The password has expired, or must be changed at its first use: change it, as with"
    " `openstack user password set`, and sign in again.",
)
CANNOT_END: Meaning = (
    Code.FORBIDDEN,
    "Keystone does not end this token, and it stays valid, as those of an application credential"
    " with access rules do: delete the credential, or wait until the token ends.",
)
# What a header can carry back.
_TOKEN = re.compile(r"[\x21-\x7e]+")
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Token:
    """A valid token and what it stands for; the secret never shows in a ``repr``."""

    secret: str = field(repr=False)
    body: TokenBody


class Keystone:
    """Keystone's API at ``url``, with the version or without: ``https://cloud.example/v3``."""

    def __init__(self, service: Service, url: str) -> None:
        self._service = service
        # A 401 that asks for a second factor has no error in it; ``_refusal`` judges all of them.
        errors = replace(KEYSTONE_ERRORS, statuses=KEYSTONE_ERRORS.statuses - {401})
        self._issuer = replace(service, errors=errors)
        self._discovery = Discovery(service, url)

    async def sign_in(self, user: str, password: str, domain: str, request_id: str) -> Token:
        """Return an unscoped token for a user.

        Raises:
            BffError: UNAUTHORIZED, some part of it is wrong and Keystone does not say which; or the
                password has expired, or is not enough.
        """
        who = {"name": user, "password": password, "domain": {"name": domain}}
        identity = {"methods": ["password"], "password": {"user": who}}
        with _meaning({Code.NOT_FOUND: WRONG}):
            return await self._issue(identity, "unscoped", Operation("sign in"), WRONG, request_id)

    async def rescope(self, token: str, scope: Any, request_id: str) -> Token:
        """Return a token of the same user elsewhere; ``scope`` is as Keystone's API has it.

        Raises:
            BffError: FORBIDDEN, the user has no role there; UNAUTHORIZED, the token has ended.
        """
        identity = {"methods": ["token"], "token": {"id": token}}
        operation = Operation("change the scope")
        with _meaning({Code.NOT_FOUND: ENDED}):
            return await self._issue(identity, scope, operation, NO_ROLE, request_id)

    async def validate(self, token: str, request_id: str) -> Token:
        """Return what a token stands for.

        Raises:
            BffError: UNAUTHORIZED, it is expired, revoked or none of this Keystone's.
        """
        headers = {"X-Subject-Token": token, **ACCESS_RULES}
        with _meaning({Code.UNAUTHORIZED: ENDED, Code.NOT_FOUND: ENDED}):
            reply = await self._service.call(
                "GET",
                await self._address("/auth/tokens", request_id),
                Operation("check the token"),
                ok=frozenset({200}),
                token=token,
                headers=headers,
                request_id=request_id,
            )
        return Token(token, _read(TokenAnswer, reply).token)

    async def projects(self, token: str, request_id: str) -> list[ProjectBody]:
        """Return the projects in which the token's user has a role."""
        reply = await self._service.call(
            "GET",
            await self._address("/auth/projects", request_id),
            Operation("list your projects"),
            ok=frozenset({200}),
            token=token,
            headers=ACCESS_RULES,
            request_id=request_id,
        )
        return _read(ProjectsAnswer, reply).projects

    async def revoke(self, token: str, request_id: str) -> None:
        """End a token and all that were rescoped from it; one that has ended already is fine.

        Raises:
            BffError: FORBIDDEN, it stays valid, as those with access rules do.
        """
        reply = await self._service.call(
            "DELETE",
            await self._address("/auth/tokens", request_id),
            Operation("sign out"),
            ok=frozenset({204, 401, 404}),
            token=token,
            headers={"X-Subject-Token": token, **ACCESS_RULES},
            request_id=request_id,
        )
        if reply.status != 204 and await self._is_valid(token, request_id):
            code, message = CANNOT_END
            raise BffError(code, message, **details(reply.headers))

    async def _is_valid(self, token: str, request_id: str) -> bool:
        try:
            await self.validate(token, request_id)
        except BffError as error:
            if error.code is Code.UNAUTHORIZED:
                return False
            raise
        return True

    async def _issue(
        self,
        identity: dict[str, Any],
        scope: Any,
        operation: Operation,
        refused: Meaning,
        request_id: str,
    ) -> Token:
        """Return a new token; ``refused`` is what a plain 401 means."""
        reply = await self._issuer.call(
            "POST",
            await self._address("/auth/tokens", request_id),
            operation,
            ok=frozenset({201, 401}),
            headers={"Content-Type": "application/json", **ENGLISH},
            body=orjson.dumps({"auth": {"identity": identity, "scope": scope}}),
            request_id=request_id,
        )
        if reply.status == 401:
            code, message = _meaning_of_401(reply, operation, refused)
            raise BffError(code, message, **details(reply.headers))
        secret = reply.headers.get("X-Subject-Token", "")
        if not _TOKEN.fullmatch(secret):
            raise BffError(Code.BAD_GATEWAY, "Keystone answered without a token.")
        return Token(secret, _read(TokenAnswer, reply).token)

    async def _address(self, path: str, request_id: str) -> str:
        return await self._discovery.url(request_id) + path


@contextmanager
def _meaning(meanings: Mapping[Code, Meaning]) -> Iterator[None]:
    """Say what Keystone means by a refusal; its request id and the like are kept."""
    try:
        yield
    except BffError as error:
        if error.code not in meanings:
            raise
        code, message = meanings[error.code]
        raise BffError(code, message, **error.data) from None


def _meaning_of_401(reply: Reply, operation: Operation, refused: Meaning) -> Meaning:
    """Tell the refusals of a password apart; Keystone's own words are never passed on."""
    body = json_object(reply.body)
    if RECEIPT in reply.headers or "required_auth_methods" in body:
        return SECOND_FACTOR
    if "error" not in body:
        message = (
            f"Could not {operation.doing}: the answer 401 is not Keystone's own; its address may"
        )
        return Code.BAD_GATEWAY, f"{message} be wrong."
    error = body["error"]
    words = error.get("message") if isinstance(error, dict) else None
    if isinstance(words, str) and words.startswith("The password is expired"):
        return PASSWORD_EXPIRED
    return refused


def _read(model: type[M], reply: Reply) -> M:
    try:
        return model.model_validate(reply.json())
    except ValidationError:
        message = "Keystone answered something that is none of its documented answers."
        raise BffError(Code.BAD_GATEWAY, message) from None
