"""The explorer's source and the page that was built from it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.explorer.tools import SOURCE, run
from tests.process import ROOT

PAGE = ROOT / "bff" / "explorer" / "page"


def files(folder: Path) -> dict[str, bytes]:
    """Return what is in the files below a folder, by their names."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def test_the_source_compiles_and_has_its_form() -> None:
    run("typescript/bin/tsc")
    run("prettier/bin/prettier.cjs", "--check", ".")


def test_the_committed_page_is_what_its_source_builds(tmp_path: Path) -> None:
    run("vite/bin/vite.js", "build", "--outDir", str(tmp_path), "--emptyOutDir")
    built, committed = files(tmp_path), files(PAGE)
    assert committed.keys() == built.keys(), "run make explorer, and commit what it builds"
    assert committed == built


def test_the_lock_file_pins_every_package_and_names_no_registry() -> None:
    packages = json.loads((SOURCE / "package-lock.json").read_text())["packages"]
    pinned = {name: package for name, package in packages.items() if name}
    assert pinned
    assert all("integrity" in package for package in pinned.values())
    assert not [name for name, package in pinned.items() if "resolved" in package]
