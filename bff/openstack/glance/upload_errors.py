"""The errors of uploads: what became of the image, and what to do about it.

What a real Glance 33 does with a body that is cut, too large or of another format is in
``docs/uploads.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bff.errors import BffError, Code
from bff.openstack.glance.reasons import Image
from bff.openstack.glance.verified_body import VerifiedBody

FORMATS = ("container_format", "disk_format")
# A client that was silent for longer is to blame: uWSGI waits 4 seconds for a body to go on,
# cheroot 10.
_SILENCE_SECONDS = 3.0
# How a server under Glance answers that has given up waiting; a store's failure is a 503.
_GAVE_UP_WAITING = (Code.BAD_GATEWAY, Code.GATEWAY_TIMEOUT)
# After these, only the image's state shows what Glance did.
_UPSTREAM_FAILED = (Code.BAD_GATEWAY, Code.GATEWAY_TIMEOUT, Code.SERVICE_UNAVAILABLE)

_ADVICE: Mapping[str, str] = {
    "queued": "The image is `queued` as before, and takes another upload.",
    "active": (
        "Its answer was lost, and the image is `active` now: compare its size and os_hash_value"
        " with the data before using it."
    ),
    # Seen with a user's quota and a body without a length.
    "saving": (
        "Glance left the image in `saving`, or another upload of it is under way. If it stays so,"
        " only deleting it helps; then upload to a new one."
    ),
}
# Seen with a Glance that is stopped or killed.
_STATE_UNKNOWN = (
    "What became of the image cannot be seen now. Look at it before uploading again: `queued` takes"
    " another upload; if it stays `saving`, only deleting it helps."
)
# Seen with data of another format: Glance computed its checksum, and kept the file in its store.
_DATA_KEPT = (
    "The image is `queued`, but Glance kept a part of the refused data and may fail when it is"
    " given other data: delete the image and upload to a new one."
)


def with_state(image_id: str, image: Image, error: BffError, body: VerifiedBody) -> BffError:
    """Return the error that the image's state makes of it, with what to do about it."""
    status = image.get("status")
    if error.code is Code.NOT_FOUND:
        # Glance also answers so when the end of another upload changed the image meanwhile.
        message = f"Another upload of image {image_id} came between."
        error = BffError(Code.CONFLICT, message, **error.data)
    not_queued = status != "queued" and error.code is Code.CONFLICT
    if not_queued or (status == "active" and error.code in _UPSTREAM_FAILED and not body.ended):
        return _not_queued(image_id, image, **error.data)
    if error.code in _UPSTREAM_FAILED and (refusal := _lacks_formats(image_id, image)):
        return refusal
    if error.code in _GAVE_UP_WAITING and (silence := body.silence()) > _SILENCE_SECONDS:
        message = f"Nothing had come for {silence:.0f} seconds when this happened: {error.message}"
        error = BffError(Code.TIMEOUT, message, **error.data)
    advice = _ADVICE.get(str(status), f"The image is `{status}` now.")
    if status == "queued" and image.get("checksum"):
        advice = _DATA_KEPT
    return _advised(error.code, error, advice)


def without_state(error: BffError, body: VerifiedBody) -> BffError:
    """Return the error of an upload when Glance does not show the image afterwards."""
    # A Glance that is being stopped cuts the body, and then reports it as incomplete.
    blames_body = error.code is Code.BAD_REQUEST and not body.ended
    return _advised(Code.BAD_GATEWAY if blames_body else error.code, error, _STATE_UNKNOWN)


def session_ended(image_id: str, error: BffError, body: VerifiedBody) -> BffError:
    """Return the error of an upload whose token Glance accepts no more."""
    if body.ended:
        advice = (
            f"All {body.count} bytes were sent, and Glance may have stored them. Sign in again and"
            " look at the image: `active` has them, `queued` takes another upload."
        )
    else:
        advice = "The data was not stored. Sign in again, and upload it again."
    message = f"The session ended while the data of image {image_id} was uploaded. {advice}"
    return BffError(error.code, message, **error.data)


def deleted_meanwhile(image_id: str) -> str:
    """Return the message for an image that was deleted while it was uploaded to."""
    return f"Image {image_id} was deleted while its data was uploaded: create a new one."


def not_fillable(image_id: str, image: Image) -> BffError | None:
    """Return the error for an image that takes no data, or none yet; ``None`` if it does."""
    if image.get("status") != "queued":
        return _not_queued(image_id, image)
    return _lacks_formats(image_id, image)


def _advised(code: Code, error: BffError, advice: str) -> BffError:
    return BffError(code, f"{error.message.rstrip('. ')}. {advice}", **error.data)


def _not_queued(image_id: str, image: Image, **data: Any) -> BffError:
    status = image.get("status")
    reasons = {
        "active": "it has its data already; create a new image for other data.",
        "saving": (
            "another upload of it is under way. If none is, Glance has given it up, and only"
            " deleting the image helps."
        ),
    }
    reason = reasons.get(str(status), "create a new image for other data.")
    message = f"Cannot upload to image {image_id}: it must be `queued`, and it is `{status}`;"
    return BffError(Code.CONFLICT, f"{message} {reason}", **data)


def _lacks_formats(image_id: str, image: Image) -> BffError | None:
    """Return the error for an image that takes no data yet, since it has no formats."""
    missing = [name for name in FORMATS if image.get(name, "") is None]
    if not missing:
        return None
    message = f"Cannot upload to image {image_id}: set its {' and '.join(missing)} first."
    return BffError(Code.BAD_REQUEST, message)
