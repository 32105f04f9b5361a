"""Why an image may not be changed: whose it is comes first, then its state.

Glance answers 403 for both, and its messages tell them apart for some requests only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bff.errors import BffError, Code

Image = Mapping[str, Any]
# Returns the error that an image's state explains; ``None`` where the state allows the request.
Reason = Callable[[str, Image], BffError | None]


def denied(error: BffError, image: Image, project_id: str, doing: str) -> BffError:
    """Return the error of a session whose roles do not let it change an image.

    Args:
        error: Glance's 403.
        project_id: The session's project.
        doing: What was requested, as in ``delete image a85a…``.
    """
    owner = image.get("owner")
    if owner == project_id:
        own = "The image is this project's own: the session's roles do not allow that."
        return BffError(Code.FORBIDDEN, f"{error.message} {own}", **error.data)
    if owner is None:
        reason = "it belongs to no project. Only an administrator may do that."
    else:
        reason = f"it is another project's. Only project {owner} or an administrator may do that."
    return BffError(Code.FORBIDDEN, f"Cannot {doing}: {reason}", **error.data)


def protected(image_id: str, image: Image) -> BffError | None:
    """Return why an image cannot be deleted."""
    if not image.get("protected"):
        return None
    message = (
        f"Cannot delete protected image {image_id}: set its property protected to false first."
    )
    return BffError(Code.FORBIDDEN, message)


def no_data(action: str) -> Reason:
    """Return the reason why an image cannot be deactivated or reactivated.

    The specification has 409 for a wrong state, Glance 403.
    """

    def reason(image_id: str, image: Image) -> BffError | None:
        status = image.get("status", "active")
        if status in ("active", "deactivated"):
            return None
        message = (
            f"Cannot {action} image {image_id}: it is {status},"
            " and only an image with data can be (de)activated."
        )
        return BffError(Code.CONFLICT, message)

    return reason


def not_shared(code: Code, advice: str = ".") -> Reason:
    """Return the reason why an image has no members.

    Args:
        code: The error's; the specification has another one for each request.
        advice: The end of the message, for whoever can do something about it.
    """

    def reason(image_id: str, image: Image) -> BffError | None:
        visibility = image.get("visibility", "shared")
        if visibility == "shared":
            return None
        message = f"Only a shared image has members, and image {image_id} is {visibility}{advice}"
        return BffError(code, message)

    return reason


def unknown(image_id: str, image: Image) -> None:
    """Return nothing: the image's state explains no refusal, and Glance's message is kept."""
