"""JSON text that travels through without being taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Json(Generic[T]):
    """The JSON text of a ``T``, as Glance wrote it.

    A list of images can be over a megabyte. What is only forwarded is neither parsed nor written
    again: the model describes the text, tests prove that it fits. Whoever makes one answers for
    the text being one well-formed JSON value.
    """

    text: bytes


def enclosed(opening: bytes, texts: Sequence[bytes], closing: bytes) -> bytes:
    """Return JSON texts with commas between them, in one copy: they may have many megabytes."""
    if not texts:
        return opening + closing
    *others, last = texts
    return b"".join([opening, *(part for text in others for part in (text, b",")), last, closing])
