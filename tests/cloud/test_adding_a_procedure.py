"""The four steps of docs/architecture.md, "Adding one", taken from the page and followed."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import aiohttp
import pytest

import procedures
from tests.bff.conftest import Bff
from tests.cloud import test_images
from tests.cloud.conftest import Cloud, User
from tests.process import ROOT, line_of, running

# A numbered paragraph that names a file, and the block below it.
STEP = re.compile(r"^\d\. .*?`(\S+\.py)`.*?^   ```python\n(.*?)^   ```", re.MULTILINE | re.DOTALL)
NEW = "compute.image.listImagesWithTag"


def steps() -> list[tuple[str, str]]:
    """Return the steps in order: the file that each one names, and its block."""
    page = (ROOT / "docs" / "architecture.md").read_text()
    section = page.partition("### Adding one, in four steps\n")[2].partition("\n## ")[0]
    return [(file, dedent(block)) for file, block in STEP.findall(section)]


def add(file: Path, block: str) -> None:
    """Put a block where a person would: imports to the imports, the rest to the end."""
    lines = block.splitlines(keepends=True)
    imports = [line for line in lines if line.startswith(("from ", "import "))]
    rest = "".join(line for line in lines if line not in imports)
    before, future, after = file.read_text().rpartition("from __future__ import annotations\n")
    file.write_text(before + future + "".join(imports) + after + "\n\n" + rest.strip() + "\n")


def add_to_table(file: Path, block: str) -> None:
    """Put a line before the end of the table."""
    table = file.read_text().rstrip()
    assert table.endswith("\n)")
    file.write_text(table.removesuffix(")") + block + ")\n")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a copy of the product in which the first three steps are done."""
    for room in ("bff", "procedures", "schemas"):
        shutil.copytree(ROOT / room, tmp_path / room)
    schema, handler, line, _ = steps()
    for file, block in (schema, handler):
        add(tmp_path / file, block)
    add_to_table(tmp_path / line[0], line[1])
    return tmp_path


@pytest.fixture
def address(tree: Path, cloud: Cloud) -> Iterator[str]:
    """Return the address of a BFF that is served from the copy."""
    from_the_copy = {"PYTHONSAFEPATH": "1", "PYTHONPATH": str(tree)}
    words = ["bff", "serve", "--port", "0"]
    with running(*words, BFF_AUTH_URL=cloud.auth_url, **from_the_copy) as process:
        line = line_of(process, containing="ready ")
        yield line.removeprefix("ready ").removesuffix("/polaris-bff/")


def test_it_is_one_schema_one_handler_one_line_and_one_test() -> None:
    assert [file for file, _ in steps()] == [
        "schemas/image.py",
        "procedures/image/images.py",
        "procedures/image/__init__.py",
        "tests/cloud/test_images.py",
    ]
    schema, handler, line, test = (block for _, block in steps())
    assert schema.count("class ") == handler.count("def ") == test.count("def ") == 1
    assert line.count("query(") == 1
    assert f'"{NEW}"' in line


async def test_the_procedure_answers_and_its_own_test_passes(
    address: str, cloud: Cloud, client: aiohttp.ClientSession
) -> None:
    assert NEW not in [procedure.name for procedure in procedures.ALL]
    alice = User(Bff(address, client), cloud.token("alice", "demo"))
    (_, test) = steps()[3]
    names = dict(vars(test_images))
    known = set(names)
    exec(test, names)
    (written,) = [value for name, value in names.items() if name not in known]
    await asyncio.wait_for(written(alice), 30)
    # What comes with it: the hint for a name that is almost right, soft mode, strict input.
    answer = await alice.answer("listImagesWithTags", tag="ci")
    assert f"did you mean {NEW}?" in answer["error"]["message"]
    soft = await alice.bff.call(NEW, {"tag": 1}, X_Auth_Token=alice.token, X_BFF_Errors="soft")
    assert soft["result"] is None
    assert "did you mean tag?" in (await alice.error("listImagesWithTag", tags="ci"))[1]
