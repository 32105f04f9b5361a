"""JSON-RPC 2.0: bytes to calls to answers. jsonrpcserver does the single call, this does the rest.

What a call does, on this wire or another, is ``bff.rpc.call``.

What jsonrpcserver 5.0.9 would do differently from the specification, and why each element of a
batch is dispatched on its own, is in ``docs/decisions.md``.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import Any, NamedTuple

import orjson
import structlog
from jsonrpcserver import Result, Success
from jsonrpcserver.async_dispatcher import dispatch_request
from jsonrpcserver.request import Request
from jsonrpcserver.sentinels import NOID

from bff import log_fields
from bff.errors import BffError, Code, stopping, to_wire
from bff.rpc.call import run
from bff.rpc.memory_budget import Allocation, Budget
from bff.rpc.registry import MAX_NAME_LENGTH, Procedure, Registry
from bff.rpc.sharing import batch_of
from bff.rpc.task_pool import TaskPool
from bff.server.deadline import Deadline
from bff.session.batch import Batch
from bff.session.caller import Caller
from bff.settings import Settings
from schemas.json import Buffer

# A value of two bytes in JSON becomes an object of sixty-four in memory.
MAX_VALUES = 500_000
# In bytes: a small batch may ask for a large list a hundred times.
MAX_BATCH_BYTES = 64 * 1024 * 1024
# The span of a call of none.
UNKNOWN = "unknown"
BOM = b"\xef\xbb\xbf"

log = structlog.get_logger("bff.rpc.jsonrpc")


# JSON text in pieces: a large result is not copied to be joined with its envelope.
Answer = list[Buffer]


class _Malformed(NamedTuple):
    """An element of a body that is no request: why, and the id of its answer."""

    fault: str
    id: Any


@dataclass(frozen=True)
class _Limits:
    """What bounds the calls of a request together: time and memory."""

    deadline: Deadline
    budget: Budget

    def start_error(self) -> BffError | None:
        """Return why no further call may start."""
        if self.deadline.stopping:
            return stopping("the call was not started; retry.")
        if self.budget.exceeded:
            message = (
                f"Not started: the answers of this batch have more than {self.budget.limit} bytes;"
                " split the batch."
            )
            return BffError(Code.PAYLOAD_TOO_LARGE, message)
        return None


@dataclass(slots=True)
class _CallContext:
    """What jsonrpcserver hands on to the method: who calls, how, and within which limits.

    Args:
        call_id: The call's own id, as it came; ``None`` for a notification.
        answer: What the method has answered.
    """

    caller: Caller
    call_id: Any
    soft: bool
    deadline: Deadline
    allocation: Allocation
    answer: Answer = field(default_factory=list)


class Rpc:
    """Answers JSON-RPC requests with the procedures of a registry, and with the built-in ones."""

    def __init__(self, registry: Registry, settings: Settings, *built_in: Procedure) -> None:
        self._registry = registry
        self._settings = settings
        self._procedures = {**registry, **{each.name: each for each in built_in}}
        self._methods = _Methods(self._run, self._procedures)
        self._compressible = _compressible(registry, settings)

    async def answer(
        self, body: bytes, caller: Caller, deadline: Deadline, *, soft: bool = False
    ) -> Answer | None:
        """Return the answer to a body, or ``None`` when there is nothing to answer.

        Args:
            deadline: What ends the calls besides their own deadlines.
            soft: A failing procedure answers ``null`` or ``false`` instead of an error.
        """
        try:
            parsed = _parse(body)
            if isinstance(parsed, list):
                return await self._answer_batch(parsed, caller, deadline, soft)
        except BffError as error:
            return [_refused(error, caller)]
        request = _request(parsed)
        caller.compressible = self._is_compressible(request)
        return await self._answer_one(request, caller, soft, _Limits(deadline, Budget(inf)))

    async def _answer_batch(
        self, elements: list[Any], caller: Caller, deadline: Deadline, soft: bool
    ) -> Answer | None:
        if not elements:
            raise BffError(Code.BAD_REQUEST, "Invalid Request: the batch is empty.")
        max_batch = self._settings.max_batch
        if len(elements) > max_batch:
            message = f"Invalid Request: a batch has at most {max_batch} calls; split it."
            raise BffError(Code.BAD_REQUEST, message)
        limits = _Limits(deadline, Budget(MAX_BATCH_BYTES))
        requests = [_request(element) for element in elements]
        caller.batch = self._shared(requests, deadline)
        caller.compressible = all(map(self._is_compressible, requests))
        answers: list[Answer | None] = [None] * len(requests)

        async def answer(number: int) -> None:
            answers[number] = await self._answer_one(requests[number], caller, soft, limits)

        pool = TaskPool(answer, self._settings.batch_concurrency, deadline)
        if caller.batch is not None:
            for calls, listed in caller.batch.gathered():
                pool.hold_back(calls, listed)
        await pool.finish(len(requests))
        given = [answer for answer in answers if answer is not None]
        return _array(given) if given else None

    def _is_compressible(self, request: Request | _Malformed) -> bool:
        return isinstance(request, Request) and request.method in self._compressible

    def _shared(self, requests: list[Request | _Malformed], deadline: Deadline) -> Batch | None:
        calls = (
            (number, self._procedures.get(request.method), request.params[0])  # type: ignore[index]
            for number, request in enumerate(requests)
            if isinstance(request, Request)
        )
        return batch_of(calls, partial(deadline.seconds_left, self._settings.call_timeout))

    async def _answer_one(
        self, request: Request | _Malformed, caller: Caller, soft: bool, limits: _Limits
    ) -> Answer | None:
        if isinstance(request, _Malformed):
            error = BffError(Code.BAD_REQUEST, f"Invalid Request: {request.fault}.")
            return [_refused(error, caller, request.id)]
        if (start_error := limits.start_error()) is not None:
            return _not_started(start_error, request, caller)
        allocation = Allocation(limits.budget)
        call_id = None if request.id is NOID else request.id
        call = _CallContext(caller, call_id, soft, limits.deadline, allocation)
        with log_fields.bound():
            await dispatch_request(self._methods, call, request)
        allocation.finish(sum(map(len, call.answer)))
        return None if request.id is NOID else call.answer

    async def _run(self, name: str, call: _CallContext, raw: Any) -> Result:
        """Answer a call; an error is made and written once, here, and not by jsonrpcserver."""
        call_id = orjson.dumps(call.call_id)
        try:
            result = await self._result(name, call, raw)
            call.answer = [b'{"jsonrpc":"2.0","result":', result, b',"id":%b}' % call_id]
        except Exception as failure:  # noqa: BLE001  # it is logged
            call.answer = [_error(failure, name, call)]
        return Success(None)

    async def _result(self, name: str, call: _CallContext, raw: Any) -> Buffer:
        procedure = self._procedures.get(name)
        if procedure is None:
            raise self._method_not_found(name, call)
        return await run(
            procedure,
            call.caller,
            raw,
            soft=call.soft,
            deadline=call.deadline,
            count=call.allocation.count,
        )

    def _method_not_found(self, name: str, call: _CallContext) -> BffError:
        error, path = self._registry.not_found(name), name[:MAX_NAME_LENGTH]
        call.caller.cloud.observer.call_refused(path, error.code.label)
        with suppress(BffError), call.caller.cloud.tracer.call(UNKNOWN):
            raise error
        log.warning("call", procedure=path, status=error.code.label, error=error.message)
        return error


def _compressible(registry: Registry, settings: Settings) -> frozenset[str]:
    """Return the procedures whose answers hold neither a token, nor a password or cookie.

    From the size of a compressed answer, who can put texts into it may guess others in it (BREACH).
    Locations of an image may name its store with a password.
    """
    if not settings.compression or settings.expose_locations:
        return frozenset()
    return frozenset(name for name, each in registry.items() if each.reads_in_project)


def _error(failure: Exception, name: str, call: _CallContext) -> bytes:
    """Return the answer to a call that failed; what is no ``BffError`` is logged as a bug."""
    error = call.caller.to_client_error(failure, "a call failed")
    wire = to_wire(error, path=name[:MAX_NAME_LENGTH], request_id=call.caller.request_id)
    return orjson.dumps({"jsonrpc": "2.0", "error": wire, "id": call.call_id})


class _AnyArguments(inspect.Signature):
    """The signature of what takes any arguments; to bind some to it costs nothing."""

    def bind(self, *_args: Any, **_kwargs: Any) -> Any:
        """Find no fault in them."""


Run = Callable[[str, _CallContext, Any], Awaitable[Result]]


class _Method:
    """A procedure as jsonrpcserver has methods; it looks at the signature of each."""

    __slots__ = ("__signature__", "_name", "_run")

    def __init__(self, run: Run, name: str, signature: inspect.Signature) -> None:
        self._run, self._name, self.__signature__ = run, name, signature

    def __call__(self, call: _CallContext, raw: Any) -> Awaitable[Result]:
        """Run the procedure."""
        return self._run(self._name, call, raw)


class _Methods(dict[str, Callable[..., Any]]):
    """jsonrpcserver's table of methods; it has every name, as our own error is the better one."""

    def __init__(self, run: Run, names: Iterable[str]) -> None:
        self._run, self._signature = run, _AnyArguments()
        super().__init__({name: self.__missing__(name) for name in names})

    def __missing__(self, name: str) -> _Method:
        return _Method(self._run, name, self._signature)


def error_answer(error: BffError, request_id: str, call_id: Any = None) -> bytes:
    """Return the answer to a request that was rejected before it became a call."""
    log.warning("refused", status=error.code.label, error=error.message)
    fault = to_wire(error, path=None, request_id=request_id)
    return orjson.dumps({"jsonrpc": "2.0", "error": fault, "id": call_id})


def _refused(error: BffError, caller: Caller, call_id: Any = None, procedure: str = "") -> bytes:
    caller.cloud.observer.call_refused(procedure, error.code.label)
    return error_answer(error, caller.request_id, call_id)


def _not_started(error: BffError, request: Request, caller: Caller) -> Answer | None:
    is_notification = request.id is NOID
    answer = _refused(error, caller, None if is_notification else request.id, request.method)
    return None if is_notification else [answer]


def _parse(body: bytes) -> Any:
    if body.startswith(BOM):
        raise BffError(Code.PARSE_ERROR, "Parse error: the body begins with a byte order mark.")
    # An upper bound: commas and brackets inside strings are counted too.
    if sum(map(body.count, (b",", b"[", b"{"))) > MAX_VALUES:
        message = f"The request has more than {MAX_VALUES} values; split the batch."
        raise BffError(Code.PAYLOAD_TOO_LARGE, message)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BffError(Code.PARSE_ERROR, f"Parse error: {error}") from None


def _request(element: Any) -> Request | _Malformed:
    """Return an element of a body as jsonrpcserver has requests, if it is one."""
    fault = _fault(element)
    if fault is not None:
        return _Malformed(fault, _usable_id(element))
    return Request(element["method"], [_input(element.get("params"))], element.get("id", NOID))


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


def _array(answers: list[Answer]) -> Answer:
    pieces = [b"["]
    for answer in answers:
        pieces += [*answer, b","]
    return [*pieces[:-1], b"]"]
