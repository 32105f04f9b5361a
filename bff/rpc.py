"""JSON-RPC 2.0: bytes to calls to answers. jsonrpcserver does the single call, this does the rest.

What jsonrpcserver 5.0.9 would do differently from the specification, and why each element of a
batch is dispatched on its own, is in ``docs/architecture.md``, Decisions.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
import structlog
from jsonrpcserver import Error, Result, Success
from jsonrpcserver.async_main import dispatch_to_response
from jsonrpcserver.utils import identity
from pydantic_core import PydanticSerializationError

from bff.context import Caller
from bff.errors import BffError, Code, to_wire
from bff.registry import Procedure, Registry
from bff.settings import Settings
from bff.validation import validated
from schemas.json import Json

LONGEST_PATH = 100
# A value of two bytes becomes an object of sixty-four.
MOST_VALUES = 500_000
# In bytes: a small batch may ask for a large list a hundred times.
MOST_ANSWERED = 64 * 1024 * 1024
BOM = b"\xef\xbb\xbf"

Method = Callable[[Caller, Any], Awaitable[Result]]
_ABSENT = object()
log = structlog.get_logger("bff.rpc")


@dataclass
class _Room:
    """What the calls of a batch share: how many run at a time, and how much was answered."""

    turns: AbstractAsyncContextManager[Any]
    answered: int = 0


class Rpc:
    """Answers JSON-RPC requests with the procedures of a registry, and with JSON-RPC's own."""

    def __init__(self, registry: Registry, settings: Settings, *own: Procedure) -> None:
        self._registry = registry
        self._settings = settings
        self._methods = {
            soft: _Methods(partial(self._run, soft=soft), self._unknown, [*registry.values(), *own])
            for soft in (False, True)
        }

    async def answer(self, body: bytes, caller: Caller, *, soft: bool = False) -> bytes | None:
        """Return the answer to a body, or ``None`` when there is nothing to answer.

        Args:
            soft: A failing procedure answers ``null`` or ``false`` instead of an error.
        """
        try:
            parsed = _parse(body)
            if isinstance(parsed, list):
                return await self._batch(parsed, caller, soft)
        except BffError as error:
            return refused(error, caller.request_id)
        return await self._one(parsed, caller, soft, _Room(nullcontext()))

    async def _batch(self, elements: list[Any], caller: Caller, soft: bool) -> bytes | None:
        if not elements:
            raise BffError(Code.BAD_REQUEST, "Invalid Request: the batch is empty.")
        most = self._settings.max_batch
        if len(elements) > most:
            message = f"Invalid Request: a batch has at most {most} calls; split it."
            raise BffError(Code.BAD_REQUEST, message)
        room = _Room(asyncio.Semaphore(self._settings.batch_concurrency))
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._one(element, caller, soft, room)) for element in elements
            ]
        answers = [answer for task in tasks if (answer := task.result()) is not None]
        return b"[" + b",".join(answers) + b"]" if answers else None

    async def _one(self, element: Any, caller: Caller, soft: bool, room: _Room) -> bytes | None:
        fault = _fault(element)
        if fault is not None:
            return refused(
                BffError(Code.BAD_REQUEST, f"Invalid Request: {fault}."),
                caller.request_id,
                _usable_id(element),
            )
        call = {**element, "params": [_input(element.get("params"))]}
        async with room.turns:
            if room.answered > MOST_ANSWERED:
                return _not_begun(element, caller)
            response: Any = await dispatch_to_response(
                call,  # type: ignore[arg-type]  # the deserializer below takes it as it is
                self._methods[soft],
                context=caller,
                deserializer=identity,
                validator=identity,
            )
            answer = None if response is None else _encode(response)
            room.answered += len(answer or b"")
        return answer

    async def _run(self, procedure: Procedure, caller: Caller, raw: Any, *, soft: bool) -> Result:
        """Run one call to its answer; nothing but a cancellation gets out of here."""
        started = time.perf_counter()
        structlog.contextvars.bind_contextvars(procedure=procedure.name)
        outcome: BffError | None = None
        try:
            async with asyncio.timeout(self._settings.call_timeout):
                return Success(await self._result(procedure, caller, raw))
        except asyncio.CancelledError:
            outcome = BffError(Code.CLIENT_CLOSED_REQUEST, "The client went away.")
            raise
        except Exception as failure:  # noqa: BLE001  # a bug of ours fails one call only
            outcome = self._as_bff_error(failure, procedure.name, caller)
            if soft:
                return Success(_text(procedure.soft_answer))
            return _error(outcome, procedure.name, caller)
        finally:
            _log_call(outcome, started, soft)

    async def _result(self, procedure: Procedure, caller: Caller, raw: Any) -> orjson.Fragment:
        if caller.refusal is not None:
            raise caller.refusal
        wanted = validated(procedure.input, raw)
        context = await procedure.access.enter(caller, wanted.project_id)
        result = await procedure.handler(context, wanted)
        if isinstance(result, Json):
            return orjson.Fragment(result.text)
        return orjson.Fragment(procedure.output.dump_json(result))

    def _as_bff_error(self, failure: Exception, path: str, caller: Caller) -> BffError:
        if isinstance(failure, TimeoutError):
            seconds = self._settings.call_timeout
            return BffError(Code.TIMEOUT, f"{path} took longer than {seconds:g} seconds.")
        if isinstance(failure, PydanticSerializationError):
            return caller.told_of(failure, "a result cannot be written as JSON")
        return caller.told_of(failure, "a handler failed")

    async def _unknown(self, name: str, caller: Caller, _raw: Any) -> Result:
        path = name[:LONGEST_PATH]
        nearest = self._registry.nearest(name)
        hint = f"; did you mean {nearest}?" if nearest else "."
        error = BffError(
            Code.PROCEDURE_NOT_FOUND, f"Method not found: there is no procedure {path!r}{hint}"
        )
        log.warning("call", procedure=path, status=error.code.label, error=error.message)
        return _error(error, path, caller)


class _Methods(dict[str, Method]):
    """jsonrpcserver's table of methods; a name that is not in it has a method that says so."""

    def __init__(
        self,
        run: Callable[..., Awaitable[Result]],
        unknown: Callable[..., Awaitable[Result]],
        procedures: Iterable[Procedure],
    ) -> None:
        super().__init__({procedure.name: partial(run, procedure) for procedure in procedures})
        self._unknown = unknown

    def __missing__(self, name: str) -> Method:
        return partial(self._unknown, name)


def refused(error: BffError, request_id: str, call_id: Any = None) -> bytes:
    """Return the answer to what never became a call."""
    log.warning("refused", status=error.code.label, error=error.message)
    fault = to_wire(error, path=None, request_id=request_id)
    return orjson.dumps({"jsonrpc": "2.0", "error": fault, "id": call_id})


def _not_begun(element: Any, caller: Caller) -> bytes | None:
    message = f"Not begun: the batch has {MOST_ANSWERED} bytes of answers already; split it."
    error = BffError(Code.PAYLOAD_TOO_LARGE, message)
    answer = refused(error, caller.request_id, element.get("id"))
    return answer if "id" in element else None


def _parse(body: bytes) -> Any:
    if body.startswith(BOM):
        raise BffError(Code.PARSE_ERROR, "Parse error: the body begins with a byte order mark.")
    # Some stand inside strings: what is refused may have fewer values, what is read has no more.
    if sum(map(body.count, (b",", b"[", b"{"))) > MOST_VALUES:
        message = f"The request has more than {MOST_VALUES} values; split the batch."
        raise BffError(Code.PAYLOAD_TOO_LARGE, message)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BffError(Code.PARSE_ERROR, f"Parse error: {error}") from None


def _fault(element: Any) -> str | None:
    """Return what keeps an element from being a request (JSON-RPC 2.0, section 4)."""
    if not isinstance(element, dict):
        return "it is not an object"
    if element.get("jsonrpc") != "2.0":
        return 'jsonrpc must be "2.0"'
    if not isinstance(element.get("method"), str):
        return "method must be a string"
    if not isinstance(element.get("params"), dict | list | None):
        return "params must be an object, an array or null"
    if not _is_id(element.get("id")):
        return "id must be a string, a number or null"
    return None


def _is_id(value: Any) -> bool:
    # In Python, a bool is an int; in JSON it is not a number.
    return value is None or (isinstance(value, str | int | float) and not isinstance(value, bool))


def _usable_id(element: Any) -> Any:
    call_id = element.get("id") if isinstance(element, dict) else None
    return call_id if _is_id(call_id) else None


def _input(params: Any) -> Any:
    """Return a procedure's input: the params themselves, or the only element of an array."""
    if isinstance(params, list) and len(params) <= 1:
        params = params[0] if params else None
    return {} if params is None else params


def _text(value: Any) -> orjson.Fragment:
    return orjson.Fragment(orjson.dumps(value))


def _error(error: BffError, path: str, caller: Caller) -> Result:
    wire = to_wire(error, path=path, request_id=caller.request_id)
    return Error(wire["code"], wire["message"], wire["data"])


def _encode(response: Any) -> bytes:
    """Return one response as bytes; jsonrpcserver's ``Left`` is an error."""
    if hasattr(response, "_error"):
        failed = response._error
        wire = {"code": failed.code, "message": failed.message, "data": failed.data}
        return orjson.dumps({"jsonrpc": "2.0", "error": wire, "id": failed.id})
    done = response._value
    return orjson.dumps({"jsonrpc": "2.0", "result": done.result, "id": done.id})


def _log_call(outcome: BffError | None, started: float, soft: bool) -> None:
    milliseconds = round((time.perf_counter() - started) * 1000, 1)
    if outcome is None:
        log.info("call", status="ok", ms=milliseconds)
        return
    details = {"issues": outcome.data["issues"]} if "issues" in outcome.data else {}
    level = log.error if outcome.code.http_status >= 500 else log.warning
    level(
        "call",
        status=outcome.code.label,
        ms=milliseconds,
        error=outcome.message,
        soft=soft,
        **details,
    )
