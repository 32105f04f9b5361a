"""JSON Patch as RFC 6902 has it, for a Glance that knows a part of it.

Glance takes ``add``, ``remove`` and ``replace`` of whole properties. It answers 400 to ``move``,
``copy`` and ``test``, and to a path into the list of tags. Tags are a set to it, so a ``test`` of
all of them does not ask for their order. Source: Glance,
``glance/api/v2/images.py``, ``RequestDeserializer._validate_patch_body``.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import jsonpatch
from jsonpointer import JsonPointer, JsonPointerException

from bff.errors import BffError, Code

Step = dict[str, Any]

SUPPORTED_OPS = frozenset({"add", "remove", "replace"})
# Each copy doubles what it copies, and a patch may hold a thousand of them.
MAX_COPIED = 4 * 1024 * 1024
# Each step looks at the list that it changes. It is five times what a new image may have as tags.
MAX_ITEMS = 5000
# A real Glance 33 checks the permission to set it where the step is a ``replace``. An ``add`` by a
# member is answered with 403 and carried out all the same.
OWNER = "owner"
TAGS = "/tags"


def is_plain(steps: Sequence[Step]) -> bool:
    """Return whether Glance takes these steps as they are."""
    return all(
        step["op"] in SUPPORTED_OPS and not step["path"].startswith("/tags/") for step in steps
    )


def with_owner_checked(steps: Sequence[Step]) -> list[Step]:
    """Return steps that do the same, the owner's in the form whose permission Glance checks.

    Every image has an owner, if only null, so that ``add`` replaces it (RFC 6902, section 4.1).
    """
    return [
        {**step, "op": "replace"} if step["op"] == "add" and _leads_to_owner(step["path"]) else step
        for step in steps
    ]


def difference(image: dict[str, Any], steps: Sequence[Step]) -> list[Step]:
    """Return steps that Glance takes and that do the same to an image.

    Raises:
        BffError: CONFLICT, a test failed or a step finds nothing where it points; BAD_REQUEST, a
            step can never be applied to an image; each names the step by its index.
    """
    changed = deepcopy(image)
    copied = 0
    for index, step in enumerate(steps):
        _apply(changed, step, index)
        key = _property(step["path"])
        if key in changed and not _fits_a_property(changed[key]):
            reason = (
                "a property is a string, a number, a boolean, null or a list of at most"
                f" {MAX_ITEMS} strings"
            )
            raise _fault(index, Code.INVALID_INPUT, reason)
        copied += _length(changed.get(key)) if step["op"] == "copy" else 0
        if copied > MAX_COPIED:
            raise BffError(Code.PAYLOAD_TOO_LARGE, "The operations copy too much; split them.")
    return [*_removed(image, changed), *_set(image, changed)]


def _apply(image: dict[str, Any], step: Step, index: int) -> None:
    if _tests_same_tags(image, step):
        return
    where = f"{step['op']} {step['path'][:100]}"
    try:
        jsonpatch.apply_patch(image, [step], in_place=True)
    except jsonpatch.JsonPatchTestFailed:
        raise _fault(
            index, Code.CONFLICT, f"{where} failed: the image has another value there, or none"
        ) from None
    except jsonpatch.JsonPatchConflict:
        raise _fault(index, Code.CONFLICT, f"{where}: there is nothing at that place") from None
    except (jsonpatch.JsonPatchException, JsonPointerException):
        raise _fault(index, Code.INVALID_INPUT, f"{where}: an image has no such place") from None


def _tests_same_tags(image: dict[str, Any], step: Step) -> bool:
    # Glance keeps a set, and each of its processes lists it in an order of its own.
    if step["op"] != "test" or step["path"] != TAGS:
        return False
    tags, value = image.get("tags"), step["value"]
    return (
        isinstance(tags, list)
        and isinstance(value, list)
        and all(isinstance(tag, str) for tag in value)
        and sorted(map(str, tags)) == sorted(value)
    )


def _fault(index: int, code: Code, reason: str) -> BffError:
    path: list[str | int] = ["operations", index]
    message = f"operations.{index}: {reason}"
    issue = {"path": path, "message": message, "code": "json_patch"}
    return BffError(code, f"Cannot apply {message}; nothing was changed.", issues=[issue])


def _property(path: str) -> str:
    return str(JsonPointer(path).parts[0])


def _leads_to_owner(path: str) -> bool:
    # Glance drops slashes in front and spaces around a name (``_decode_json_pointer``).
    return path.lstrip("/").split("/")[0].strip() == OWNER


def _fits_a_property(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) <= MAX_ITEMS and all(isinstance(item, str) for item in value)
    return not isinstance(value, dict)


def _length(value: Any) -> int:
    return sum(map(len, value)) if isinstance(value, list) else len(str(value))


def _removed(before: dict[str, Any], after: dict[str, Any]) -> list[Step]:
    return [{"op": "remove", "path": _pointer(key)} for key in before if key not in after]


def _set(before: dict[str, Any], after: dict[str, Any]) -> list[Step]:
    return [
        {"op": "replace" if key in before else "add", "path": _pointer(key), "value": value}
        for key, value in after.items()
        # In Python, True equals 1; in JSON it does not.
        if key not in before or (type(before[key]), before[key]) != (type(value), value)
    ]


def _pointer(key: str) -> str:
    return JsonPointer.from_parts([key]).path
