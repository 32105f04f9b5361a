"""The TypeScript contract, as text; what TypeScript makes of it is tested beside the client."""

from __future__ import annotations

import re
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field, RootModel

import procedures
from bff.contract.model import contract
from bff.contract.typescript import as_typescript
from bff.errors import Code
from bff.rpc.registry import Procedure, Registry, mutation, query
from bff.session.context import PublicContext
from schemas.base import Input, NoInput
from schemas.image import ImageStatus, SortKey
from tests.bff.command import bff
from tests.process import ROOT


class Choice(Input):
    """How to choose, with a `*/` in the words."""

    kind: Literal["a", "b"] = "a"
    many: list[Literal[1, 2] | None] = Field(description="Ends a comment: */ export {}")
    odd_name: dict[str, int] | None = Field(None, alias="odd-name")


class Name(RootModel[str]):
    """What it is called."""


class Chosen(BaseModel):
    state: Literal["on", "off"]
    kind: Literal["chosen"] = "chosen"
    name: Name
    anything: Any
    inner: list[dict[str, Any]]


async def choose(ctx: PublicContext, wanted: Choice) -> Chosen | None:
    """Choose ``one`` of them. */"""
    raise NotImplementedError


async def succeed(ctx: PublicContext, wanted: NoInput) -> bool:
    """Answer yes."""
    raise NotImplementedError


def written(*procedures: Procedure) -> str:
    return as_typescript(contract(Registry(procedures)))


def test_the_contract_is_up_to_date() -> None:
    module = ROOT / "clients" / "typescript" / "src" / "contract.ts"
    assert bff("types").stdout == module.read_text(), "run `make docs`"


def test_each_procedure_has_its_kind_its_types_and_its_words() -> None:
    text = written(mutation("a.b.choose", choose, Code.CONFLICT), query("a.succeed", succeed))
    assert (
        """\
export interface Router {
  a: {
    b: {
      /**
       * Choose `one` of them. *\\/
       *
       * Errors of its own: CONFLICT.
       */
      choose: Mutation<Choice, Chosen | null>
    }
    /** Answer yes. */
    succeed: Query<NoInput, boolean>
  }
}
"""
        in text
    )
    assert 'ANSWERS_FALSE: readonly string[] = [\n  "a.succeed",\n]' in text


def test_a_procedure_with_an_upload_route_is_an_upload() -> None:
    text = written(mutation("a.fill", choose, upload_route="filling"), mutation("a.change", choose))
    assert "    fill: Upload<Choice, Chosen | null>\n" in text
    assert "    change: Mutation<Choice, Chosen | null>\n" in text
    assert """Record<string, string>> = {\n  "a.fill": "filling",\n}\n""" in text


@pytest.mark.parametrize("folder", ["clients/typescript/src", "explorer/src"])
def test_which_procedure_is_an_upload_is_said_in_the_contract_alone(folder: str) -> None:
    (name,) = [each.name for each in procedures.ALL if each.upload_route]
    texts = {path.name: path.read_text() for path in (ROOT / folder).glob("*.ts")}
    assert texts.pop("contract.ts", name).count(name) == 1
    quoted = re.compile(rf"""["'`]({re.escape(name)}|{name.rpartition(".")[2]})["'`]""")
    assert [file for file, text in texts.items() if quoted.search(text)] == []


def test_each_field_has_its_type_its_words_and_its_default() -> None:
    text = written(query("choose", choose))
    assert (
        """\
/** How to choose, with a `*\\/` in the words. */
export interface Choice {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** @default "a" */
  kind?: "a" | "b" | undefined
  /** Ends a comment: *\\/ export {} */
  many: (1 | 2 | null)[]
  "odd-name"?: Record<string, number> | null | undefined
}
"""
        in text
    )
    assert (
        """\
export interface Chosen {
  state: "on" | "off"
  kind?: "chosen"
  name: Name
  anything: unknown
  inner: Record<string, unknown>[]
}
"""
        in text
    )
    assert "/** What it is called. */\nexport type Name = string\n" in text


def test_an_enum_that_the_schemas_name_keeps_its_name() -> None:
    class Found(BaseModel):
        visibility: Literal["public", "private", "shared", "community"]
        system: Literal["linux", "windows"]
        status: ImageStatus
        key: SortKey

    async def find(ctx: PublicContext, wanted: NoInput) -> Any:
        """Find."""

    find.__annotations__["return"] = Found
    text = written(query("find", find))
    assert (
        """\
export const VISIBILITIES = ["public", "private", "shared", "community"] as const
export type Visibility = (typeof VISIBILITIES)[number]
"""
        in text
    )
    assert "  visibility: Visibility\n  system: OsType\n" in text
    assert re.findall("export const ([A-Z_]+) = ", text) == [
        "ERROR_CODES",
        "IMAGE_STATUSES",
        "OS_TYPES",
        "SORT_KEYS",
        "VISIBILITIES",
    ]
    assert "DiskFormat" not in text
