"""A clock that only a test moves."""

from __future__ import annotations

import pytest


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock by which each BFF remembers tokens that have ended."""
    clock = Clock()
    monkeypatch.setattr("bff.session.sessions.monotonic", clock)
    return clock
