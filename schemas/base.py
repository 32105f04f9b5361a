"""What every input has in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

# It begins with no dot: "." and ".." are other places once they stand in a path.
ID_PATTERN = r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}$"
UUID_PATTERN = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"
# Glance accepts NUL and line breaks in names; nothing that shows them to people does.
TEXT_PATTERN = r"^[^\x00-\x1f\x7f-\x9f]*$"
# RFC 6901, section 3: "~" stands before 0 or 1 only. The whole document ("") is no property.
POINTER_PATTERN = r"^(/([^~/\x00-\x1f\x7f-\x9f]|~[01])*)+$"
# Sites may add formats of their own; Glance's database has room for so much of a name.
FORMAT_PATTERN = r"^[a-z0-9][a-z0-9._+-]{0,19}$"
PATTERN_MESSAGES: Mapping[str, str] = {
    ID_PATTERN: "must be an id: letters, digits, '-', '_' and '.', no '.' first, at most 255",
    UUID_PATTERN: "must be a UUID, as 'a85abd86-55b3-4413-a5b7-6cd8a6bd99ac'",
    FORMAT_PATTERN: "must be a format's name, as 'raw': small letters, digits, '-'; at most 20",
    TEXT_PATTERN: "must hold no control characters",
    POINTER_PATTERN: "must be a JSON Pointer to a property, as '/name' or '/tags/-'",
}
MAX_PARAMETERS = 2000

KeystoneId = Annotated[
    str,
    StringConstraints(pattern=ID_PATTERN),
    Field(description="A project or domain id: letters, digits, `-`, `_`, `.`; at most 255."),
]
Uuid = Annotated[str, StringConstraints(pattern=UUID_PATTERN)]
Text = Annotated[str, StringConstraints(pattern=TEXT_PATTERN, max_length=255)]
Pointer = Annotated[str, StringConstraints(pattern=POINTER_PATTERN, max_length=1024)]


class Strict(BaseModel):
    """What a caller gives: unknown keys are refused, values are never converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    # pydantic makes an error for each unknown key: gigabytes for a million of them.
    max_keys: ClassVar[int] = MAX_PARAMETERS
    too_many_keys: ClassVar[str] = "an input has at most {} parameters"

    @model_validator(mode="before")
    @classmethod
    def _not_too_many(cls, value: Any) -> Any:
        if isinstance(value, dict) and len(value) > cls.max_keys:
            raise ValueError(cls.too_many_keys.format(cls.max_keys))
        return value


class Input(Strict):
    """The input of a procedure."""

    project_id: KeystoneId | None = Field(
        None,
        description="Run in this project instead of the session's own; never sent to Glance.",
    )


class NoInput(Input):
    """The input of a procedure that takes none."""


class Output(BaseModel):
    """What a procedure of our own answers, in camelCase on the wire."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True, validate_by_name=True)


class Upstream(BaseModel):
    """What Glance answers; properties that no model knows pass through whole."""

    model_config = ConfigDict(extra="allow")
