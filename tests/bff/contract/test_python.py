"""The Python contract, as text; what Python and mypy make of it is tested beside the client."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field, RootModel

from bff.contract.model import contract
from bff.contract.python import as_python
from bff.errors import Code
from bff.rpc.registry import Procedure, Registry, mutation, query
from bff.session.context import PublicContext
from schemas.base import Input, NoInput


class Choice(Input):
    '''How to choose, with a """ in the words.'''

    many: list[Literal[1, 2] | None] = Field(description='Ends "a text"')
    kind: Literal["a", "b"] = "a"
    class_name: dict[str, int] | None = Field(None, alias="class", description="A \\ in it.")
    imageId: str | None = None  # noqa: N815  # as on the wire


class Name(RootModel[str]):
    """What it is called."""


class Chosen(BaseModel):
    """What was chosen."""

    state: Literal["on", "off"]
    name: Name
    anything: Any
    inner: list[dict[str, Any]] | None = None


class Odd(BaseModel):
    """A name that is none in Python."""

    source: str | None = Field(None, alias="from", description="Where it comes from.")


async def choose(ctx: PublicContext, wanted: Choice) -> Chosen | None:
    """Choose ``one`` of them."""
    raise NotImplementedError


async def succeed(ctx: PublicContext, wanted: NoInput) -> Odd:
    """Answer."""
    raise NotImplementedError


def written(*procedures: Procedure) -> str:
    text = as_python(contract(Registry(procedures)))
    compile(text, "contract.py", "exec")
    return text


def test_each_procedure_has_a_method_for_each_way_to_call() -> None:
    text = written(mutation("a.b.chooseOne", choose, Code.CONFLICT))
    assert (
        """\
    def choose_one(
        self,
        *,
        many: list[Literal[1, 2] | None],
        kind: Literal["a", "b"] | None = None,
        class_: dict[str, int] | None = None,
        image_id: str | None = None,
        project_id: str | None = None,
    ) -> Chosen | None:
        \"\"\"Choose `one` of them.

        Args:
            many: Ends "a text"
            kind: Default: `"a"`.
            class_: A \\\\ in it.
            image_id:
            project_id: Run in this project instead of the session's own; never sent to Glance.

        Raises:
            BffError: CONFLICT; and as any call.
        \"\"\"
        return self._call("a.b.chooseOne", {"many": many, "kind": kind, "class": class_,\
 "imageId": image_id, "project_id": project_id})

    chooseOne = choose_one
"""
        in text
    )
    assert "    async def choose_one(\n" in text
    assert '        return await self._call("a.b.chooseOne", {' in text
    assert "    ) -> Outcome[Chosen | None]:\n" in text
    for prefix in ("", "Async", "Batch"):
        for name in ("Procedures", "A", "AB"):
            assert f"class {prefix}{name}(Node):\n" in text


def test_the_table_says_what_is_a_query_and_what_has_a_route() -> None:
    text = written(query("a.read", succeed), mutation("a.fill", choose, upload_route="filling"))
    assert '"a.read": Procedure(\n            True, None,\n' in text
    assert '"a.fill": Procedure(\n            False, "filling",\n' in text


def test_each_type_has_its_words() -> None:
    text = written(query("a.choose", choose), query("a.succeed", succeed))
    assert (
        '''\
class Chosen(TypedDict):
    """What was chosen."""

    state: Literal["on", "off"]

    name: Name

    anything: Any

    inner: NotRequired[list[dict[str, Any]] | None]
'''
        in text
    )
    assert "Name: TypeAlias = 'str'\n" in text
    assert '"""How to choose, with a \\"\\"\\" in the words."""' in text
    assert '    "from": "NotRequired[str | None]",  # Where it comes from.\n' in text


def test_a_project_of_the_input_itself_is_the_one_that_is_meant() -> None:
    class Scope(Input):
        """Where to work."""

        projectId: str  # noqa: N815  # as on the wire

    async def scope(ctx: PublicContext, wanted: Scope) -> bool:
        """Work there."""
        raise NotImplementedError

    scope.__annotations__["wanted"] = Scope
    text = written(mutation("a.scope", scope))
    assert '{"projectId": project_id})' in text
    assert '{"project_id": "projectId"}' in text
