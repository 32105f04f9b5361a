"""When a query is sent again, and after how long."""

from __future__ import annotations

import random
from dataclasses import dataclass

from polaris_bff.errors import NETWORK_ERROR, BffError

# What may be over in a moment.
TRANSIENT: frozenset[str] = frozenset(
    {
        *(NETWORK_ERROR, "BAD_GATEWAY", "SERVICE_UNAVAILABLE", "GATEWAY_TIMEOUT"),
        "TOO_MANY_REQUESTS",
    }
)


@dataclass(frozen=True)
class Retry:
    """How often and how soon; times are in seconds.

    Args:
        attempts: All of them, the first one too; ``1`` never tries again.
        first: The longest wait before the second attempt; it doubles with each further one.
        longest: The longest wait of the client's own.
        patience: Where the server asks for a longer wait (``retryAfter``), the call fails at once.
    """

    attempts: int = 4
    first: float = 0.5
    longest: float = 10.0
    patience: float = 60.0

    def delay(self, error: BffError, attempt: int) -> float | None:
        """Return how long to wait, ``None`` not to try again.

        Args:
            attempt: How many there have been.
        """
        asked = error.retry_after or 0.0
        if error.code not in TRANSIENT or attempt >= self.attempts or asked > self.patience:
            return None
        # Those that failed together do not come back together.
        jitter = random.uniform(0, min(self.longest, self.first * 2 ** (attempt - 1)))  # noqa: S311
        return asked + jitter
