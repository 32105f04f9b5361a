"""Keystone: who a token belongs to, in which project, and tokens for other projects.

Source: Identity API v3, "Authentication and token management"; what a real Keystone 30 answers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote

import orjson
from pydantic import BaseModel, ValidationError

from bff.errors import BffError, Code
from bff.openstack.exchange import Operation, Reply
from bff.openstack.failure import KEYSTONE_ERRORS, MAX_EXPLANATION, details, json_object
from bff.openstack.identity import (
    RECEIPT,
    WRONG_CREDENTIALS,
    ErrorParts,
    Identity,
    Receipt,
    as_id,
    receipt_in,
)
from bff.openstack.service import Service
from bff.openstack.versions import Discovery
from schemas.keystone import ProjectBody, ProjectsAnswer, TokenAnswer, TokenBody

# Without it Keystone knows no token of an application credential that has access rules (Identity
# API v3, "Application Credentials").
ACCESS_RULES: Mapping[str, str] = {"OpenStack-Identity-Access-Rules": "1.0"}
# An expired password and a receipt are recognised by Keystone's message alone.
ENGLISH: Mapping[str, str] = {"Accept-Language": "en-US, en"}
_EXPIRED = "The password is expired"
_NO_RECEIPT = "Could not find auth receipt"
_NO_METHOD = "Attempted to authenticate with an unsupported method"
# In characters: a shorter password may be a part of any word, and is looked for as a whole one.
_MIN_PART = 8

SESSION_ENDED: ErrorParts = (
    Code.UNAUTHORIZED,
    "Not signed in: the session has ended; sign in again.",
)
NO_ROLE: ErrorParts = (
    Code.FORBIDDEN,
    "You have no role there, or there is no such project or domain.",
)
SIGN_IN_EXPIRED: ErrorParts = (
    Code.UNAUTHORIZED,
    "The passcode came too late, or from another browser than the password: begin again with user"
    " and password.",
)
PASSWORD_EXPIRED: ErrorParts = (
    Code.UNAUTHORIZED,
    "The password has expired, or must be changed at its first use: change it, and sign in again.",
)
FACTORS_MISSING: ErrorParts = (
    Code.UNAUTHORIZED,
    "This user's rules ask for more factors than the session began with: sign in again, with all"
    " of them.",
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
        # A 401 that asks for a second factor has no error in it; ``_refused`` decides.
        errors = replace(KEYSTONE_ERRORS, statuses=KEYSTONE_ERRORS.statuses - {401})
        self._issuer = replace(service, errors=errors)
        self._discovery = Discovery(service, url)

    async def sign_in(self, identity: Identity, request_id: str) -> Token | Receipt:
        """Return a token: unscoped, unless the identity brings its scope along; or a receipt.

        Raises:
            BffError: UNAUTHORIZED, some part of it is wrong and Keystone does not say which; or,
                with a ``reason``, the password has expired, or the receipt; BAD_REQUEST, Keystone
                does not take this method.
        """
        scope = None if identity.has_scope else "unscoped"
        with _mapped({Code.NOT_FOUND: identity.wrong}):
            return await self._issue(identity, scope, Operation("sign in"), request_id)

    async def change_password(
        self, user_id: str, password: str, new_password: str, request_id: str
    ) -> None:
        """Change a user's password, which may have expired.

        Raises:
            BffError: UNAUTHORIZED, the user or the password is wrong; BAD_REQUEST with a
                ``reason``, Keystone's rules do not allow the new one.
        """
        user = {"original_password": password, "password": new_password}
        with _mapped({Code.NOT_FOUND: WRONG_CREDENTIALS, Code.UNAUTHORIZED: WRONG_CREDENTIALS}):
            reply = await self._service.call(
                "POST",
                await self._address(f"/users/{quote(user_id, safe='')}/password", request_id),
                Operation("change the password"),
                ok=frozenset({204, 400, 403}),
                headers={"Content-Type": "application/json", **ENGLISH},
                body=orjson.dumps({"user": user}),
                request_id=request_id,
            )
        if reply.status != 204:
            message = f"The new password was refused: {_rule(reply, password, new_password)}"
            data = details(reply.headers)
            raise BffError(Code.BAD_REQUEST, message, reason="PASSWORD_REFUSED", **data)

    async def rescope(self, token: str, scope: Any, request_id: str) -> Token:
        """Return a token of the same user elsewhere; ``scope`` is as Keystone's API has it.

        Raises:
            BffError: FORBIDDEN, the user has no role there; UNAUTHORIZED, the token has ended.
        """
        identity = Identity({"token": {"id": token}}, NO_ROLE)
        operation = Operation("change the scope")
        with _mapped({Code.NOT_FOUND: SESSION_ENDED}):
            issued = await self._issue(identity, scope, operation, request_id)
        if isinstance(issued, Receipt):
            raise BffError(*FACTORS_MISSING, **issued.data)
        return issued

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
        self, identity: Identity, scope: Any, operation: Operation, request_id: str
    ) -> Token | Receipt:
        """Return a new token, in a scope unless that is ``None``; or a receipt."""
        auth = {"identity": identity.to_keystone(), **({} if scope is None else {"scope": scope})}
        receipt = {} if identity.receipt is None else {RECEIPT: identity.receipt}
        reply = await self._issuer.call(
            "POST",
            await self._address("/auth/tokens", request_id),
            operation,
            ok=frozenset({201, 401}),
            headers={"Content-Type": "application/json", **ENGLISH, **receipt},
            body=orjson.dumps({"auth": auth}),
            request_id=request_id,
        )
        if reply.status == 401:
            return receipt_in(reply) or _refused(reply, operation, identity)
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


def _refused(reply: Reply, operation: Operation, identity: Identity) -> NoReturn:
    """Distinguish the refusals of an identity; Keystone's own message is never passed on."""
    data = details(reply.headers)
    body = json_object(reply.body)
    if "error" not in body:
        message = (
            f"Could not {operation.doing}: the answer 401 is not Keystone's own; its address may"
            " be wrong."
        )
        raise BffError(Code.BAD_GATEWAY, message, **data)
    text = _message_in(body)
    if text.startswith(_NO_METHOD):
        methods = ", ".join(identity.methods)
        raise BffError(Code.BAD_REQUEST, f"Keystone is not set to take this: {methods}.", **data)
    if identity.receipt is not None and text.startswith(_NO_RECEIPT):
        raise BffError(*SIGN_IN_EXPIRED, reason="SIGN_IN_EXPIRED", **data)
    if text.startswith(_EXPIRED):
        user_id = as_id(text.rpartition("for user: ")[2].removesuffix("."))
        if user_id is not None:
            data["userId"] = user_id
        raise BffError(*PASSWORD_EXPIRED, reason="PASSWORD_EXPIRED", **data)
    raise BffError(*identity.wrong, **data)


def _message_in(body: Mapping[str, Any]) -> str:
    error = body.get("error")
    text = error.get("message") if isinstance(error, dict) else None
    return text if isinstance(text, str) else ""


def _rule(reply: Reply, *passwords: str) -> str:
    """Return what Keystone says of a new password: one line, unless a password is in it."""
    text = " ".join(_message_in(json_object(reply.body)).split())
    if not text or any(_is_in(text, password) for password in passwords):
        return "Keystone's rules for passwords do not allow it."
    return text[:MAX_EXPLANATION]


def _is_in(text: str, password: str) -> bool:
    # As it is, and as Python and JSON quote it.
    spellings = (password, repr(password)[1:-1], json.dumps(password)[1:-1])
    return any(_has(text, " ".join(each.split())) for each in spellings)


def _has(text: str, word: str) -> bool:
    if len(word) >= _MIN_PART:
        return word in text
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def _read(model: type[M], reply: Reply) -> M:
    try:
        return model.model_validate(reply.json())
    except ValidationError:
        message = "Keystone answered something that is none of its documented answers."
        raise BffError(Code.BAD_GATEWAY, message) from None
