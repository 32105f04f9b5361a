"""Pages, names and states of images: flows of several calls."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from difflib import get_close_matches
from typing import Any, TypeVar, cast
from uuid import UUID

from polaris_bff.contract import BulkOperationResult, CreateImageInput, GlanceImage, Project
from polaris_bff.core import Core
from polaris_bff.effects import Emit, Flow, Sleep, Take
from polaris_bff.errors import BffError
from polaris_bff.wire import wire_params

# What Glance adds to each image.
_MORE: frozenset[str] = frozenset({"self", "file", "schema", "direct_url", "locations", "stores"})
_PAGE = "compute.image.listImagesWithPagination"
_IMAGE = "compute.image.getImageById"
T = TypeVar("T")
# Images in these states do not leave them; `error` is not Glance's, but some clouds'.
DEAD_ENDS: frozenset[str] = frozenset({"killed", "deleted", "pending_delete", "error"})
# In seconds, between two looks at an image.
_FIRST_LOOK, _LONGEST = 0.5, 5.0
# Pages without an image, one after the other: of a search, each has looked at hundreds.
_MAX_EMPTY = 1000
# Of images whose names are compared with one that nothing has.
_SOME = 1000
# In a call: images, times the tags, projects or operations for each.
_MAX_CHANGES = 1000
# What a copy of an image has anew.
_ITS_OWN: frozenset[str] = frozenset({"id", "project_id", "os_hidden"})


def properties(image: Mapping[str, Any]) -> dict[str, str]:
    """Return the properties of an image's own, as ``hw_video_model``: those that no type names."""
    known = {*GlanceImage.__annotations__, *_MORE}
    return {key: value for key, value in image.items() if key not in known}


def metadata(image: Mapping[str, Any]) -> CreateImageInput:
    """Return what ``create_image`` takes to make an image like this one, its own properties too.

    It is not hidden, even where this one is, and projects that share this one are not copied.
    """
    # What a type names, and what is the image's own, but for what Glance does itself.
    named = CreateImageInput.__annotations__.keys() - _ITS_OWN
    own = {key for key in properties(image) if not key.startswith("os_glance_")}
    copied = {key: image[key] for key in named | own if image.get(key) is not None}
    if isinstance(agent := copied.get("hw_qemu_guest_agent"), str):
        copied["hw_qemu_guest_agent"] = agent.lower() in ("yes", "true", "1", "on")
    return cast("CreateImageInput", copied)


def ago(**span: float) -> str:
    """Return the moment some time ago, as filters take it.

    ``created_at="lt:" + ago(days=90)`` has images that are older.

    Args:
        span: As of ``timedelta``: ``weeks``, ``days``, ``hours``, ``minutes``, ``seconds``.
    """
    moment = datetime.now(timezone.utc) - timedelta(**span)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def id_of(image: str | GlanceImage) -> str:
    """Return the id of an image that is given whole, or by its id."""
    return image if isinstance(image, str) else image["id"]


def pages(core: Core, filters: Mapping[str, Any], page_size: int) -> Flow[None]:
    """Read page after page; emits each image.

    A page of a search may be empty and have a next one.

    Args:
        filters: Those of a list; ``limit`` is the most images of all pages.

    Raises:
        BffError: BAD_RESPONSE, a thousand empty pages in a row do not lead to an end.
    """
    limit = filters.get("limit")
    given = wire_params(_PAGE, {**filters, "limit": min(page_size, limit or page_size)})
    left: int | None = limit
    empty = 0
    while True:
        page = yield from core.one(_PAGE, given)
        images = _list(page, "images")
        for image in images[:left]:
            yield Emit(image)
        left = None if left is None else left - len(images)
        link = page.get("next")
        if not link or (left is not None and left <= 0):
            return
        empty = 0 if images else empty + 1
        if empty >= _MAX_EMPTY:
            raise BffError("BAD_RESPONSE", f"{empty} pages in a row have no image: there is no end")
        # The link has all the filters, but for the project.
        given = {key: given[key] for key in ("project_id",) if key in given} | {"next": link}


def wait_for(core: Core, image_id: str, status: str, timeout: float) -> Flow[GlanceImage]:
    """Look at an image until it is in a state; gives the image.

    Raises:
        BffError: CONFLICT, it cannot get there any more; TIMEOUT, it is not there in time; what
            ``getImageById`` raises.
    """
    until = time.monotonic() + timeout
    pause = _FIRST_LOOK
    while True:
        image: GlanceImage = yield from core.one(_IMAGE, {"imageId": image_id})
        found = _member(image, "status")
        if found == status:
            return image
        if found in DEAD_ENDS:
            raise _not_there("CONFLICT", image_id, found, f"cannot become {status!r} any more")
        left = until - time.monotonic()
        if left <= 0:
            raise _not_there("TIMEOUT", image_id, found, f"not {status!r} after {timeout:g} s")
        yield Sleep(min(pause, left))
        pause = min(pause * 1.5, _LONGEST)


def _not_there(code: str, image_id: str, status: Any, why: str) -> BffError:
    data = {"imageId": image_id, "status": status}
    return BffError(code, f"Image {image_id} is {status!r}: {why}", data=data)


def in_bulk(
    core: Core,
    procedure: str,
    images: Iterable[str | GlanceImage] | AsyncIterable[str | GlanceImage],
    more: Mapping[str, Any],
) -> Flow[BulkOperationResult]:
    """Do something to any number of images, in calls of at most a thousand changes.

    Gives what became of all of them.
    """
    # All of them first: a list has no next page once its last image is deleted.
    ids = [id_of(image) for image in (yield Take(images, sys.maxsize))]
    each = max([1, *(len(value) for value in more.values() if isinstance(value, list))])
    size = max(1, _MAX_CHANGES // each)
    whole: dict[str, Any] = {"successful": [], "failed": []}
    for start in range(0, len(ids), size):
        some = {**more, "image_ids": ids[start : start + size]}
        done = yield from core.one(procedure, wire_params(procedure, some))
        parts = {"successful": _list(done, "successful"), "failed": _list(done, "failed")}
        if isinstance(_member(done, "unchanged"), list):
            parts["unchanged"] = done["unchanged"]
        whole |= {key: [*whole.get(key, ()), *part] for key, part in parts.items()}
    return cast("BulkOperationResult", whole)


def project_id(core: Core) -> Flow[str]:
    """Give the id of the project in which calls run.

    Raises:
        BffError: UNAUTHORIZED, there is none.
    """
    if core.project:
        return core.project
    session = yield from core.one("auth.getCurrentUserSession", {})
    found = _member(_member(session, "project"), "id")
    if not isinstance(found, str):
        raise BffError("UNAUTHORIZED", "Nobody is signed in to a project")
    return found


def find_image(core: Core, name_or_id: str, more: Mapping[str, Any]) -> Flow[GlanceImage]:
    """Find the one image with an id or, if no image has it, with a name; gives the image.

    Raises:
        BffError: NOT_FOUND, there is none; CONFLICT, there are several.
    """
    if is_uuid(name_or_id) and (image := (yield from _by_id(core, name_or_id, more))):
        return cast("GlanceImage", image)
    found: list[GlanceImage] = yield from _named(core, name_or_id, more)
    if not found:
        hidden = {**more, "os_hidden": True}
        found = yield from _named(core, name_or_id, hidden)
    others = [] if found else (yield from _page(core, {**more, "limit": _SOME, "sort": "name:asc"}))
    return exactly_one("image", name_or_id, found, others)


def _by_id(core: Core, image_id: str, more: Mapping[str, Any]) -> Flow[Any]:
    scope = {key: more[key] for key in ("project_id",) if key in more}
    try:
        return (yield from core.one(_IMAGE, {**scope, "imageId": image_id}))
    except BffError as error:
        if error.code != "NOT_FOUND":
            raise
        return None


def _named(core: Core, name: str, more: Mapping[str, Any]) -> Flow[list[Any]]:
    images = yield from _page(core, {**more, "name": name, "limit": 100})
    # `in:a,b` is a list to the server, and may be a name to its owner.
    return [image for image in images if _member(image, "name") == name]


def _page(core: Core, given: Mapping[str, Any]) -> Flow[list[Any]]:
    page = yield from core.one(_PAGE, dict(given))
    return _list(page, "images")


def find_project(core: Core, name_or_id: str) -> Flow[Project]:
    """Find the one project of the user's with an id or a name; gives the project.

    Raises:
        BffError: NOT_FOUND, there is none; CONFLICT, there are several.
    """
    return pick_project((yield from core.one("auth.listProjects", {})), name_or_id)


def pick_project(projects: Sequence[Project], name_or_id: str) -> Project:
    """Return the one of some projects with an id or a name; what is no project is passed over.

    Raises:
        BffError: NOT_FOUND, there is none; CONFLICT, there are several.
    """
    known = [each for each in projects if isinstance(each, dict)]
    found = [project for project in known if project.get("id") == name_or_id]
    found = found or [project for project in known if project.get("name") == name_or_id]
    return exactly_one("project", name_or_id, found, known)


def exactly_one(kind: str, wanted: str, found: Sequence[T], others: Sequence[Any]) -> T:
    """Return what was found if it is one; otherwise say what is there instead.

    Raises:
        BffError: NOT_FOUND, with ``close`` names in its data; CONFLICT, with the ``ids``.
    """
    if len(found) == 1:
        return found[0]
    if found:
        ids = [str(_member(each, "id")) for each in found]
        message = f"{len(ids)} {kind}s are called {wanted!r}; name one by its id: {', '.join(ids)}"
        raise BffError("CONFLICT", message, data={"ids": ids})
    names = {str(name) for each in others if (name := _member(each, "name"))}
    close = get_close_matches(wanted, sorted(names), n=3)
    hint = f"; there is {', '.join(map(repr, close))}" if close else ""
    message = f"No {kind} has the id or name {wanted!r}{hint}"
    raise BffError("NOT_FOUND", message, data={"close": close})


def is_uuid(text: str) -> bool:
    """Return whether a text can be the id of an image that Glance chose."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def _member(whole: Any, name: str) -> Any:
    return whole.get(name) if isinstance(whole, dict) else None


def _list(page: Any, name: str) -> list[Any]:
    items = _member(page, name)
    if not isinstance(items, list):
        raise BffError("BAD_RESPONSE", f"The answer has no {name}")
    return items
