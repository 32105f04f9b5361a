"""Sessions: which token a caller works with, looked up at Keystone as seldom as is safe."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import cached_property
from time import monotonic
from typing import Any, TypeAlias

import structlog
from cachetools import LRUCache, TTLCache

from bff.errors import BffError, Code
from bff.openstack.identity import Identity, Receipt, with_password
from bff.openstack.keystone import SESSION_ENDED, Keystone, Token
from bff.session.cache import SingleFlightCache
from schemas.keystone import ProjectBody, ProjectKey, Scope, TokenBody, UserKey

# A rescoped token is not handed out in its last seconds, in which a call might outlive it.
EXPIRY_MARGIN_SECONDS = 30
# How long, and of how many tokens, it is remembered that Keystone knows them to be none.
ENDED_SECONDS = 5
MAX_ENDED = 10_000
# How long the last revocations may take when the server stops.
DRAIN_SECONDS = 1
# In seconds. Keystone compares when tokens were issued, and when a password changed, by the second.
SAME_SECOND = 1

log = structlog.get_logger("bff.session.sessions")


@dataclass(frozen=True)
class ExpectedSession:
    """The session that a caller believes to have; ``None`` where it does not say.

    A page goes on showing a user and a project after another tab has changed them.
    """

    user_id: str | None = None
    scope: Scope | None = None

    def check(self, user_id: str, scope: Scope) -> None:
        """Check that the session is still that one.

        Raises:
            BffError: SESSION_CHANGED, it is not; whose it is now is not said.
        """
        if self.user_id not in (None, user_id):
            message = (
                "This session is another user's than X-Session-User says: somebody else has signed"
                " in. Nothing was done; load the page again."
            )
            raise BffError(Code.SESSION_CHANGED, message)
        if self.scope not in (None, scope):
            message = (
                "This session works in another project or domain than X-Session-Scope says."
                " Nothing was done; choose the project again, or load the page again."
            )
            raise BffError(Code.SESSION_CHANGED, message)


@dataclass(frozen=True)
class Credentials:
    """What a caller authenticates with: a token, and the scope to use it in.

    Args:
        token: The caller's own token; for a session, its unscoped root.
        scope: Where to work; ``None`` leaves the token as it is.
        from_cookie: Whether a browser sent it by itself, so that its origin must be checked.
        session_scope: Where the session works, whatever this request asks for; ``None`` where
            the token itself says so.
        expected: The session that these credentials must belong to.
    """

    token: str = field(repr=False)
    scope: Scope | None = None
    from_cookie: bool = False
    session_scope: Scope | None = None
    expected: ExpectedSession = ExpectedSession()

    @cached_property
    def fingerprint(self) -> str:
        """The token's hash, by which this process knows it."""
        return _fingerprint(self.token)

    def check(self, token: TokenBody) -> None:
        """Check what the caller's own token stands for against what the caller expects.

        Raises:
            BffError: SESSION_CHANGED, it is another session.
        """
        self.expected.check(token.user.id, self.session_scope or token.scope)

    def is_expected(self, token: TokenBody) -> bool:
        """Return whether ``check`` finds nothing."""
        try:
            self.check(token)
        except BffError:
            return False
        return True


# A session that has just begun, and the token of where it works.
SignedIn: TypeAlias = tuple[Credentials, Token]


class Sessions:
    """Validated and rescoped tokens of this process.

    Validations hold for ``cache_seconds`` at most; rescoped tokens are kept until they expire,
    but are given out only under a valid validation of the token that they come from. Keys are
    hashes; nothing here is ever written anywhere.
    """

    def __init__(self, keystone: Keystone, cache_seconds: float, cache_size: int) -> None:
        self._keystone = keystone
        # Whether it was to be revoked, too: nothing less saves Keystone that request.
        self._ended: TTLCache[str, bool] = TTLCache(MAX_ENDED, ENDED_SECONDS, monotonic)
        self._valid: SingleFlightCache[str, Token] = SingleFlightCache(
            cache_size,
            lambda token: min(time.time() + cache_seconds, _expiry(token)),
            time.time,
        )
        self._rescoped: SingleFlightCache[tuple[str, Scope], Token] = SingleFlightCache(
            cache_size, lambda token: _expiry(token) - EXPIRY_MARGIN_SECONDS, time.time
        )
        # The scopes of each token, by its hash: any request with an invalid token makes it be
        # forgotten, and a search through a full cache would block the event loop.
        self._scopes: LRUCache[str, set[Scope]] = LRUCache(cache_size)
        # asyncio holds only weak references to tasks.
        self._tasks: set[asyncio.Task[None]] = set()

    async def token(self, credentials: Credentials, request_id: str) -> Token:
        """Return a valid token in the requested scope.

        Raises:
            BffError: UNAUTHORIZED, the caller's token has ended; FORBIDDEN, it may not go there;
                SESSION_CHANGED, it is not the session that the caller expects.
        """
        caller_token = await self._caller_token(credentials, request_id)
        scope = credentials.scope
        if scope is None or scope == caller_token.body.scope:
            return caller_token
        key = (credentials.fingerprint, scope)
        # It is used now, so that it stays as long as its rescoped tokens.
        self._scopes.get(credentials.fingerprint)
        return await self._rescoped.get(key, lambda: self._rescope(caller_token, key, request_id))

    def known_token(self, credentials: Credentials, caller_token: Token) -> Token | None:
        """Return what ``token`` does, if that takes no request; raises as it does.

        Args:
            caller_token: The caller's own.
        """
        credentials.check(caller_token.body)
        scope = credentials.scope
        if scope is None or scope == caller_token.body.scope:
            return caller_token
        self._scopes.get(credentials.fingerprint)  # it is used now
        return self._rescoped.peek((credentials.fingerprint, scope))

    @property
    def remembered(self) -> int:
        """How many tokens are known to be valid at the moment."""
        return len(self._valid)

    def cached_token(self, credentials: Credentials) -> Token | None:
        """Return the caller's own token if its validation is remembered."""
        return self._valid.peek(credentials.fingerprint)

    async def sign_in(
        self,
        identity: Identity,
        project: ProjectKey | None,
        request_id: str,
        *,
        attempt: AbstractAsyncContextManager[None],
    ) -> SignedIn | Receipt:
        """Start a session; without a project it has none yet, unless the identity has one.

        Args:
            attempt: What is around the request that tells whether a secret is right; it is left
                as that request ends, also when the caller has gone.

        Returns:
            The session; or a receipt, when the user's rules ask for more.

        Raises:
            BffError: as ``Keystone.sign_in``; FORBIDDEN, no role in the project.
        """
        root = await self._issued(identity, request_id, attempt)
        if isinstance(root, Receipt):
            return root
        self._ended.pop(_fingerprint(root.secret), None)
        try:
            token = await self._in_project(root, project, request_id)
        except asyncio.CancelledError:
            self._run_in_background(self._discard(root.secret, request_id))
            raise
        except Exception:
            await self.discard(root.secret, request_id)
            raise
        return _signed_in(root, token)

    async def _issued(
        self, identity: Identity, request_id: str, attempt: AbstractAsyncContextManager[None]
    ) -> Token | Receipt:
        """Sign in; a token that comes after its caller has gone is revoked."""

        async def attempt_to_sign_in() -> Token | Receipt:
            async with attempt:
                return await self._keystone.sign_in(identity, request_id)

        signing_in = asyncio.create_task(attempt_to_sign_in())
        try:
            return await asyncio.shield(signing_in)
        except asyncio.CancelledError:
            # Keystone may still issue the token.
            self._run_in_background(self._discard_when_issued(signing_in, request_id))
            raise

    async def sign_in_with_token(
        self,
        secret: str,
        project: ProjectKey | None,
        request_id: str,
        *,
        attempt: AbstractAsyncContextManager[None],
    ) -> SignedIn:
        """Make a session of a token that was issued elsewhere; see ``sign_in``."""
        async with attempt:
            root = await self._validated(secret, request_id)
        return _signed_in(root, await self._in_project(root, project, request_id))

    async def change_password(
        self,
        user: UserKey,
        password: str,
        new_password: str,
        request_id: str,
        *,
        attempt: AbstractAsyncContextManager[None],
    ) -> None:
        """Change a password; it goes on when the caller goes away.

        Keystone ends all tokens of the user, those of the same second too: it returns when a new
        one lasts.

        Raises:
            BffError: as ``Keystone.change_password``.
        """

        async def attempt_to_change() -> None:
            async with attempt:
                user_id = user.id or await self._user_id(user, password, request_id)
                await self._keystone.change_password(user_id, password, new_password, request_id)

        await asyncio.shield(self._run_in_background(attempt_to_change()))
        await asyncio.sleep(SAME_SECOND)

    async def _user_id(self, user: UserKey, password: str, request_id: str) -> str:
        """Return the id of a user whose password is right, though it may have expired."""
        try:
            known = await self._keystone.sign_in(with_password(user, password), request_id)
        except BffError as error:
            if error.data.get("reason") != "PASSWORD_EXPIRED":
                raise
            user_id = error.data.get("userId")
        else:
            user_id = known.user_id if isinstance(known, Receipt) else known.body.user.id
            if isinstance(known, Token):
                await self._discard(known.secret, request_id)
        if user_id is None:
            raise BffError(Code.BAD_GATEWAY, "Keystone does not say the user's id: give userId.")
        return str(user_id)

    async def _in_project(self, root: Token, project: ProjectKey | None, request_id: str) -> Token:
        """Return a token for where a session is to begin."""
        if project is None or (root.body.project and root.body.project.id == project.id):
            return root
        _check_may_move(root)
        scope = project.to_keystone(root.body.user.domain.id)
        return await self._keystone.rescope(root.secret, scope, request_id)

    async def drain(self) -> None:
        """Wait a moment for the revocations that run in the background."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=DRAIN_SECONDS)

    async def discard(self, token: str, request_id: str) -> None:
        """Revoke a new token that nobody will use; a failure is only logged."""
        await asyncio.shield(self._run_in_background(self._discard(token, request_id)))

    async def projects(self, credentials: Credentials, request_id: str) -> list[ProjectBody]:
        """Return the projects in which the caller may work."""
        caller_token = await self._caller_token(credentials, request_id)
        own = caller_token.body.project
        if caller_token.body.application_credential and own:
            # Keystone lists all of the user's, and its access rules may leave out the list.
            return [ProjectBody(id=own.id, name=own.name, domain_id=own.domain.id)]
        return await self._keystone.projects(caller_token.secret, request_id)

    async def sign_out(self, credentials: Credentials, request_id: str) -> None:
        """Revoke the caller's token, and with it every token that was rescoped from it.

        It is forgotten here too, however Keystone answers and whether or not the caller waits.

        Raises:
            BffError: SESSION_CHANGED, it is not the session that the caller expects.
        """
        if credentials.expected != ExpectedSession():
            await self._check_expected(credentials, request_id)
        await asyncio.shield(self._run_in_background(self._end(credentials, request_id)))

    def forget(self, credentials: Credentials) -> None:
        """Ask Keystone again at the next call: something refused the caller's token."""
        fingerprint = credentials.fingerprint
        self._valid.drop([fingerprint])
        pending = [key for key in self._rescoped.pending if key[0] == fingerprint]
        scopes = self._scopes.pop(fingerprint, ())
        self._rescoped.drop([*pending, *((fingerprint, scope) for scope in scopes)])

    async def _caller_token(self, credentials: Credentials, request_id: str) -> Token:
        caller_token = await self._validated(credentials.token, request_id)
        credentials.check(caller_token.body)
        return caller_token

    async def _check_expected(self, credentials: Credentials, request_id: str) -> None:
        try:
            await self._caller_token(credentials, request_id)
        except BffError as error:
            # Signing out of a session that has ended is no error.
            if error.code is not Code.UNAUTHORIZED:
                raise

    async def _end(self, credentials: Credentials, request_id: str) -> None:
        try:
            if not self._ended.get(credentials.fingerprint):
                await self._keystone.revoke(credentials.token, request_id)
                self._ended[credentials.fingerprint] = True
        finally:
            # Not before: until it is revoked, another call may look it up and keep it again.
            self.forget(credentials)

    async def _discard_when_issued(
        self, signing_in: asyncio.Task[Token | Receipt], request_id: str
    ) -> None:
        try:
            root = await signing_in
        except BffError:
            return
        if isinstance(root, Token):
            await self._discard(root.secret, request_id)

    async def _discard(self, token: str, request_id: str) -> None:
        try:
            await self._keystone.revoke(token, request_id)
        except BffError as failure:
            log.warning("an unused token could not be revoked", error=failure.message)

    def _run_in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begin something that goes on when the caller goes away."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved, or asyncio would log it as never retrieved

    async def _rescope(self, caller_token: Token, key: tuple[str, Scope], request_id: str) -> Token:
        fingerprint, scope = key
        _check_may_move(caller_token)
        token = await self._keystone.rescope(
            caller_token.secret, _keystone_scope(scope), request_id
        )
        if token.body.user.id != caller_token.body.user.id or token.body.scope != scope:
            # The answer to another request: a token of somebody else must not be used.
            message = "Keystone's new token has another user or scope than requested; retry later."
            raise BffError(Code.BAD_GATEWAY, message)
        self._scopes.setdefault(fingerprint, set()).add(scope)
        return token

    async def _validated(self, secret: str, request_id: str) -> Token:
        return await self._valid.get(
            _fingerprint(secret), lambda: self._validate(secret, request_id)
        )

    async def _validate(self, secret: str, request_id: str) -> Token:
        """Ask Keystone, unless it has just said that this is no token: anybody can make up many."""
        fingerprint = _fingerprint(secret)
        if fingerprint in self._ended:
            raise BffError(*SESSION_ENDED)
        try:
            return await self._keystone.validate(secret, request_id)
        except BffError as error:
            if error.code is Code.UNAUTHORIZED:
                self._ended[fingerprint] = False
            raise


def _signed_in(root: Token, token: Token) -> SignedIn:
    return Credentials(root.secret, token.body.scope, from_cookie=True), token


def _check_may_move(token: Token) -> None:
    """Check that a token can be exchanged for one of another scope.

    Raises:
        BffError: FORBIDDEN, it cannot.
    """
    if token.body.application_credential is not None:
        message = "An application credential works in its own project alone."
        raise BffError(Code.FORBIDDEN, message)


def _fingerprint(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _expiry(token: Token) -> float:
    return token.body.expires_at.timestamp()


def _keystone_scope(scope: Scope) -> Any:
    return scope.kind if scope.id is None else {scope.kind: {"id": scope.id}}
