"""Who is told of calls and requests for traces; nobody, unless traces are wanted."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

_ROUTE = re.compile(r"/(?:v2|v3|versions)(?:/.*)?$")
_IMAGE = re.compile(r"(?<=^/v2/images/)[^/]+")
_MEMBER = re.compile(r"(?<=/members/)[^/]+$")
_TAG = re.compile(r"(?<=/tags/)[^/]+$")


@dataclass
class Sent:
    """A request to a service: the headers to send it with, and what was answered."""

    headers: Mapping[str, str]
    status: int | None = None


class Tracer(Protocol):
    """Makes the spans; the span that is entered last is the parent of the next one."""

    def call(self, procedure: str) -> AbstractContextManager[None]:
        """Return the span of a call; ``procedure`` is never a name that a client chose."""

    def request(
        self, service: str, method: str, route: Callable[[], str], headers: Mapping[str, str]
    ) -> AbstractContextManager[Sent]:
        """Return the span of a request, and the headers that carry its context."""


class Untraced:
    """A tracer that makes no spans."""

    def call(self, _procedure: str) -> AbstractContextManager[None]:
        """Return nothing to enter."""
        return nullcontext()

    def request(
        self, _service: str, _method: str, _route: Callable[[], str], headers: Mapping[str, str]
    ) -> AbstractContextManager[Sent]:
        """Return the headers as they are."""
        return nullcontext(Sent(headers))


def route_of(path: str) -> str:
    """Return the template of a path of Keystone or Glance: without ids, and from its version on."""
    found = _ROUTE.search(path)
    route = found.group() if found else "/"
    for pattern, name in ((_IMAGE, "image_id"), (_MEMBER, "member_id"), (_TAG, "tag")):
        route = pattern.sub(f"{{{name}}}", route)
    return route
