"""The filters of a list as a query: from parameters, from a link, and back into a link.

Sources: Glance, ``glance/api/v2/images.py`` (``RequestDeserializer._get_filters``, ``index``);
what a real Glance 33 does with each parameter is in ``docs/protocol.md``, Lists.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from pydantic import ValidationError

from bff.errors import BffError, Code
from schemas.image import ImageFilters, ImagesPaginatedInput, ListImagesInput

PATH = "/v2/images"
DEFAULT_SORT = "created_at:desc"
MAX_FIELDS = 200

Query = list[tuple[str, str]]

# Sent under another name, or not at all.
_HANDLED = frozenset(
    (
        *("project_id", "sort", "sort_key", "sort_dir", "name", "ids", "tag", "tags"),
        *("properties", "first", "next", "created_at", "updated_at"),
    )
)
_LINK_PARAMETERS = frozenset(
    (ListImagesInput.model_fields.keys() | {"id"}) - {"project_id", "ids", "tags", "properties"}
)
# Before the name of a property in a link: so none is taken for a parameter, of today or tomorrow.
_PROPERTY = "properties."
# Of these, Glance finds several values at once.
_LISTED = frozenset({"id", "status", "container_format", "disk_format"})
# A relative URL's own characters (RFC 3986) without "#": no control character and no backslash.
_LINK = re.compile(r"/v2/images(\?[A-Za-z0-9%&=+:.,;_~!$'()*/?@-]*)?")


def of_params(params: ListImagesInput) -> Query:
    """Return the query that Glance is sent for a procedure's parameters.

    Raises:
        BffError: BAD_REQUEST, ``next`` or ``first`` is not a link of an earlier answer.
    """
    if isinstance(params, ImagesPaginatedInput):
        link = params.first if params.next is None else params.next
        if link is not None:
            query = of_link(link)
            if params.search is not None and ("search", params.search) not in query:
                raise _of_another_search()
            return query
    return [*of_filters(params), ("sort", _sort(params))]


def of_filters(params: ImageFilters) -> Query:
    """Return the query of a procedure's filters alone, without an order."""
    filters = params.model_dump(exclude_none=True, exclude=set(_HANDLED))
    query = [(key, _text(value)) for key, value in filters.items()]
    if params.ids is not None:
        query += _by_id(params, params.ids)
    if params.name is not None:
        query.append(("name", _name(params.name)))
    query += [("tag", tag) for tag in params.all_tags()]
    for name, bounds in (("created_at", params.created_at), ("updated_at", params.updated_at)):
        query += [(name, bound) for bound in bounds or ()]
    # Glance knows no operators in these.
    query += (params.properties or {}).items()
    return query


def of_link(link: str) -> Query:
    """Return the query of ``next`` or ``first`` as an earlier answer gave it.

    Raises:
        BffError: BAD_REQUEST, it is anything but a relative URL of a list of images.
    """
    if not _LINK.fullmatch(link):
        raise _not_a_link()
    try:
        query = parse_qsl(link.partition("?")[2], keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise _not_a_link() from None
    if not _is_valid(query):
        raise _not_a_link()
    return [(key.removeprefix(_PROPERTY), value) for key, value in query]


def to_link(query: Query) -> str:
    """Return the link to a page, everything that is not plain encoded."""
    named = [(key if key in _LINK_PARAMETERS else _PROPERTY + key, text) for key, text in query]
    return f"{PATH}?{urlencode(named, quote_via=quote, safe='')}" if query else PATH


def first_page(query: Query) -> Query:
    """Return the query of a list's first page, whichever page it asks for."""
    return [(key, value) for key, value in query if key != "marker"]


def _is_valid(query: Query) -> bool:
    """Return whether a query could come from parameters: Glance fails with 500 on some others."""
    properties = {key: text for key, text in query if key.startswith(_PROPERTY)}
    params: dict[str, Any] = {
        key: _value(key, text) for key, text in query if key not in properties
    }
    if not params.keys() <= _LINK_PARAMETERS:
        return False
    params["properties"] = {key.removeprefix(_PROPERTY): properties[key] for key in properties}
    if "id" in params:
        params["ids"] = params.pop("id")
    params.pop("marker", None)  # it is Glance's own, and whatever else it may be is encoded
    for name in params.keys() & {"tag", "created_at", "updated_at"}:
        params[name] = [value for key, value in query if key == name]
    try:
        ListImagesInput.model_validate_strings(params, strict=False)
    except ValidationError:
        return False
    return True


def _of_another_search() -> BffError:
    message = "This link belongs to another search: give it without search, or begin a new one."
    return BffError(Code.INVALID_INPUT, message)


def _not_a_link() -> BffError:
    message = (
        f"next and first take the links of an earlier answer, as '{PATH}?marker=…';"
        " this is none of them."
    )
    return BffError(Code.INVALID_INPUT, message)


def _value(key: str, text: str) -> str | list[str]:
    if key in _LISTED:
        return text.removeprefix("in:").split(",")
    return text.removeprefix("eq:")


def _by_id(params: ImageFilters, ids: list[str]) -> Query:
    """Return what finds every image that could be got by its id, not only those that are listed."""
    widened = [(key, "all") for key in ("visibility", "member_status") if not getattr(params, key)]
    return [("id", _text(ids)), *widened]


def _text(value: object) -> str:
    if isinstance(value, list):
        # No value that these filters take has a comma or a quote in it.
        return value[0] if len(value) == 1 else f"in:{','.join(value)}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _name(name: str) -> str:
    # Glance reads "probe:x" as the operator "probe"; behind "eq:" everything is the name itself.
    return name if name.startswith("in:") else f"eq:{name}"


def _sort(params: ListImagesInput) -> str:
    if params.sort is not None:
        return params.sort
    if params.sort_key is None and params.sort_dir is None:
        return DEFAULT_SORT
    return f"{params.sort_key or 'created_at'}:{params.sort_dir or 'desc'}"
