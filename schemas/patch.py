"""JSON Patch: the operations of ``updateImage``. Sources: RFC 6902 and RFC 6901."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from schemas.base import PATTERN_MESSAGES, TEXT_PATTERN, Pointer, Strict
from schemas.image import UNCHANGEABLE_PROPERTIES, OneImageInput

MAX_OPERATIONS = 1000
# orjson writes 254 levels; no property has more than one.
MAX_LEVELS = 100

WITH_VALUE = frozenset({"add", "replace", "test"})
WITH_FROM = frozenset({"move", "copy"})
# What people are shown; ``createImage`` takes no other values for them either.
SHOWN = frozenset({"name", "tags"})


class JSONPatchOperation(Strict):
    """One step of a patch; what its ``op`` does not use is ignored (RFC 6902, section 4)."""

    max_keys: ClassVar[int] = 20
    too_many_keys: ClassVar[str] = "an operation has at most {} members"

    op: Literal["add", "remove", "replace", "move", "copy", "test"] = Field(
        description="What to do.", examples=["replace"]
    )
    path: Pointer = Field(
        description="Where: a JSON Pointer, as `/name` or `/tags/-`.", examples=["/name"]
    )
    value: Any = Field(
        None,
        description="For `add`, `replace` and `test`: the value.",
        examples=["Ubuntu 22.04 LTS Updated"],
    )
    from_: Pointer | None = Field(
        None, alias="from", description="For `move` and `copy`: where it comes from."
    )

    @field_validator("value")
    @classmethod
    def _not_too_deep(cls, value: Any) -> Any:
        level = [value]
        for _ in range(MAX_LEVELS):
            level = [part for whole in level for part in _parts(whole)]
            if not level:
                return value
        raise ValueError(f"has more than {MAX_LEVELS} levels")

    @field_validator("path", "from_")
    @classmethod
    def _means_what_glance_reads(cls, pointer: str | None) -> str | None:
        # Glance drops slashes in front and spaces around a name: "//owner " is its "owner".
        # Source: ``glance/api/v2/images.py``, ``RequestDeserializer._decode_json_pointer``.
        name = pointer.split("/")[1] if pointer is not None else "name"
        if not name or name != name.strip():
            raise ValueError("must name a property, without spaces around its name")
        return pointer

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if self.op in WITH_VALUE and "value" not in self.model_fields_set:
            raise ValueError(f"{self.op} needs value")
        if self.op in WITH_FROM and self.from_ is None:
            raise ValueError(f"{self.op} needs from")
        return self

    @model_validator(mode="after")
    def _can_be_changed_again(self) -> Self:
        name = self.path.split("/")[1]
        if self.op not in ("remove", "test") and name in UNCHANGEABLE_PROPERTIES:
            raise ValueError(f"Glance cannot change a property {name!r} later; use another name")
        return self

    @model_validator(mode="after")
    def _can_be_shown(self) -> Self:
        name = self.path.split("/")[1]
        if name in SHOWN and self.op in ("add", "replace"):
            for text in self.value if isinstance(self.value, list) else [self.value]:
                if isinstance(text, str) and not re.fullmatch(TEXT_PATTERN, text):
                    raise ValueError(f"the value of {name} {PATTERN_MESSAGES[TEXT_PATTERN]}")
                if name == "tags" and text == "":
                    raise ValueError("a tag must have at least one character")
        return self

    def as_json(self) -> dict[str, Any]:
        """Return the operation with the members that it uses, in the names of RFC 6902."""
        step: dict[str, Any] = {"op": self.op, "path": self.path}
        if self.op in WITH_VALUE:
            step["value"] = self.value
        if self.op in WITH_FROM:
            step["from"] = self.from_
        return step


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


class UpdateImageInput(OneImageInput):
    """Which image to change, and how: all operations or none of them."""

    operations: list[JSONPatchOperation] = Field(
        max_length=MAX_OPERATIONS, description="JSON Patch (RFC 6902), applied in this order."
    )
