"""The explorer's source and the page that was built from it."""

from __future__ import annotations

import re
from pathlib import Path

from tests.node import run
from tests.process import ROOT

SOURCE = ROOT / "explorer"
PAGE = ROOT / "bff" / "explorer" / "page"


def files(folder: Path) -> dict[str, bytes]:
    """Return what is in the files below a folder, by their names."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def test_the_source_compiles_and_has_its_form() -> None:
    run(SOURCE, "tsc")
    run(SOURCE, "prettier", "--check", ".")


def test_the_committed_page_is_what_its_source_builds(tmp_path: Path) -> None:
    run(SOURCE, "vite", "build", "--outDir", str(tmp_path), "--emptyOutDir")
    built, committed = files(tmp_path), files(PAGE)
    assert committed.keys() == built.keys(), "run make explorer, and commit what it builds"
    assert committed == built


def test_the_page_is_small_and_loads_nothing_from_elsewhere() -> None:
    (script,) = (PAGE / "assets").glob("*.js")
    assert len(script.read_bytes()) < 90_000
    named = re.findall(r'(?:src|href|url)[=(]"?([^"\s>)]+)', page_text())
    assert named
    assert [address for address in named if "//" in address or address.startswith("data:")] == []


def page_text() -> str:
    """Return the markup and the style sheet, which alone name what a browser loads."""
    (style,) = (PAGE / "assets").glob("*.css")
    return (PAGE / "index.html").read_text() + style.read_text()
