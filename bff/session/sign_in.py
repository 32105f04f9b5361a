"""Signing in, whichever way, and changing a password: what is sent, counted, kept and told.

Every way passes the guard, and binds who was named to the log lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from bff import log_fields
from bff.errors import BffError, Code
from bff.logs import printable
from bff.openstack.identity import (
    TOTP,
    Identity,
    Receipt,
    with_application_credential,
    with_passcode,
    with_password,
)
from bff.openstack.keystone import SIGN_IN_EXPIRED
from bff.session.caller import Caller, note_user
from bff.session.receipt_cookie import RECEIPT_SECONDS, PendingSignIn
from bff.session.sessions import SignedIn
from schemas.auth import ChangePasswordInput, CreateUserSessionInput
from schemas.keystone import ProjectKey, TokenBody, UserKey

_RIGHT = "That is right so far, but this user's rules ask for a second factor"
_ASK = (
    f"{_RIGHT}: give the passcode alone within {RECEIPT_SECONDS} seconds, in the same browser; or"
    " user, password and passcode together."
)
_ASK_AT_ONCE = f"{_RIGHT}: give user, password and passcode together."
_ASK_ELSEWHERE = (
    f"{_RIGHT}, which cannot be given here: get a token elsewhere, with all factors, and sign in"
    " with that."
)
WRONG_TOKEN = "Keystone does not know this token, or it has ended."  # noqa: S105  # a message


async def sign_in(caller: Caller, params: CreateUserSessionInput) -> TokenBody:
    """Start a session and have the browser keep it.

    Raises:
        BffError: TOO_MANY_REQUESTS, see ``SignInGuard``; UNAUTHORIZED, with a ``reason`` where a
            program can go on; as ``Sessions.sign_in`` and ``SessionCookie.set``; no new token is
            left then.
    """
    caller.begin_sign_in()
    if params.token is not None:
        signed_in = await _with_token(caller, params, params.token)
    else:
        signed_in = await _with_secret(caller, params)
    credentials, token = signed_in
    try:
        caller.keep_session(credentials, token)
    except BffError:
        if params.token is None:
            await caller.cloud.sessions.discard(credentials.token, caller.request_id)
        raise
    _forget_receipt(caller)
    # Also where an id, a credential or a token was given.
    user = token.body.user
    _note({"user_name": user.name, "user_domain": user.domain.name})
    return note_user(token).body


async def change_password(caller: Caller, params: ChangePasswordInput) -> None:
    """Change a user's password; the caller's own session is looked at anew.

    Raises:
        BffError: TOO_MANY_REQUESTS, see ``SignInGuard``; as ``Sessions.change_password``.
    """
    caller.begin_sign_in()
    user = params.user_key
    _note(_named(user))
    await caller.cloud.sessions.change_password(
        user,
        params.password.get_secret_value(),
        params.new_password.get_secret_value(),
        caller.request_id,
        attempt=caller.cloud.guard.attempt(user.parts, caller.address),
    )
    caller.forget_token()


async def _with_token(caller: Caller, params: CreateUserSessionInput, token: SecretStr) -> SignedIn:
    attempt = caller.cloud.guard.attempt((), caller.address)
    try:
        return await caller.cloud.sessions.sign_in_with_token(
            token.get_secret_value(), params.project_key, caller.request_id, attempt=attempt
        )
    except BffError as error:
        if error.code is not Code.UNAUTHORIZED:
            raise
        raise BffError(error.code, WRONG_TOKEN, **error.data) from None


async def _with_secret(caller: Caller, params: CreateUserSessionInput) -> SignedIn:
    way = _way(caller, params)
    _note(way.named)
    attempt = caller.cloud.guard.attempt(way.parts, caller.address)
    outcome = await caller.cloud.sessions.sign_in(
        way.identity, way.project, caller.request_id, attempt=attempt
    )
    if isinstance(outcome, Receipt):
        raise _second_factor(caller, way, outcome)
    return outcome


@dataclass(frozen=True)
class _Way:
    """One way to sign in.

    Args:
        parts: What tells the user from others, for the guard.
        named: The same for log lines.
        user: Who may give a second factor afterwards.
    """

    identity: Identity
    parts: tuple[str, ...]
    named: Mapping[str, str]
    user: UserKey | None = None
    project: ProjectKey | None = None


def _way(caller: Caller, params: CreateUserSessionInput) -> _Way:
    user = params.user_key
    if params.application_credential_secret is not None:
        return _application_credential(params, params.application_credential_secret)
    if params.password is not None:
        passcode = _text(params.passcode)
        identity = with_password(user, params.password.get_secret_value(), passcode)
        return _Way(identity, user.parts, _named(user), user, params.project_key)
    pending = caller.cloud.receipts.open(caller.sealed_receipt)
    if pending is None:
        _forget_receipt(caller)
        raise BffError(*SIGN_IN_EXPIRED, reason="SIGN_IN_EXPIRED")
    user = pending.user
    identity = with_passcode(user, _text(params.passcode) or "", pending.receipt)
    return _Way(identity, user.parts, _named(user), user, pending.project)


def _application_credential(params: CreateUserSessionInput, secret: SecretStr) -> _Way:
    user, given = params.user_key, params.application_credential_id
    identity = with_application_credential(
        secret.get_secret_value(),
        credential_id=given,
        name=params.application_credential_name,
        user=user,
    )
    if given is None:
        # Whoever guesses at it has no more attempts than at the same user's password.
        return _Way(identity, user.parts, _named(user))
    return _Way(identity, ("application credential", given), {"application_credential": given})


def _second_factor(caller: Caller, way: _Way, receipt: Receipt) -> BffError:
    """Return the error that asks for it; the browser keeps the receipt, sealed."""
    message = _ASK_ELSEWHERE
    if TOTP in receipt.methods and way.user is not None:
        kept = _keep_receipt(caller, PendingSignIn(receipt.secret, way.user, way.project))
        message = _ASK if kept else _ASK_AT_ONCE
    return BffError(
        Code.UNAUTHORIZED,
        message,
        reason="SECOND_FACTOR_REQUIRED",
        methods=list(receipt.methods),
        **receipt.data,
    )


def _keep_receipt(caller: Caller, pending: PendingSignIn) -> bool:
    receipts = caller.cloud.receipts
    cookie = receipts.set(pending)
    if cookie is None:
        return False
    caller.set_cookies[receipts.name] = cookie
    return True


def _forget_receipt(caller: Caller) -> None:
    if caller.sealed_receipt is not None:
        receipts = caller.cloud.receipts
        caller.set_cookies[receipts.name] = receipts.clear()


def _text(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _named(user: UserKey) -> dict[str, str]:
    if user.id is not None:
        return {"user_id": user.id}
    name, domain = user.parts
    return {"user_name": name, "user_domain": domain}


def _note(named: Mapping[str, str]) -> None:
    log_fields.bind(**{field: printable(name) for field, name in named.items()})
