"""JSON text that travels through without being taken apart."""

from __future__ import annotations

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
