"""From calls to how each of them ended: requests, splits, retries and renewed credentials."""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from polaris_bff import wire
from polaris_bff.auth import Auth, is_header_value
from polaris_bff.effects import Block, Flow, Reply, Request, Sleep
from polaris_bff.errors import BffError
from polaris_bff.retry import Retry
from polaris_bff.version import USER_AGENT
from polaris_bff.wire import Call

# The server refuses a request of 16 MiB.
MAX_BODY = 8 * 1024 * 1024
# Refusals of a request with which fewer calls may do.
_TOO_MUCH: frozenset[str] = frozenset({"BAD_REQUEST", "PAYLOAD_TOO_LARGE"})
# In characters: a shorter token, as a test may have, would take letters out of what is no secret.
MIN_SECRET = 8
# They prove who is calling by themselves: UNAUTHORIZED there means a wrong secret.
WITH_SECRETS: frozenset[str] = frozenset({"auth.createUserSession", "auth.changePassword"})


@dataclass
class Core:
    """What the two clients have in common: who calls whom, and how.

    Args:
        url: The BFF's address; ``None`` takes the one of the catalog.
        project: The id of the project in which calls run that name none.
        timeout: Seconds until the answer to a request.
        max_answer: The most bytes of an answer.
        max_batch: The most calls in a request.
    """

    url: str | None
    auth: Auth
    project: str | None = None
    timeout: float = 60.0
    retry: Retry = field(default_factory=Retry)
    max_answer: int = 128 * 1024 * 1024
    max_batch: int = 100
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        if not 0.001 <= self.timeout < 1e9:
            raise ValueError("timeout must be a number of seconds")
        if self.project is not None and not is_header_value(self.project):
            raise ValueError("project must be a project's id")
        if self.url is not None:
            self.url = base_url(self.url)

    def new_call(self, name: str, params: dict[str, Any]) -> Call:
        """Return a call with an id of its own."""
        call = Call(next(self._ids), name, params)
        _ = call.text  # an input that cannot be written fails here, alone
        return call

    def one(self, name: str, params: dict[str, Any]) -> Flow[Any]:
        """Make one call; gives its result.

        Raises:
            BffError: it failed.
        """
        call = self.new_call(name, params)
        settled = yield from self.settle([call])
        outcome = settled[call.id]
        if isinstance(outcome, BffError):
            raise outcome
        return outcome

    def settle(self, calls: Sequence[Call]) -> Flow[dict[int, Any]]:
        """Make calls; gives the result or the ``BffError`` of each, by its id."""
        settled: dict[int, Any] = {}
        waiting = list(calls)
        for attempt in itertools.count(1):
            delays = []
            again = []
            for part in wire.parts(waiting, self.max_batch, MAX_BODY):
                settled.update((yield from self._exchange(part)))
                for call in part:
                    delay = self._delay(call, settled[call.id], attempt)
                    if delay is not None:
                        delays.append(delay)
                        again.append(call)
            waiting = again
            if not waiting:
                break
            yield Sleep(max(delays))
        return settled

    def _delay(self, call: Call, outcome: Any, attempt: int) -> float | None:
        if isinstance(outcome, BffError) and call.reads:
            return self.retry.delay(outcome, attempt)
        return None

    def _exchange(self, calls: Sequence[Call]) -> Flow[dict[int, Any]]:
        """Make calls once; those whose credentials have ended, once more with others."""
        settled, used = yield from self._attempt(calls, None)
        ended = [call for call in calls if _is(settled[call.id], "UNAUTHORIZED")]
        ended = [call for call in ended if call.name not in WITH_SECRETS]
        if ended and used and self.auth.renewable:
            settled |= (yield from self._attempt(ended, used))[0]
        # Together they read too much. Of others, nobody knows whether they have begun.
        large = [
            call for call in calls if call.reads and _is(settled[call.id], "PAYLOAD_TOO_LARGE")
        ]
        for call in large if len(calls) > 1 else []:
            settled |= (yield from self._attempt([call], None))[0]
        return settled

    def _attempt(
        self, calls: Sequence[Call], ended: Mapping[str, str] | None
    ) -> Flow[tuple[dict[int, Any], Mapping[str, str]]]:
        """Make calls with credentials other than ``ended``; gives those, too."""
        try:
            used = yield from self._credentials(calls, ended)
        except BffError as error:
            return {call.id: copy(error) for call in calls}, {}
        return (yield from self._request(calls, used)), used

    def _credentials(
        self, calls: Sequence[Call], ended: Mapping[str, str] | None
    ) -> Flow[Mapping[str, str]]:
        if any(call.name in WITH_SECRETS for call in calls):
            return {}
        return (yield from self.credentials(ended))

    def credentials(self, ended: Mapping[str, str] | None = None) -> Flow[Mapping[str, str]]:
        """Give the headers that say who is calling.

        Args:
            ended: Those that were refused; others are wanted.
        """
        return (yield from self.auth.headers(self, ended))

    def _request(
        self, calls: Sequence[Call], credentials: Mapping[str, str]
    ) -> Flow[dict[int, Any]]:
        body = wire.body_of(calls)
        headers = {"content-type": "application/json", "x-request-timeout": f"{self.timeout:.3f}"}
        try:
            reply = yield from self.send("rpc", {**headers, **credentials}, body)
        except BffError as error:
            return {call.id: copy(error) for call in calls}
        answers = wire.answers(reply, calls)
        most = _fewer(answers.whole, len(calls))
        if most is None:
            return answers.by_id
        if answers.whole and answers.whole.code == "BAD_REQUEST":
            self.max_batch = min(self.max_batch, most)
        settled: dict[int, Any] = {}
        for part in wire.parts(calls, most, MAX_BODY):
            settled.update((yield from self._request(part, credentials)))
        return settled

    def send(
        self, route: str, headers: Mapping[str, str], body: Any, timeout: float | None = None
    ) -> Flow[Reply]:
        """Send a request to a route below the prefix; gives its answer.

        Raises:
            BffError: there is no answer.
        """
        url = f"{(yield from self.base())}/{route}"
        common = {"user-agent": USER_AGENT, wire.REQUEST_ID: f"req-{uuid.uuid4()}"}
        project = {"x-project-id": self.project} if self.project else {}
        sent = {**common, **project, **headers}
        seconds = self.timeout if timeout is None else timeout
        try:
            reply: Reply = yield Request(url, sent, body, self.max_answer, seconds)
        except BffError as error:
            error.request_id = error.request_id or sent[wire.REQUEST_ID]
            raise
        self.auth.learn(reply)
        return replace(reply, body=_without(reply.body, self.auth.secrets()))

    def base(self) -> Flow[str]:
        """Give the BFF's address, which the catalog may have to tell.

        Raises:
            BffError: nobody says where it is.
        """
        if self.url is None:
            try:
                self.url = base_url((yield Block(self.auth.endpoint)))
            except ValueError as error:
                raise BffError("BAD_RESPONSE", f"The catalog has no address: {error}") from None
        return self.url


def _fewer(whole: BffError | None, count: int) -> int | None:
    """Return how many calls of a refused request to send together, ``None`` not to split it."""
    if whole is None or whole.code not in _TOO_MUCH or count == 1:
        return None
    said = re.search(r"at most (\d{1,6}) calls", whole.message)
    most = int(said[1]) if said else count // 2
    return most if 0 < most < count else count // 2


def _is(outcome: Any, code: str) -> bool:
    return isinstance(outcome, BffError) and outcome.code == code


def _without(body: bytes, secrets: Sequence[str]) -> bytes:
    """Return an answer without our secrets, which no server has a reason to repeat.

    One shorter than ``MIN_SECRET`` stays.
    """
    for secret in secrets:
        if len(secret) >= MIN_SECRET:
            body = body.replace(secret.encode(), b"***")
    return body


def base_url(url: str) -> str:
    """Return an address without what is at its end.

    Raises:
        ValueError: it is none, or holds a password, which messages would repeat.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("url must be the BFF's address, as https://cloud.example/polaris-bff")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("url must have no user, password, query or fragment")
    return url.rstrip("/").removesuffix("/rpc")
