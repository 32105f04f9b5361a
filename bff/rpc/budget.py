"""What the calls of a batch may have in memory together."""

from __future__ import annotations

from bff.errors import BffError, Code


class Budget:
    """The bytes that were read for the calls that run, and those that the others answer.

    Args:
        most: The most of both together; infinite where a limit on each call is enough.
    """

    def __init__(self, most: float) -> None:
        self.most = most
        self.held = 0

    @property
    def spent(self) -> bool:
        """Whether there is no room for another call."""
        return self.held > self.most


class Share:
    """What one call has of a budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._held = 0

    def count(self, size: int) -> None:
        """Count bytes that were read for the call.

        Raises:
            BffError: PAYLOAD_TOO_LARGE, they are too many; what was read is to be let go.
        """
        self._hold(self._held + size)
        if self._budget.spent:
            self._hold(0)
            message = (
                f"Cut off: the calls of this batch read more than {self._budget.most} bytes"
                " together; ask for less, or send this call on its own."
            )
            raise BffError(Code.PAYLOAD_TOO_LARGE, message)

    def settle(self, answer: int) -> None:
        """Say that the call is over, and how many bytes it answers."""
        self._hold(answer)

    def _hold(self, size: int) -> None:
        self._budget.held += size - self._held
        self._held = size
