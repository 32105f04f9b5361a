"""The query of a list as Glance takes it, and the marker with which it goes on.

Source: Image API v2, "List images"; Glance, ``glance/api/v2/images.py`` (``index``).
"""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlencode

PATH = "/v2/images"

# They may stand in a query as they are, and a hundred ids are long enough.
PLAIN_IN_LISTS = ":,"

Query = list[tuple[str, str]]


def to_path(query: Query, safe: str = "") -> str:
    """Return path and query as they go over the wire, everything that is not plain encoded.

    Args:
        safe: What is left plain besides letters, digits and ``-._~``.
    """
    return f"{PATH}?{urlencode(query, quote_via=quote, safe=safe)}" if query else PATH


def from_marker(query: Query, marker: str) -> Query:
    """Return the same query, beginning behind another image."""
    return [*((key, value) for key, value in query if key != "marker"), ("marker", marker)]


def with_limit(query: Query, limit: int) -> Query:
    """Return the same query for pages of another size."""
    return [(key, str(limit) if key == "limit" else value) for key, value in query]


def marker_in(query: Query) -> str | None:
    """Return the marker behind which a query begins."""
    return dict(query).get("marker")


def marker_of(link: str) -> str | None:
    """Return the marker in a link that Glance gave; the rest of it is not needed."""
    marker = dict(parse_qsl(link.partition("?")[2])).get("marker", "")
    # Half of a surrogate pair cannot be sent.
    return marker if marker and marker.isprintable() else None
