"""The quick start of docs/protocol.md, run as it stands there."""

from __future__ import annotations

import asyncio
import os
import re

import pytest

from tests.bff.conftest import Bff
from tests.cloud.conftest import Cloud
from tests.process import ROOT, SECONDS

PAGE = (ROOT / "docs" / "protocol.md").read_text()
SECTION = PAGE.partition("## Quick start\n")[2].partition("\n## ")[0]
# A block for a shell, and below it what is answered.
EXAMPLES = re.findall(r"```sh\n((?:.*\n)*?)```\n\n((?: {4}.+\n)+)", SECTION)
SETTINGS = re.compile(r"^(BFF|TOKEN)=.*\n", re.MULTILINE)
# An id differs each time; the page has its first digits.
LEFT_OUT = re.compile(r"(?:[0-9a-f]{8}-)?…")


def expected(shown: str) -> re.Pattern[str]:
    """Return what matches an answer without white space, by what the page shows of it."""
    return re.compile(".*".join(map(re.escape, LEFT_OUT.split("".join(shown.split())))))


def test_every_block_of_the_quick_start_has_its_answer() -> None:
    assert len(EXAMPLES) == SECTION.count("```sh") == 2


@pytest.mark.parametrize(("script", "shown"), EXAMPLES, ids=["a call", "a batch"])
async def test_an_example_is_answered_as_the_page_shows(
    cloud: Cloud, bff: Bff, script: str, shown: str
) -> None:
    variables = {"BFF": f"{bff.origin}/polaris-bff", "TOKEN": cloud.token("alice", "demo")}
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", SETTINGS.sub("", script)),
        env={**os.environ, **variables},
        stdout=asyncio.subprocess.PIPE,
    )
    answer, _ = await asyncio.wait_for(process.communicate(), SECONDS)
    assert expected(shown).fullmatch("".join(answer.decode().split())), answer.decode()
