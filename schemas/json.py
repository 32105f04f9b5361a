"""JSON text that travels through without being taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")
# Of bytes, as ``bytes``, ``memoryview`` and ``msgspec.Raw`` are.
Buffer = Any


@dataclass(frozen=True)
class Json(Generic[T]):
    """The JSON text of a ``T``, as Glance wrote it.

    A list of images can be over a megabyte. What is only forwarded is neither parsed nor written
    again: the model describes the text, tests prove that it fits. Whoever makes one answers for
    the text being one well-formed JSON value.
    """

    text: Buffer


def enclosed(opening: bytes, texts: Sequence[Buffer], closing: bytes) -> bytes:
    """Return JSON texts with commas between them, in one copy: they may have many megabytes."""
    if not texts:
        return opening + closing
    parts = list(texts)
    parts[0] = b"".join([opening, parts[0]])
    parts[-1] = b"".join([parts[-1], closing])
    return b",".join(parts)
