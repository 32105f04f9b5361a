"""Data that comes inside a call: how much of it, and where more of it goes."""

from __future__ import annotations

from bff.errors import BffError, Code
from bff.session.context import ProjectContext


def within_limit(ctx: ProjectContext, content: bytes) -> bytes:
    """Return data that came with a call, if it is not too much for that.

    Raises:
        BffError: PAYLOAD_TOO_LARGE; the message names the route for larger files.
    """
    settings = ctx.caller.cloud.settings
    if len(content) > settings.max_inline_upload:
        message = (
            f"The file is larger than {settings.max_inline_upload} bytes"
            f" (BFF_MAX_INLINE_UPLOAD): send it to POST {settings.prefix}/upload-image."
        )
        raise BffError(Code.PAYLOAD_TOO_LARGE, message)
    return content
