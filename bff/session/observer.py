"""Who is told how calls and uploads end: the metrics, where they are wanted."""

from __future__ import annotations

from typing import Protocol


class Observer(Protocol):
    """Told of calls and uploads; it neither waits nor raises.

    A ``code`` is ``OK``, or the label of the error's code.
    """

    def call_began(self) -> None:
        """Note that a call begins; ``call_ended`` follows."""

    def call_ended(self, procedure: str, code: str, seconds: float, /) -> None:
        """Note how a call has ended, also where soft mode answers something else."""

    def call_refused(self, procedure: str, code: str, /) -> None:
        """Note that a request was refused before it became a call; its name may be anything."""

    def upload_ended(self, code: str, /) -> None:
        """Note how an upload has ended."""


class Unobserved:
    """An observer for those who want to know nothing."""

    def call_began(self) -> None:
        """Do nothing."""

    def call_ended(self, _procedure: str, _code: str, _seconds: float, /) -> None:
        """Do nothing."""

    def call_refused(self, _procedure: str, _code: str, /) -> None:
        """Do nothing."""

    def upload_ended(self, _code: str, /) -> None:
        """Do nothing."""
