"""One row of the table of faults, and the stage on which it plays."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.bff.conftest import Bff
from tests.fakes.openstack import FakeOpenStack
from tests.faults.shelf import Shelf
from tests.faults.stage import Stage


@dataclass(frozen=True)
class Outcome:
    """How a fault ends.

    Args:
        answer: What the caller is told: ``ok``, or the error's code.
        sent: How many requests of the call reached the service; ``None``: it does not matter.
        glance: What stands at Glance afterwards, where the call would have changed something.
        others: What those who had nothing to do with it are told.
    """

    answer: str
    sent: int | None = None
    glance: str = ""
    others: str = ""

    def __str__(self) -> str:
        parts = [self.answer]
        if self.sent is not None:
            parts.append(f"sent {self.sent}x")
        if self.glance:
            parts.append(f"at Glance: {self.glance}")
        if self.others:
            parts.append(f"others: {self.others}")
        return "; ".join(parts)


@dataclass(frozen=True)
class Scene:
    """What a row plays with.

    Args:
        start: Starts a BFF with settings, in front of the raw-socket stage.
        start_fake: The same in front of the fake services, which can hold answers back.
    """

    stage: Stage
    start: Callable[..., Awaitable[Bff]]
    openstack: FakeOpenStack
    start_fake: Callable[..., Awaitable[Bff]]
    shelf: Shelf = field(default_factory=Shelf)

    def keep_images(self) -> Shelf:
        """Let Glance keep what it is given."""
        self.stage.glance.right_answer = self.shelf.answer
        return self.shelf


Play = Callable[[Scene], Awaitable[Outcome]]


@dataclass(frozen=True)
class Row:
    """One case.

    Args:
        name: Who does what, and during what, in words.
        expected: How it ends.
        play: Plays it, and returns how it ended.
    """

    name: str
    expected: Outcome
    play: Play

    def __str__(self) -> str:
        return self.name


def code(answered: Any) -> str:
    """Return ``ok``, or the code of the error."""
    if "success" in answered or "result" in answered:
        return "ok"
    return str(answered["error"]["data"]["code"])
