"""The page of threats names modules and tests that there are, and covers each threat."""

from __future__ import annotations

import re

from tests.process import ROOT

PAGE = (ROOT / "docs/security.md").read_text()
ROWS = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| ")][2:]


def is_there(test: str) -> bool:
    """Return whether a ``file::function`` is a test of ours."""
    path, _, name = test.partition("::")
    if not (ROOT / path).is_file():
        return False
    definition = rf"^(async )?def {re.escape(name)}\("
    return re.search(definition, (ROOT / path).read_text(), re.MULTILINE) is not None


def test_each_threat_has_a_guard_in_a_module_and_a_test() -> None:
    assert len(ROWS) >= 30
    for threat, guard, tests in ROWS:
        modules = re.findall(r"`((?:bff|clients|deploy|explorer|schemas)/[^`]*)`", guard)
        assert modules, threat
        assert [module for module in modules if not (ROOT / module).exists()] == []
        named = re.findall(r"`(tests/[^`]+)`", tests)
        assert named, threat
        assert [test for test in named if not is_there(test)] == []


def test_one_that_is_not_there_is_found() -> None:
    assert is_there("tests/test_security_page.py::test_one_that_is_not_there_is_found")
    assert not is_there("tests/test_security_page.py::test_of_nothing")
    assert not is_there("tests/test_nothing.py::test_of_nothing")
