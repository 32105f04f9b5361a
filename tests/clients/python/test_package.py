"""The package: what it imports, what its users' type checker says, and what is in its wheel."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import zipfile
from graphlib import TopologicalSorter
from itertools import count
from pathlib import Path
from textwrap import indent

import pytest

import polaris_bff
from tests.bff.command import bff
from tests.process import ROOT, SECONDS
from tests.test_layers import imports

PROJECT = ROOT / "clients" / "python"
SOURCE = PROJECT / "src" / "polaris_bff"
MODULES = {
    ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts): path
    for path in SOURCE.rglob("*.py")
}
# What an extra brings.
EXTRAS = {
    "polaris_bff.openstack": {"openstack", "keystoneauth1"},
    "polaris_bff.cli.__init__": {"click"},
    "polaris_bff.cli.app": {"click"},
    "polaris_bff.cli.changes": {"click"},
    "polaris_bff.cli.downloads": {"click"},
    "polaris_bff.cli.options": {"click"},
    "polaris_bff.cli.sharing": {"click"},
    "polaris_bff.cli.uploads": {"click"},
    "polaris_bff.cli.image": {"click"},
    "polaris_bff.cli.output": {"click", "prettytable", "tqdm", "yaml"},
}


# What Python 3.10 does not have, of the modules that a client like this one uses.
NEWER = {
    *("asyncio.timeout", "asyncio.timeout_at", "asyncio.TaskGroup", "asyncio.Runner"),
    *("asyncio.Barrier", "contextlib.chdir", "datetime.UTC", "enum.StrEnum", "enum.verify"),
    *("hashlib.file_digest", "itertools.batched", "typing.Self", "typing.Never"),
    *("typing.LiteralString", "typing.assert_never", "typing.NotRequired", "typing.Required"),
    *("typing.Unpack", "typing.TypeVarTuple", "typing.override", "typing.dataclass_transform"),
    *("tomllib", "wsgiref.types", "ExceptionGroup", "BaseExceptionGroup"),
}


def newer(source: str) -> set[str]:
    """Return what a module uses that Python 3.10 has not; syntax that it has not is an error."""
    used: set[str] = set()
    for node in ast.walk(ast.parse(source, feature_version=(3, 10))):
        if isinstance(node, ast.Import):
            used |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            used |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
        elif isinstance(node, ast.Attribute | ast.Name):
            used.add(ast.unparse(node))
    return used & NEWER


@pytest.mark.parametrize("name", MODULES)
def test_a_module_uses_nothing_that_python_3_10_has_not(name: str) -> None:
    assert newer(MODULES[name].read_text()) == set()


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import tomllib", {"tomllib"}),
        ("from typing import Any, Self", {"typing.Self"}),
        ("async with asyncio.timeout(1): pass", {"asyncio.timeout"}),
        ("raise ExceptionGroup('', [])", {"ExceptionGroup"}),
    ],
)
def test_what_python_3_10_has_not_is_found(source: str, found: set[str]) -> None:
    assert newer(source) == found


def test_syntax_that_python_3_10_has_not_is_an_error() -> None:
    with pytest.raises(SyntaxError):
        newer("try: pass\nexcept* ValueError: pass")


def test_the_contract_is_up_to_date() -> None:
    assert bff("python-types").stdout == (SOURCE / "contract.py").read_text(), "run `make docs`"


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_nothing_of_the_server(name: str) -> None:
    roots = {wanted.split(".")[0] for wanted in imports(MODULES[name])}
    # For type checkers alone, which know it.
    allowed = {"polaris_bff", "httpx", "typing_extensions", *EXTRAS.get(name, ())}
    assert roots - sys.stdlib_module_names - allowed == set()


def test_there_is_no_import_cycle() -> None:
    edges = {
        name: {
            target
            for wanted in imports(path)
            if (target := _module(wanted)) in MODULES and target != name
        }
        for name, path in MODULES.items()
    }
    assert any(edges.values())
    TopologicalSorter(edges).prepare()


def _module(wanted: str) -> str:
    begin = wanted.rpartition(".")[0]
    names = (wanted, f"{wanted}.__init__", begin, f"{begin}.__init__")
    return next((name for name in names if name in MODULES), "")


def test_each_public_name_is_where_it_is_looked_for() -> None:
    names = {*polaris_bff._HOMES, "__version__"}
    assert set(polaris_bff.__all__) == names <= set(dir(polaris_bff))
    assert all(hasattr(polaris_bff, name) for name in polaris_bff.__all__)
    assert not hasattr(polaris_bff, "Clients")


def test_type_checkers_alone_need_more_than_httpx() -> None:
    for path in MODULES.values():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ImportFrom):
                assert node.module != "typing_extensions", path


GOOD = """\
from polaris_bff import AsyncClient, Client, Outcome
from polaris_bff.contract import GlanceImage

with Client("https://cloud.example/polaris-bff", token="t") as client:
    images: list[GlanceImage] = client.compute.image.list_images(status="active", limit=10)
    alias: GlanceImage = client.compute.image.getImageById(image_id="x")
    done: bool = client.compute.image.delete_image(image_id=images[0]["id"])
    with client.batch() as batch:
        pending: Outcome[GlanceImage] = batch.compute.image.get_image_by_id(image_id="x")
    name: str | None = pending.result()["name"]
    for image in client.images(visibility="all", limit=5):
        print(image["id"])
    client.create_and_upload("disk.img", name="x", disk_format="raw", container_format="bare")


async def main() -> None:
    async with AsyncClient() as client:
        image: GlanceImage = await client.compute.image.get_image_by_id(image_id="x")
        async for each in client.images(name="x"):
            print(each["id"], image)
"""
README = """\
from polaris_bff import AsyncClient, Client, OpenStack, Password, properties

token, one, another = "t", "1", "2"
url, session = "https://cloud.example/polaris-bff", object()
client = Client(url)
"""
BAD = [
    "client.compute.image.list_images(limt=1)",
    'client.compute.image.list_images(status="activ")',
    "client.compute.image.get_image_by_id()",
    "client.compute.image.get_image_by_id(image_id=1)",
    'client.images(visibilty="all")',
    'client.wait_for("x", "activ")',
    'client.compute.image.get_image_by_id(image_id="x")["nam"]',
    "client.compute.image.no_such()",
]


BLOCKS = re.findall(r"```python\n(.*?)```", (PROJECT / "README.md").read_text(), re.DOTALL)


def _as_function(number: int, block: str) -> str:
    """Return an example as a function, where it may await."""
    return f"\n\nasync def example_{number}() -> None:\n{indent(block, '    ')}"


def test_its_users_types_are_checked_strictly(tmp_path: Path) -> None:
    begin = "from polaris_bff import Client\n\nclient = Client()\n"
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "readme.py").write_text(README + "".join(map(_as_function, count(), BLOCKS)))
    (tmp_path / "bad.py").write_text(begin + "\n".join(BAD) + "\n")
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        # Whatever has not changed since is not checked again.
        f"--cache-dir={ROOT / '.mypy_cache' / 'users'}",
        "good.py",
        "bad.py",
        "readme.py",
    ]
    checked = subprocess.run(
        command,
        cwd=tmp_path,
        env={"MYPYPATH": str(PROJECT / "src"), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=10 * SECONDS,
        check=False,
    )
    lines = {line.split(":")[1] for line in checked.stdout.splitlines() if ": error:" in line}
    assert "good.py" not in checked.stdout, checked.stdout
    assert "readme.py" not in checked.stdout, checked.stdout
    assert lines == {str(number) for number in range(4, 4 + len(BAD))}, checked.stdout


def test_the_wheel_has_the_client_and_nothing_of_the_server(tmp_path: Path) -> None:
    command = [
        *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"),
        *("--wheel-dir", str(tmp_path), str(PROJECT)),
    ]
    subprocess.run(command, check=True, timeout=10 * SECONDS)
    (wheel,) = tmp_path.glob("polaris_bff_client-*.whl")
    with zipfile.ZipFile(wheel) as content:
        names = set(content.namelist())
    assert {"polaris_bff/py.typed", "polaris_bff/contract.py"} <= names
    assert {name.split("/")[0].split("-")[0] for name in names} == {
        "polaris_bff",
        "polaris_bff_client",
    }
