"""What Glance cannot look for: which images are looked at here, and what Glance is asked for them.

Of two bounds of a date, Glance takes the last alone (run on Glance 33: of any repeated parameter
but ``tag``, it keeps the last value).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, Self

from procedures.image.filters import DEFAULT_SORT, Query

# Looked at here alone.
_NEVER_ASKED = ("search", "offered", "limit")
_DATES = ("created_at", "updated_at")
_COMPARE: Mapping[str, Callable[[datetime, datetime], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


class Shown(Protocol):
    """An image, as far as it is looked at."""

    id: str
    name: str | None
    tags: tuple[str, ...]
    owner: str | None
    created_at: str | None
    updated_at: str | None


Test = Callable[[Shown], bool]


@dataclass(frozen=True)
class Scan:
    """How the images of a list are looked at.

    Args:
        query: What Glance is asked.
        tests: What must hold of an image besides; often nothing.
        until: What holds of every image up to the last that can match, in the order of the list.
    """

    query: Query
    tests: tuple[Test, ...]
    until: tuple[Test, ...]

    @classmethod
    def of(cls, query: Query, project_id: str) -> Self:
        """Return how the images of a query are found.

        Args:
            project_id: Whose images are never offered to it.
        """
        asked = [(key, value) for key, value in query if key not in (*_NEVER_ASKED, *_DATES)]
        words = dict(query)
        tests: list[Test] = []
        until: list[Test] = []
        if "search" in words:
            tests.append(_has(words["search"].casefold()))
        if "offered" in words:
            asked += [("visibility", "shared"), ("member_status", words["offered"])]
            tests.append(lambda image: image.owner != project_id)
        for name in _DATES:
            bounds, is_ordered = _bounds(query, name)
            asked += [(name, bound) for bound in bounds[:1]]
            (until if is_ordered else tests).extend(_within(name, bound) for bound in bounds[1:])
        return cls(asked, tuple(tests), tuple(until))

    @property
    def is_needed(self) -> bool:
        """Whether Glance's own answer is not enough."""
        return bool(self.tests or self.until)

    def matches(self, image: Shown) -> bool:
        """Return whether an image is one of those that are looked for."""
        return all(test(image) for test in self.tests)

    def is_past(self, image: Shown) -> bool:
        """Return whether neither this image nor one behind it can match."""
        return not all(test(image) for test in self.until)


def _has(part: str) -> Test:
    def test(image: Shown) -> bool:
        return any(part in text.casefold() for text in (image.name or "", image.id, *image.tags))

    return test


def _bounds(query: Query, name: str) -> tuple[list[str], bool]:
    """Return the bounds of a date, Glance's first, and whether the list is in its order.

    In a list that begins with the newest, Glance skips what is behind the to, and what is before
    the from comes last and need not be looked at.
    """
    bounds = sorted((v for key, v in query if key == name), key=lambda v: v.startswith("lt"))
    first, _, direction = _first_order(query).partition(":")
    is_ordered = first == name
    return bounds[::-1] if is_ordered and direction == "desc" else bounds, is_ordered


def _within(name: str, bound: str) -> Test:
    word, _, text = bound.partition(":")
    compare, limit = _COMPARE[word], _time(text)

    def test(image: Shown) -> bool:
        shown = image.created_at if name == "created_at" else image.updated_at
        try:
            return compare(_time(shown or ""), limit)
        except ValueError:
            # No date fits no range.
            return False

    return test


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _first_order(query: Query) -> str:
    """Return the term that a list is ordered by first; nothing where that is not plain."""
    orders = [(key, value) for key, value in query if key in ("sort", "sort_key", "sort_dir")]
    if not orders:
        return DEFAULT_SORT
    key, value = orders[0]
    return value.partition(",")[0] if len(orders) == 1 and key == "sort" else ""
