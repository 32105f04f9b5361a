"""The adapters know Keystone and Glance, and nothing of what is built on them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import bff.openstack
from procedures import ALL

ROOM = Path(bff.openstack.__file__).parent
MODULES = sorted(ROOM.rglob("*.py"))
FULL_NAMES = {procedure.name for procedure in ALL}
# The last part alone, where it is no English word: "listImages".
NAMES = FULL_NAMES | {name.rpartition(".")[2] for name in FULL_NAMES}
NAMED = re.compile(rf"\b({'|'.join(map(re.escape, sorted(NAMES)))})\b")


def imported_inputs(source: str) -> list[str]:
    """Return the imported classes that are a procedure's input, and modules used for theirs."""
    nodes = list(ast.walk(ast.parse(source)))
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    imported = [alias.name for node in imports for alias in node.names]
    used = [node.attr for node in nodes if isinstance(node, ast.Attribute)]
    return [name for name in [*imported, *used] if name.endswith("Input")]


def named_procedures(source: str) -> list[str]:
    """Return the procedures that a string literal names: messages and docstrings too."""
    literals = (
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return [name for literal in literals for name in NAMED.findall(literal)]


@pytest.mark.parametrize(
    "source",
    [
        "from schemas.image import ListImagesInput",
        "from schemas.image import GlanceImage, ListImagesInput as Wanted",
        "from schemas import image\nwanted: image.ListImagesInput",
    ],
)
def test_an_input_is_found_however_it_is_imported(source: str) -> None:
    assert imported_inputs(source) == ["ListImagesInput"]


@pytest.mark.parametrize(
    "source",
    [
        "'use listImagesWithPagination.'",
        "f'{1}: use listImagesWithPagination.'",
        '"""As `compute.image.listImagesWithPagination`."""',
    ],
)
def test_a_procedure_is_found_wherever_it_is_named(source: str) -> None:
    assert [name.rpartition(".")[2] for name in named_procedures(source)] == [
        "listImagesWithPagination"
    ]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOM)))
def test_an_adapter_knows_no_procedure(module: Path) -> None:
    source = module.read_text()
    assert imported_inputs(source) == []
    assert named_procedures(source) == []
