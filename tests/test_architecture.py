"""The page of the architecture: what it names is there."""

from __future__ import annotations

import re
from importlib import import_module
from operator import attrgetter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text()
WALKS = PAGE.partition("## Four walks")[2].partition("\n## ")[0]
STEPS = [
    tuple(re.split(r"  +", line))
    for block in re.findall(r"```\n(.*?)```", WALKS, re.DOTALL)
    for line in block.splitlines()
]


def test_there_are_four_walks() -> None:
    assert WALKS.count("```") == 8
    assert len(STEPS) > 30


@pytest.mark.parametrize("step", [step for step in STEPS if not step[0].endswith(".ts")], ids=str)
def test_a_step_of_a_walk_is_where_the_page_says(step: tuple[str, ...]) -> None:
    module, name, _ = step
    inside = module.removeprefix("../") if module.startswith("../") else f"bff/{module}"
    assert callable(attrgetter(name)(import_module(inside.replace("/", "."))))


def test_every_room_is_on_the_page() -> None:
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "bff").glob("*/*.py")}
    rooms = {str(folder) for folder in folders} | {"procedures", "schemas"}
    assert {room for room in rooms if f"`{room}/`" not in PAGE} == set()
