"""The ways to sign in at Keystone: what each sends, and what its refusal means.

Source: Identity API v3, "Authentication and token management", "Multi-Factor Authentication" and
"Application Credentials"; what a real Keystone 30 answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bff.errors import Code
from bff.openstack.exchange import Reply
from bff.openstack.failure import details, json_object
from schemas.base import ID_PATTERN
from schemas.keystone import UserKey

RECEIPT = "Openstack-Auth-Receipt"
TOTP = "totp"
# Beyond it no receipt is kept; a Fernet one has 119 characters. It is sent back in a header.
MAX_RECEIPT = 2048
# What a program is told of methods, whatever Keystone's rules are.
MAX_METHODS = 10
_METHOD = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_VISIBLE = re.compile(r"[\x21-\x7e]+")

# The code and the message of an error.
ErrorParts = tuple[Code, str]
WRONG_CREDENTIALS: ErrorParts = (
    Code.UNAUTHORIZED,
    "Wrong user, password or domain, or the user is disabled or locked.",
)
WRONG_WITH_PASSCODE: ErrorParts = (
    Code.UNAUTHORIZED,
    "Wrong user, password, passcode or domain, or the user is disabled or locked.",
)
WRONG_PASSCODE: ErrorParts = (
    Code.UNAUTHORIZED,
    "Wrong passcode, or the user is disabled or locked: give the one that is shown now.",
)
WRONG_APPLICATION_CREDENTIAL: ErrorParts = (
    Code.UNAUTHORIZED,
    "Wrong application credential or secret, or it has expired, or its user is disabled.",
)


@dataclass(frozen=True)
class Identity:
    """With what somebody signs in.

    Args:
        methods: What each of Keystone's methods is given, by its name.
        wrong: The error for a plain refusal: some part is wrong, and Keystone does not say which.
        receipt: Keystone's word that an earlier factor was right.
        has_scope: Whether it brings its scope along, so that none may be asked for.
    """

    methods: Mapping[str, Any] = field(repr=False)
    wrong: ErrorParts = WRONG_CREDENTIALS
    receipt: str | None = field(default=None, repr=False)
    has_scope: bool = False

    def to_keystone(self) -> dict[str, Any]:
        """Return it as Keystone's API has it."""
        return {"methods": [*self.methods], **self.methods}


def with_password(user: UserKey, password: str, passcode: str | None = None) -> Identity:
    """Return an identity of one factor, or of two at once."""
    methods = {"password": {"user": {**user.to_keystone(), "password": password}}}
    if passcode is None:
        return Identity(methods)
    return Identity(methods | _totp(user, passcode), WRONG_WITH_PASSCODE)


def with_passcode(user: UserKey, passcode: str, receipt: str | None) -> Identity:
    """Return the second factor of somebody whose first was right."""
    return Identity(_totp(user, passcode), WRONG_PASSCODE, receipt)


def with_application_credential(
    secret: str, *, credential_id: str | None, name: str | None, user: UserKey
) -> Identity:
    """Return an identity of an application credential: by its id, or by its name and user."""
    given: dict[str, Any] = {"id": credential_id} if name is None else {"name": name}
    if name is not None:
        given["user"] = user.to_keystone()
    methods = {"application_credential": {**given, "secret": secret}}
    return Identity(methods, WRONG_APPLICATION_CREDENTIAL, has_scope=True)


def _totp(user: UserKey, passcode: str) -> dict[str, Any]:
    return {TOTP: {"user": {**user.to_keystone(), "passcode": passcode}}}


@dataclass(frozen=True)
class Receipt:
    """Keystone's word that what was given is right, and that the user's rules ask for more.

    Args:
        secret: What proves it; ``None`` where it could not be sent back.
        methods: Each of these would be enough besides.
        user_id: Whose it is, if Keystone says so.
        data: Members of an error's ``data`` that the answer gives.
    """

    secret: str | None = field(repr=False)
    methods: tuple[str, ...]
    user_id: str | None
    data: Mapping[str, Any]


def receipt_in(reply: Reply) -> Receipt | None:
    """Return the receipt of a refusal; ``None`` where it asks for no other factor."""
    body = json_object(reply.body)
    if RECEIPT not in reply.headers and "required_auth_methods" not in body:
        return None
    secret = reply.headers.get(RECEIPT, "")
    is_usable = len(secret) <= MAX_RECEIPT and _VISIBLE.fullmatch(secret)
    receipt = body.get("receipt")
    known = receipt if isinstance(receipt, dict) else {}
    user = known.get("user")
    return Receipt(
        secret if is_usable else None,
        _missing(known.get("methods"), body.get("required_auth_methods")),
        as_id(user.get("id")) if isinstance(user, dict) else None,
        details(reply.headers),
    )


def _missing(given: Any, rules: Any) -> tuple[str, ...]:
    """Return the methods of which each completes one of the user's rules, in their order."""
    done = {*_methods(given)} or {"password"}
    lacking = [
        [one for one in _methods(rule) if one not in done]
        for rule in (rules if isinstance(rules, list) else [])
    ]
    return tuple(dict.fromkeys(rule[0] for rule in lacking if len(rule) == 1))[:MAX_METHODS]


def _methods(value: Any) -> list[str]:
    names = value if isinstance(value, list) else []
    return [name for name in names if isinstance(name, str) and _METHOD.fullmatch(name)]


def as_id(value: Any) -> str | None:
    """Return an id of Keystone's, if it has the form of one."""
    return value if isinstance(value, str) and re.fullmatch(ID_PATTERN, value) else None
