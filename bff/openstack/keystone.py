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
# An expired password is recognised by Keystone's message alone.
ENGLISH: Mapping[str, str] = {"Accept-Language": "en-US, en"}

# The code and the message of an error.
ErrorParts = tuple[Code, str]
SESSION_ENDED: ErrorParts = (
    Code.UNAUTHORIZED,
    "Not signed in: the session has ended; sign in again.",
)
WRONG_CREDENTIALS: ErrorParts = (
    Code.UNAUTHORIZED,
    "Wrong user, password or domain, or the user is disabled or locked.",
)
NO_ROLE: ErrorParts = (
    Code.FORBIDDEN,
    "You have no role there, or there is no such project or domain.",
)
SECOND_FACTOR: ErrorParts = (
    Code.UNAUTHORIZED,
    "The password is right, but this user's rules ask for a second factor, which cannot be given"
    " here: get a token elsewhere, with all factors, and send it in X-Auth-Token.",
)
PASSWORD_EXPIRED: ErrorParts = (
    Code.UNAUTHORIZED,
    "The password has expired, or must be changed at its first use: change it, as with"
    " `openstack user password set`, and sign in again.",
)
NOT_REVOCABLE: ErrorParts = (
    Code.FORBIDDEN,
    "Keystone does not end this token, and it stays valid, as those of an application credential"
    " with access rules do: delete the credential, or wait until the token ends.",
)
# What can be sent back in a header.
_TOKEN = re.compile(r"[\x21-\x7e]+")
M = TypeVar("M", bound=BaseModel)


@dataclass(slots=True)
class Token:
    """A valid token and what it stands for; the secret never shows in a ``repr``.

    Args:
        image_service: Glance's address in its catalog, once it has been looked for.
    """

    secret: str = field(repr=False)
    body: TokenBody
    image_service: str | None = None


class Keystone:
    """Keystone's API at ``url``, with the version or without: ``https://cloud.example/v3``."""

    def __init__(self, service: Service, url: str) -> None:
        self._service = service
        # A 401 that asks for a second factor has no error in it; ``_error_of_401`` decides.
        errors = replace(KEYSTONE_ERRORS, statuses=KEYSTONE_ERRORS.statuses - {401})
        self._issuer = replace(service, errors=errors)
        self._discovery = Discovery(service, url)

    async def sign_in(self, user: str, password: str, domain: str, request_id: str) -> Token:
        """Return an unscoped token for a user.

        Raises:
            BffError: UNAUTHORIZED, some part of it is wrong and Keystone does not say which; or the
                password has expired, or is not enough.
        """
        credentials = {"name": user, "password": password, "domain": {"name": domain}}
        identity = {"methods": ["password"], "password": {"user": credentials}}
        with _mapped({Code.NOT_FOUND: WRONG_CREDENTIALS}):
            return await self._issue(
                identity, "unscoped", Operation("sign in"), WRONG_CREDENTIALS, request_id
            )

    async def rescope(self, token: str, scope: Any, request_id: str) -> Token:
        """Return a token of the same user elsewhere; ``scope`` is as Keystone's API has it.

        Raises:
            BffError: FORBIDDEN, the user has no role there; UNAUTHORIZED, the token has ended.
        """
        identity = {"methods": ["token"], "token": {"id": token}}
        operation = Operation("change the scope")
        with _mapped({Code.NOT_FOUND: SESSION_ENDED}):
            return await self._issue(identity, scope, operation, NO_ROLE, request_id)

    async def validate(self, token: str, request_id: str) -> Token:
        """Return what a token stands for.

        Raises:
            BffError: UNAUTHORIZED, it is expired, revoked or none of this Keystone's.
        """
        headers = {"X-Subject-Token": token, **ACCESS_RULES}
        with _mapped({Code.UNAUTHORIZED: SESSION_ENDED, Code.NOT_FOUND: SESSION_ENDED}):
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
        """Revoke a token and all that were rescoped from it; one that has ended already is fine.

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
            code, message = NOT_REVOCABLE
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
        unauthorized: ErrorParts,
        request_id: str,
    ) -> Token:
        """Return a new token; ``unauthorized`` is the error for a plain 401."""
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
            code, message = _error_of_401(reply, operation, unauthorized)
            raise BffError(code, message, **details(reply.headers))
        secret = reply.headers.get("X-Subject-Token", "")
        if not _TOKEN.fullmatch(secret):
            raise BffError(Code.BAD_GATEWAY, "Keystone answered without a token.")
        return Token(secret, _read(TokenAnswer, reply).token)

    async def _address(self, path: str, request_id: str) -> str:
        return await self._discovery.url(request_id) + path


@contextmanager
def _mapped(errors: Mapping[Code, ErrorParts]) -> Iterator[None]:
    """Replace errors by what they mean for this request; their ``data`` is kept."""
    try:
        yield
    except BffError as error:
        if error.code not in errors:
            raise
        code, message = errors[error.code]
        raise BffError(code, message, **error.data) from None


def _error_of_401(reply: Reply, operation: Operation, unauthorized: ErrorParts) -> ErrorParts:
    """Distinguish the refusals of a password; Keystone's own message is never passed on."""
    body = json_object(reply.body)
    if RECEIPT in reply.headers or "required_auth_methods" in body:
        return SECOND_FACTOR
    if "error" not in body:
        message = (
            f"Could not {operation.doing}: the answer 401 is not Keystone's own; its address may"
        )
        return Code.BAD_GATEWAY, f"{message} be wrong."
    error = body["error"]
    text = error.get("message") if isinstance(error, dict) else None
    if isinstance(text, str) and text.startswith("The password is expired"):
        return PASSWORD_EXPIRED
    return unauthorized


def _read(model: type[M], reply: Reply) -> M:
    try:
        return model.model_validate(reply.json())
    except ValidationError:
        message = "Keystone answered something that is none of its documented answers."
        raise BffError(Code.BAD_GATEWAY, message) from None
