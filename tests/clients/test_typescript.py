"""The TypeScript client: its types, its tests, its package."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from bff import asgi
from bff.contract.model import json_schemas
from tests.node import CLIENT, oldest_node, run

pytestmark = pytest.mark.usefixtures("typescript_client")


def test_the_client_and_its_tests_are_in_their_form_and_compile() -> None:
    run(CLIENT, "prettier", "--check", ".")
    run(CLIENT, "tsc")


def test_the_client_passes_its_own_tests() -> None:
    words = ("node", "--test", "--test-reporter=tap", "test/*.test.ts")
    assert "# fail 0" in run(CLIENT, *words, OLDEST_NODE=str(oldest_node()))


def test_a_fresh_copy_is_packed_with_its_code(tmp_path: Path) -> None:
    copy = tmp_path / "client"
    shutil.copytree(CLIENT, copy, ignore=shutil.ignore_patterns("dist", "node_modules", "*.tgz"))
    (copy / "node_modules").symlink_to(CLIENT / "node_modules")
    run(copy, "npm", "pack")
    (package,) = copy.glob("*.tgz")
    with tarfile.open(package) as content:
        names = set(content.getnames())
    assert {"package/dist/index.js", "package/dist/index.d.ts", "package/dist/trpc.js"} <= names


def test_the_contract_means_what_json_schema_to_typescript_reads(tmp_path: Path) -> None:
    registry = asgi.registry()
    schemas, definitions = json_schemas(registry)
    sides = {"validation": "input", "serialization": "output"}
    tops = {f"{name} {sides[mode]}": schema for (name, mode), schema in schemas.items()}
    kinds = {name: procedure.kind.value for name, procedure in registry.items()}
    uploads = [name for name, procedure in registry.items() if procedure.upload_route]
    contract = {
        "kinds": kinds,
        "uploads": uploads,
        "tops": tops,
        "components": {"schemas": definitions},
    }
    (tmp_path / "schemas.json").write_text(json.dumps(_with_open_enums(contract)))
    run(CLIENT, "node", "test/reference.ts", str(tmp_path / "schemas.json"), str(tmp_path))
    lines = (tmp_path / "same.ts").read_text().splitlines()
    assert len([line for line in lines if line.startswith("same<")]) == len(definitions) + len(
        kinds
    )
    options = [
        "--ignoreConfig",
        "--strict",
        "--noEmit",
        "--allowImportingTsExtensions",
        "--module",
        "nodenext",
    ]
    run(CLIENT, "tsc", *options, str(tmp_path / "same.ts"))


def _with_open_enums(part: Any) -> Any:
    """Have any other string, beside those that are known, read so that it does not hide them."""
    if isinstance(part, list):
        return [_with_open_enums(each) for each in part]
    if not isinstance(part, dict):
        return part
    changed = {key: _with_open_enums(value) for key, value in part.items()}
    choices = changed.get("anyOf", [])
    if any("enum" in choice for choice in choices):
        changed["anyOf"] = [
            {"tsType": "(string & {})"} if "pattern" in choice else choice for choice in choices
        ]
    return changed
