"""The page of the procedures: how it says types of which the image service has none."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, RootModel

from bff.contract.markdown import as_markdown
from bff.contract.model import contract
from bff.rpc.registry import Registry, mutation, query
from bff.session.context import PublicContext
from schemas.base import Input


class Asked(Input):
    """What to look for."""

    size: Literal[1, 2] | str | None = Field(None, description="How large.")
    many: list[int] | None = Field(default=[3], description="How many.")
    some: int | None = Field(None, ge=1, lt=10, description="A few.")


class Name(RootModel[str]):
    """What it is called."""


class Found(BaseModel):
    """What there is."""

    kind: Literal["found"] = Field("found", description="Always the same.")
    name: Name | None = Field(description="Its name.")
    more: dict[str, int] = Field(description="The rest.")


async def find(ctx: PublicContext, wanted: Asked) -> Found:
    """Find."""
    raise NotImplementedError


async def fill(ctx: PublicContext, wanted: Asked) -> Found:
    """Fill."""
    raise NotImplementedError


def test_an_upload_route_is_said_where_there_is_one() -> None:
    words = "- Its route for files of any size: [`filling`](uploads.md).\n"
    filling = mutation("fill", fill, upload_route="filling")
    assert words in as_markdown(contract(Registry([filling])))
    assert "files of any size" not in as_markdown(contract(Registry([query("find", find)])))


def test_each_type_is_said_and_a_parameters_null_is_not() -> None:
    page = as_markdown(contract(Registry([query("find", find)])))
    for row in (
        "| `size` | `1`, `2` or string |  | How large. |",
        "| `many` | integer[] | `[3]` | How many. |",
        "| `some` | integer |  | A few. From 1 to 9. |",
        '| `kind` | `found` | `"found"` | Always the same. |',
        "| `name` | [Name](#name) or null | **required** | Its name. |",
        "| `more` | object | **required** | The rest. |",
        "### Name\n\nWhat it is called.\n\nstring\n",
    ):
        assert row in page
