"""Ids that come outside of a procedure's input: in a path, a query, a header or a form."""

from __future__ import annotations

import re

from bff.errors import BffError, Code
from schemas.base import ID_PATTERN, UUID_PATTERN


def checked_image_id(value: str, name: str) -> str:
    """Return an image's id.

    Args:
        name: Where it was given.

    Raises:
        BffError: BAD_REQUEST, it is none.
    """
    if not re.fullmatch(UUID_PATTERN, value):
        raise BffError(Code.BAD_REQUEST, f"{name} must be the UUID of an image.")
    return value


def checked_project_id(value: str, name: str) -> str:
    """Return a project's id.

    Args:
        name: Where it was given.

    Raises:
        BffError: BAD_REQUEST, it is none.
    """
    if not re.fullmatch(ID_PATTERN, value):
        raise BffError(Code.BAD_REQUEST, f"{name} must be the id of a project.")
    return value
