"""What the logic of this client asks for, and never does itself.

The logic is written once, as generators: they yield what they want done and are sent what came of
it. A driver does it, with threads (``client``) or with asyncio (``async_client``).
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, TypeVar

T = TypeVar("T")


class Source(Protocol):
    """A body that is read as it is sent."""

    def read(self) -> bytes:
        """Return the next bytes, none at the end; it may block."""

    def sent(self, chunk: bytes) -> None:
        """Take note that a chunk goes out."""


class Sink(Protocol):
    """What takes the body of an answer as it comes."""

    chunk_size: int

    def takes(self, status: int, headers: Mapping[str, str]) -> bool:
        """Return whether an answer's body is what is waited for."""

    def write(self, chunk: bytes) -> None:
        """Take the next bytes; it may block."""


@dataclass(frozen=True)
class Request:
    """Send a request and read its answer: a ``Reply``, or a ``BffError`` where there is none.

    Args:
        limit: The most bytes that the answer may have, but for those that ``sink`` takes.
        timeout: Seconds until the answer; of data, those between two signs of life.
        whom: Who is asked, for messages.
    """

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | Source = field(repr=False)
    limit: int
    timeout: float
    method: str = "POST"
    sink: Sink | None = field(default=None, repr=False)
    whom: str = "the BFF"


@dataclass(frozen=True)
class Reply:
    """An answer that was read to its end; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    cookies: Sequence[str] = field(default=(), repr=False)


@dataclass(frozen=True)
class Sleep:
    """Wait for some seconds."""

    seconds: float


@dataclass(frozen=True)
class Block:
    """Call what may block; gives what it returns."""

    function: Callable[[], Any] = field(repr=False)


@dataclass(frozen=True)
class Exclusive:
    """Run a flow while no other one of the client's runs exclusively; gives what it returns."""

    flow: Flow[Any]


@dataclass(frozen=True)
class Start:
    """Run a flow beside this one; gives a handle for it.

    Args:
        most: How many flows this one starts at a time.
    """

    flow: Flow[Any]
    most: int


@dataclass(frozen=True)
class Wait:
    """Wait until one of some handles has ended; gives those that have."""

    handles: Sequence[Any]


@dataclass(frozen=True)
class Take:
    """Read up to some inputs; gives a list, shorter at their end."""

    inputs: Iterable[Any] | AsyncIterable[Any]
    count: int


@dataclass(frozen=True)
class Emit:
    """Hand a value to whoever iterates."""

    value: Any


Effect: TypeAlias = "Request | Sleep | Block | Exclusive | Start | Wait | Take | Emit"
Flow: TypeAlias = "Generator[Effect, Any, T]"


def emitting(flow: Flow[Any]) -> Flow[None]:
    """Run a flow, and emit what it gives."""
    yield Emit((yield from flow))
