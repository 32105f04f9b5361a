"""What the calls of a batch may have in memory together."""

from __future__ import annotations

from bff.errors import BffError, Code


class Budget:
    """The bytes that were read for the calls that run, and those that the others answer.

    Args:
        limit: The most of both together; infinite where a limit on each call is enough.
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.used = 0

    @property
    def exceeded(self) -> bool:
        """Whether no further call may start."""
        return self.used > self.limit


class Allocation:
    """The bytes of a budget that one call uses."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._size = 0

    def count(self, size: int) -> None:
        """Count bytes that were read for the call.

        Raises:
            BffError: PAYLOAD_TOO_LARGE, they are too many; the caller must drop what was read.
        """
        self._resize(self._size + size)
        if self._budget.exceeded:
            self._resize(0)
            message = (
                f"Stopped: the calls of this batch read more than {self._budget.limit} bytes"
                " together; ask for less, or send this call on its own."
            )
            raise BffError(Code.PAYLOAD_TOO_LARGE, message)

    def finish(self, answer_size: int) -> None:
        """Keep only the call's answer, of so many bytes, in the budget: the call is over."""
        self._resize(answer_size)

    def _resize(self, size: int) -> None:
        self._budget.used += size - self._size
        self._size = size
