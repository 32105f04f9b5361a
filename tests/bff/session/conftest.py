"""A clock that only a test moves, and the Redis of the progress tests."""

from __future__ import annotations

import pytest

from tests.bff.progress.conftest import redis

__all__ = ["redis"]


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock by which each BFF counts attempts and remembers tokens that have ended."""
    clock = Clock()
    monkeypatch.setattr("bff.session.sessions.monotonic", clock)
    monkeypatch.setattr("bff.session.sign_in_guard.monotonic", clock)
    return clock
