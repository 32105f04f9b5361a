"""A table that does not fit stops the start, not the first call."""

from __future__ import annotations

from typing import Any

import pytest

import procedures
from bff.rpc.registry import Kind, Registry, mutation, query
from bff.session.context import PublicContext
from schemas.base import NoInput
from schemas.image import GlanceImage
from schemas.json import Json


async def fine(ctx: PublicContext, params: NoInput) -> bool:
    """Answer."""
    return True


async def forwarding(ctx: PublicContext, params: NoInput) -> Json[GlanceImage]:
    """Answer what came."""
    return Json(b"{}")


async def no_context(ctx: int, params: NoInput) -> bool:
    """Lack a context."""
    return True


async def no_input(ctx: PublicContext, params: dict[str, Any]) -> bool:
    """Lack an input."""
    return True


async def too_much(ctx: PublicContext, params: NoInput, more: int) -> bool:
    """Take too much."""
    return True


async def unannotated(ctx, params: NoInput) -> bool:  # type: ignore[no-untyped-def]
    """Say too little."""
    return True


async def silent(ctx: PublicContext, params: NoInput):  # type: ignore[no-untyped-def]
    """Say nothing of the answer."""


def not_async(ctx: PublicContext, params: NoInput) -> bool:
    """Block."""
    return True


@pytest.mark.parametrize(
    "handler", [no_context, no_input, too_much, unannotated, silent, not_async]
)
def test_a_handler_that_does_not_fit_is_refused_by_name(handler: Any) -> None:
    with pytest.raises(TypeError, match=r"a\.b: "):
        query("a.b", handler)


@pytest.mark.parametrize(
    "name", ["rpc.discover", "rpc", "a.then", "call.b", "a.apply", "a..b", "", "1a", "a b"]
)
def test_a_reserved_or_malformed_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"reserved|dotted"):
        Registry([query(name, fine)])


def test_two_procedures_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two procedures"):
        Registry([query("a.b", fine), mutation("a.b", forwarding)])


def test_a_procedure_knows_what_its_handler_says() -> None:
    plain, raw = query("a.b", fine), mutation("a.c", forwarding)
    assert (plain.kind, plain.input, plain.soft_answer) == (Kind.QUERY, NoInput, False)
    assert plain.description == "Answer."
    assert (raw.kind, raw.soft_answer) == (Kind.MUTATION, None)
    assert raw.output.json_schema()["title"] == "GlanceImage"


def test_the_registry_is_a_read_only_mapping() -> None:
    registry = Registry([query("a.b", fine)])
    assert list(registry) == ["a.b"]
    assert len(registry) == 1
    assert not hasattr(registry, "__setitem__")


def test_every_procedure_describes_itself_and_each_of_its_parameters() -> None:
    for procedure in Registry(procedures.ALL).values():
        assert procedure.description
        assert procedure.input.__doc__
