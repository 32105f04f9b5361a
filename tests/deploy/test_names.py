"""What deploy/ and the operators' page name is there: settings, files, headings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.deploy.files import DEPLOY, SETTINGS
from tests.process import ROOT

OPERATIONS = ROOT / "docs/operations.md"
PAGES = [DEPLOY / "README.md", OPERATIONS, ROOT / "docs/security.md"]
FILES = [*sorted(path for path in DEPLOY.rglob("*") if path.is_file()), *PAGES[1:]]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_setting_is_one(path: Path) -> None:
    assert set(re.findall(r"BFF_[A-Z_]+\b", path.read_text())) <= SETTINGS


def anchors(page: Path) -> set[str]:
    """Return what can follow a # in a link to a page, as GitHub makes it of the headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)]+)\)", page.read_text())
    assert links
    for link in links:
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_operators_page_has_its_parts() -> None:
    parts = re.findall(r"^## (.*)$", OPERATIONS.read_text(), re.MULTILINE)
    assert parts == [
        *("Install", "Size", "Watch", "Stops", "Audit", "Traces", "Upgrade", "Rotate keys"),
        *("Private clouds", "Alerts"),
    ]
