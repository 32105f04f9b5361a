"""The query of a list: from the procedure's input, from a link, and back into a link.

Sources: Glance, ``glance/api/v2/images.py`` (``RequestDeserializer._get_filters``, ``index``);
what a real Glance 33 does with each parameter is in ``docs/protocol.md``, Lists.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from pydantic import ValidationError

from bff.errors import BffError, Code
from schemas.image import ImagesPaginatedInput, ListImagesInput

PATH = "/v2/images"
DEFAULT_SORT = "created_at:desc"
MOST_FIELDS = 200

Query = list[tuple[str, str]]

# Sent under another name, or not at all.
_HANDLED = {"project_id", "sort", "sort_key", "sort_dir", "name", "tag", "tags", "first", "next"}
_LINK_PARAMETERS = frozenset(
    (ListImagesInput.model_fields.keys() | {"sort"}) - {"project_id", "tags"}
)
# A relative URL's own characters (RFC 3986) without "#": no control character and no backslash.
_LINK = re.compile(r"/v2/images(\?[A-Za-z0-9%&=+:.,;_~!$'()*/?@-]*)?")


def of_input(wanted: ListImagesInput) -> Query:
    """Return the query that Glance is sent for an input.

    Raises:
        BffError: BAD_REQUEST, ``next`` or ``first`` is not a link of an earlier answer.
    """
    if isinstance(wanted, ImagesPaginatedInput):
        link = wanted.first if wanted.next is None else wanted.next
        if link is not None:
            return of_link(link)
    filters = wanted.model_dump(exclude_none=True, exclude=_HANDLED)
    query = [(key, _text(value)) for key, value in filters.items()]
    if wanted.name is not None:
        query.append(("name", _name(wanted.name)))
    query += [("tag", tag) for tag in wanted.all_tags()]
    return [*query, ("sort", _sort(wanted))]


def of_link(link: str) -> Query:
    """Return the query of ``next`` or ``first`` as an earlier answer gave it.

    Raises:
        BffError: BAD_REQUEST, it is anything but a relative URL of a list of images.
    """
    if not _LINK.fullmatch(link):
        raise _not_ours()
    try:
        query = parse_qsl(_query_of(link), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise _not_ours() from None
    if any(key not in _LINK_PARAMETERS for key, _ in query) or not _fits(query):
        raise _not_ours()
    return query


def to_path(query: Query) -> str:
    """Return path and query as they go over the wire, everything that is not plain encoded."""
    return f"{PATH}?{urlencode(query, quote_via=quote, safe='')}" if query else PATH


def from_marker(query: Query, marker: str | None) -> Query:
    """Return the same query, beginning behind another image."""
    rest = [(key, value) for key, value in query if key != "marker"]
    return rest if marker is None else [*rest, ("marker", marker)]


def marker_in(query: Query) -> str | None:
    """Return the marker behind which a query begins."""
    return dict(query).get("marker")


def marker_of(link: str | None) -> str | None:
    """Return the marker in a link that Glance gave; the rest of it is not needed."""
    if link is None:
        return None
    marker = dict(parse_qsl(_query_of(link))).get("marker", "")
    # Half of a surrogate pair cannot be sent.
    return marker if marker and marker.isprintable() else None


def _fits(query: Query) -> bool:
    """Return whether a query could come from an input: Glance fails with 500 on some others."""
    given: dict[str, Any] = {key: value.removeprefix("eq:") for key, value in query}
    given.pop("marker", None)  # it is Glance's own, and whatever else it may be is encoded
    if "tag" in given:
        given["tag"] = [value for key, value in query if key == "tag"]
    try:
        ListImagesInput.model_validate_strings(given, strict=False)
    except ValidationError:
        return False
    return True


def _query_of(link: str) -> str:
    return link.partition("?")[2]


def _not_ours() -> BffError:
    message = (
        f"next and first take the links of an earlier answer, as '{PATH}?marker=…';"
        " this is none of them."
    )
    return BffError(Code.INVALID_INPUT, message)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _name(name: str) -> str:
    # Glance reads "probe:x" as the operator "probe"; behind "eq:" everything is the name itself.
    return name if name.startswith("in:") else f"eq:{name}"


def _sort(wanted: ListImagesInput) -> str:
    if wanted.sort is not None:
        return wanted.sort
    if wanted.sort_key is None and wanted.sort_dir is None:
        return DEFAULT_SORT
    return f"{wanted.sort_key or 'created_at'}:{wanted.sort_dir or 'desc'}"
