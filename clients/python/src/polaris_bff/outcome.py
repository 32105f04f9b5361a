"""How one call of many ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar, cast

from polaris_bff.errors import BffError

T = TypeVar("T")
_PENDING = object()


class Outcome(Generic[T]):
    """A call of a batch or of ``map``: settled on its own, whatever becomes of the others.

    Args:
        procedure: Its dotted name.
        given: What was given, afterwards its ``input``.
        error: Why it has failed already: it is not sent then.
    """

    def __init__(
        self, procedure: str, given: Mapping[str, Any], error: BffError | None = None
    ) -> None:
        self.procedure = procedure
        self.input = given
        self._value: object = error or _PENDING

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._value is not _PENDING

    @property
    def error(self) -> BffError | None:
        """Why it failed; ``None`` when it did not, or has not ended."""
        return self._value if isinstance(self._value, BffError) else None

    def result(self) -> T:
        """Return what was answered.

        Raises:
            BffError: the call failed.
            RuntimeError: its batch was not sent; it is when its ``with`` block ends.
        """
        if not self.done:
            raise RuntimeError(f"{self.procedure}: the batch has not been sent")
        if isinstance(self._value, BffError):
            raise self._value
        return cast(T, self._value)

    def _settle(self, value: object) -> None:
        self._value = value

    def __repr__(self) -> str:
        state = "pending" if not self.done else self.error.code if self.error else "done"
        return f"<Outcome {self.procedure} {state}>"
