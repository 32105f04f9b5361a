"""An image's data. Specification: "Upload Image Data"."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from schemas.base import Output
from schemas.image import EXAMPLE_ID, OneImageInput


def _decoded(value: Any) -> bytes:
    try:
        return base64.b64decode(value if isinstance(value, str) else "-", validate=True)
    except (binascii.Error, ValueError):
        message = "must be a string in base64 (RFC 4648, section 4), without line breaks"
        raise ValueError(message) from None


Base64 = Annotated[
    bytes,
    BeforeValidator(_decoded),
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
]


class UploadImageInput(OneImageInput):
    """Which image to fill, and with what."""

    file: Base64 = Field(
        description="The data in base64; more of it goes through the upload route.",
        examples=["UG9sYXJpcw=="],
    )


class UploadResult(Output):
    """The image has all of its data and is `active`."""

    success: bool = Field(description="Always true: a failure is an error.", examples=[True])
    image_id: str = Field(alias="imageId", description="The image's UUID.", examples=[EXAMPLE_ID])
