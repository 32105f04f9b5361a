"""The explorer's page as it is served; what it does is proved in a browser."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from html.parser import HTMLParser

import aiohttp
import pytest

from tests.bff.conftest import Bff

Start = Callable[..., Awaitable[Bff]]
Attributes = list[tuple[str, str | None]]


class Parts(HTMLParser):
    """Which files a page names, and whether something in it would run without one."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.files: list[str] = []
        self.inline: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: Attributes) -> None:
        given = dict(attributes)
        self.files += [given[name] or "" for name in ("src", "href") if name in given]
        named = [name for name in given if name == "style" or name.startswith("on")]
        if named or tag == "style" or (tag == "script" and not given.get("src")):
            self.inline.append(tag)


async def get(bff: Bff, path: str) -> aiohttp.ClientResponse:
    return await bff.request("GET", f"{bff.origin}{path}", allow_redirects=False)


async def test_the_page_may_only_load_what_this_server_serves(bff: Bff) -> None:
    response = await get(bff, "/polaris-bff/")
    policy = dict(
        part.split(" ", 1) for part in response.headers["content-security-policy"].split("; ")
    )
    assert response.status == 200
    assert response.content_type == "text/html"
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["img-src"] == "'self' data:"
    assert policy["base-uri"] == policy["form-action"] == policy["frame-ancestors"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in response.headers["content-security-policy"]


async def test_nothing_in_the_page_is_inline_and_its_files_are_named_relatively(bff: Bff) -> None:
    page = Parts(await (await get(bff, "/polaris-bff/")).text())
    assert page.inline == []
    assert page.files
    assert all(re.fullmatch(r"\./assets/[\w.-]+", name) for name in page.files)


@pytest.mark.parametrize("prefix", ["/polaris-bff", "/cloud/images"])
async def test_the_page_and_all_its_files_are_served_below_any_prefix(
    start: Start, prefix: str
) -> None:
    bff = await start(prefix=prefix)
    page = Parts(await (await get(bff, f"{prefix}/")).text())
    answers = [await get(bff, f"{prefix}/{name}") for name in page.files]
    assert {answer.status for answer in answers} == {200}
    kinds = {answer.content_type for answer in answers}
    assert kinds == {"text/javascript", "text/css", "image/svg+xml"}


async def test_the_files_may_be_kept_for_ever_and_the_page_not_at_all(bff: Bff) -> None:
    page = await get(bff, "/polaris-bff/")
    assert page.headers["cache-control"] == "no-store"
    for name in Parts(await page.text()).files:
        kept = (await get(bff, f"/polaris-bff/{name}")).headers["cache-control"]
        assert kept == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(("prefix", "target"), [("/polaris-bff", "polaris-bff/"), ("/a/b", "b/")])
async def test_the_prefix_without_a_slash_leads_to_the_page(
    start: Start, prefix: str, target: str
) -> None:
    response = await get(await start(prefix=prefix), prefix)
    assert (response.status, response.headers["location"]) == (307, target)


@pytest.mark.parametrize(
    "path",
    [
        "assets/",
        "assets/nothing.js",
        "assets/../index.html",
        "assets/..%2findex.html",
        "assets/%2e%2e/%2e%2e/__init__.py",
        "assets/..%2f..%2f__init__.py",
        "assets/%2fetc%2fpasswd",
        "assets/index.html%00.js",
        "index.html",
    ],
)
async def test_no_other_file_is_served(bff: Bff, path: str) -> None:
    host, _, port = bff.origin.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET /polaris-bff/{path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert (await reader.readline()).split()[1] == b"404"
    writer.close()


async def test_the_page_can_be_switched_off(start: Start) -> None:
    page = Parts(await (await get(await start(), "/polaris-bff/")).text())
    bff = await start(explorer=False)
    for path in ("", "/", *(f"/{name}" for name in page.files)):
        assert (await get(bff, f"/polaris-bff{path}")).status == 404
    assert "result" in await bff.call("auth.getCurrentUserSession")
