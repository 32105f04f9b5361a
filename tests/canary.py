"""No secret gets out: what tests write, log and are answered is searched for all their secrets.

Every token and password that the fakes and the stage hand out has a form of its own; real tokens of
Keystone and our cookies are Fernet's, which all begin alike. So no list of them has to be kept.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping

import pytest

SECRET = re.compile(
    r"gAAAAA[\w-]{40}"  # sealed cookies, real Keystone tokens
    r"|token-[0-9a-f]{8}-[0-9a-f]{4}-4"  # of tests/fakes
    r"|token-of-(?:alice|bob)"  # of tests/faults
    r"|secret-password"
)
# In characters. A longer answer is a list of images.
ENOUGH = 1024 * 1024


def check(where: str, text: str) -> None:
    """Fail where a text has a secret; the message does not repeat it."""
    found = leak(where, text)
    assert found is None, found


def leak(where: str, text: str) -> str | None:
    """Return what to say of the first secret in a text; ``None`` when it has none."""
    found = SECRET.search(text[:ENOUGH])
    if found is None:
        return None
    before = text[max(found.start() - 200, 0) : found.start()]
    return f"A secret is in {where}, after: {before}"


def check_answer(headers: Mapping[str, str], body: bytes) -> None:
    """Fail where an answer has a secret; ``Set-Cookie`` is where a cookie belongs."""
    shown = {name: value for name, value in headers.items() if name.lower() != "set-cookie"}
    check("an answer", f"{shown}\n{body[:ENOUGH].decode('utf-8', 'replace')}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that passed while something of what was written meanwhile is a secret."""
    report = yield
    # A report has what the earlier ones had, too.
    phase = [(where, text) for where, text in report.sections if where.endswith(str(report.when))]
    found = [leak(where, text) for where, text in phase]
    told = "\n".join(filter(None, found))
    if told and report.passed:
        report.outcome = "failed"
        report.longrepr = told
    return report
