"""The executor: a procedure, its caller and a raw input to the answer, whatever wire they came by.

What happens around every call is a list of interceptors. Each one gets the call and the rest of
the way, and may act before, after or instead of it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import reduce
from traceback import clear_frames
from typing import Any

import orjson
from pydantic_core import PydanticSerializationError

from bff import log_fields
from bff.errors import BffError, Code
from bff.rpc.audit_fields import fields_of
from bff.rpc.call_log import log_call, note_image, note_made
from bff.rpc.registry import Handler, Kind, Procedure
from bff.rpc.sharing import handler_in
from bff.rpc.validation import validated
from bff.server.deadline import Deadline
from bff.session.audit import AuditEntry
from bff.session.caller import Caller
from schemas.json import Buffer, Json


@dataclass(slots=True)
class Call:
    """One call of a procedure.

    Args:
        raw: The input as the wire read it, not validated yet.
        soft: A failure answers ``null`` or ``false`` instead of an error.
        deadline: What ends the call besides its own deadline.
        count: Told how many bytes were read for the call, and may raise to end it.
    """

    procedure: Procedure
    caller: Caller
    raw: Any
    soft: bool
    deadline: Deadline
    count: Callable[[int], None]

    def seconds_left(self) -> float:
        """Return how long the call may take from now on."""
        return self.deadline.seconds_left(self.caller.cloud.settings.call_timeout)


# Of a call's deadline: what it may spend on waiting for its turn.
QUEUE_SHARE = 0.5

Step = Callable[[Call], Awaitable[Buffer]]
Interceptor = Callable[[Call, Step], Awaitable[Buffer]]


async def run(
    procedure: Procedure,
    caller: Caller,
    raw: Any,
    *,
    soft: bool = False,
    deadline: Deadline | None = None,
    count: Callable[[int], None] = lambda _size: None,
) -> Buffer:
    """Return the answer of one call as JSON text, bytes or a view of some; see ``Call``.

    Raises:
        BffError: why it failed; nothing else but the call's own cancellation gets out of here.
    """
    return await _run(Call(procedure, caller, raw, soft, deadline or Deadline(), count))


async def soft_mode(call: Call, proceed: Step) -> Buffer:
    """Answer in place of a failure, if the caller asked for that."""
    try:
        return await proceed(call)
    except BffError:
        if not call.soft:
            raise
        return orjson.dumps(call.procedure.soft_answer)


async def traced(call: Call, proceed: Step) -> Buffer:
    """Have a span for the call, where there are traces."""
    with call.caller.cloud.tracer.call(call.procedure.name):
        return await proceed(call)


async def observed(call: Call, proceed: Step) -> Buffer:
    """Tell the metrics how the call really ends, and after how long."""
    observer, started = call.caller.cloud.observer, time.perf_counter()
    code: str = "OK"
    observer.call_began()
    try:
        return await proceed(call)
    except (BffError, asyncio.CancelledError) as failure:
        code = _outcome(call, failure).code.label
        raise
    finally:
        observer.call_ended(call.procedure.name, code, time.perf_counter() - started)


async def audit(call: Call, proceed: Step) -> Buffer:
    """Leave a line of each change, and of each attempt at one, however it ends."""
    procedure = call.procedure
    if procedure.kind is Kind.QUERY:
        return await proceed(call)
    entry = AuditEntry.begin(call.caller, procedure.name)
    answer: Buffer | None = None
    outcome: BffError | None = None
    try:
        answer = await proceed(call)
    except (BffError, asyncio.CancelledError) as failure:
        outcome = _outcome(call, failure)
        raise
    finally:
        entry.write(outcome, **fields_of(procedure, call.raw, answer))
    return answer


async def log_line(call: Call, proceed: Step) -> Buffer:
    """Write one line, however the call ends."""
    started = time.perf_counter()
    log_fields.bind(procedure=call.procedure.name)
    outcome: BffError | None = None
    try:
        return await proceed(call)
    except (BffError, asyncio.CancelledError) as failure:
        outcome = _outcome(call, failure)
        raise
    finally:
        log_call(outcome, started, soft=call.soft)


async def client_errors(call: Call, proceed: Step) -> Buffer:
    """Turn whatever was raised into the error for the client."""
    try:
        return await proceed(call)
    except (Exception, asyncio.CancelledError) as failure:
        if _is_cancelled(failure):
            raise
        error = call.caller.to_client_error(failure, _log_event(failure))
        # Retries keep the exception in a reference cycle, and its frames hold what was read.
        clear_frames(failure.__traceback__)
        raise error from None


async def deadline(call: Call, proceed: Step) -> Buffer:
    """End the call when its time is over, or when the server is stopped."""
    seconds = call.seconds_left()

    def timeout_error() -> BffError:
        message = f"{call.procedure.name} took longer than {seconds:.3g} seconds."
        return BffError(Code.TIMEOUT, message)

    with call.deadline.within(seconds, timeout_error):
        return await proceed(call)


# From the outside to the inside.
INTERCEPTORS: tuple[Interceptor, ...] = (
    soft_mode,
    traced,
    observed,
    audit,
    log_line,
    client_errors,
    deadline,
)


async def _handle(call: Call) -> Buffer:
    procedure, caller = call.procedure, call.caller
    if caller.credentials_error is not None:
        raise caller.credentials_error
    try:
        params = validated(procedure.input, call.raw)
    except BffError:
        await _check_session(call)
        raise
    note_image(params)
    key = caller.key
    async with _turn(call, key):
        context = await procedure.access.enter(caller, params.project_id, call.count)
        was_known = caller.key == key
        if was_known:
            result = await _handler(call)(context, params)
    if not was_known:
        # Another turn: who is known by a token from here on shares its address' turns no more.
        async with _turn(call, caller.key):
            result = await _handler(call)(context, params)
    note_made(procedure, params, result)
    if isinstance(result, Json):
        text: Buffer = result.text
        return text
    return procedure.output.dump_json(result)


async def _check_session(call: Call) -> None:
    """Have nobody told what is wrong with an input who may not call the procedure at all.

    Of a caller whose token is known, nothing is asked.

    Raises:
        BffError: UNAUTHORIZED, there is no valid session; why it cannot be looked at.
    """
    caller = call.caller
    if Code.UNAUTHORIZED not in call.procedure.access.access_errors:
        return
    caller.signed_in()
    if caller.known_user() is not None:
        return
    async with _turn(call, caller.key):
        try:
            await caller.token()
        except BffError as error:
            # It is a session, in a project that is not its own any more.
            if error.code is not Code.FORBIDDEN:
                raise


def _handler(call: Call) -> Handler:
    batch = call.caller.batch
    return call.procedure.handler if batch is None else handler_in(batch, call.procedure, call.raw)


def _outcome(call: Call, failure: BffError | asyncio.CancelledError) -> BffError:
    """Return how a call ended: a cancelled one, for why it was."""
    return failure if isinstance(failure, BffError) else call.deadline.cancellation_error()


def _turn(call: Call, key: str) -> AbstractAsyncContextManager[None]:
    """Wait for one of the caller's turns: callers take turns, and each has a bounded number."""
    cloud = call.caller.cloud
    share = call.seconds_left() * QUEUE_SHARE
    patience = min(cloud.settings.queue_timeout, share)
    return cloud.calls.hold(key, patience, own_patience=share)


def _around(inner: Step, interceptor: Interceptor) -> Step:
    return lambda call: interceptor(call, inner)


def _chain(interceptors: Sequence[Interceptor], innermost: Step) -> Step:
    return reduce(_around, reversed(interceptors), innermost)


_run = _chain(INTERCEPTORS, _handle)


def _is_cancelled(failure: BaseException) -> bool:
    """Return whether the call itself was cancelled, and not something that it waited for."""
    task = asyncio.current_task()
    return (
        isinstance(failure, asyncio.CancelledError) and task is not None and task.cancelling() > 0
    )


def _log_event(failure: BaseException) -> str:
    if isinstance(failure, PydanticSerializationError):
        return "a result cannot be written as JSON"
    return "a handler failed"
