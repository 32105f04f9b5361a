"""What stands in the explorer's address: reload, back and a sent link bring a view back."""

from __future__ import annotations

import re
import urllib.parse
import uuid
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.conftest import Explorer, Open
from tests.devcloud import Cloud

NAMES = [f"{letter}-image" for letter in "abcdefg"]


def make_image(cloud: Cloud, project: str, name: str, **metadata: Any) -> str:
    image = {"visibility": "private", **metadata, "name": name}
    return str(cloud.glance("alice", project).post("/v2/images", image)["id"])


def lists(tab: Explorer, *wanted: str) -> None:
    expect(tab.page.locator(".rows tbody th a")).to_have_text(list(wanted))


def asked(page: Page) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(page.url.partition("?")[2]))


def test_a_list_is_brought_back_by_reload_by_back_and_by_a_link(
    explorer: Open, cloud: Cloud
) -> None:
    project = cloud.new_project("alice")
    ids = {name: make_image(cloud, project, name) for name in NAMES}
    tab = explorer().sign_in("alice", cloud.password("alice"), project)
    page = tab.page
    page.get_by_label("Show").select_option("private")
    page.get_by_label("State").select_option("queued")
    page.get_by_label("Order").select_option("Name, A to Z")
    lists(tab, *NAMES)
    assert asked(page) == {"show": "private", "status": "queued", "sort": "name:asc"}
    page.get_by_label("Search in name").fill("-image")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_text("Page 1, 7 of 7 images")).to_be_visible()
    page.get_by_role("link", name="c-image").click()
    expect(tab.heading("c-image")).to_be_focused()
    here = f"#/images/{ids['c-image']}?show=private&status=queued&search=-image&sort=name:asc"
    assert page.url.endswith(here)
    page.reload()
    expect(tab.heading("c-image")).to_be_visible()
    lists(tab, *NAMES)
    expect(page.get_by_label("Search in name")).to_have_value("-image")
    page.get_by_role("link", name="Close").click()
    expect(page.locator(".detail")).to_have_count(0)
    page.get_by_label("Search in name").fill("b-im")
    page.get_by_label("Search in name").press("Enter")
    lists(tab, "b-image")
    page.go_back()
    lists(tab, *NAMES)
    expect(page.get_by_label("Search in name")).to_have_value("-image")
    page.get_by_role("link", name="Procedures").click()
    page.get_by_role("link", name="Images", exact=True).click()
    lists(tab, *NAMES)
    friend = explorer(beside=tab).open(here.removeprefix("#/"))
    expect(friend.heading("c-image")).to_be_visible()
    lists(friend, *NAMES)
    page.get_by_role("button", name="Clear search and filters").click()
    expect(page.get_by_label("Search in name")).to_be_focused()
    expect(page.get_by_role("link", name="Ubuntu 24.04 LTS")).to_be_visible()
    assert asked(page) == {"sort": "name:asc"}


def test_pages_are_gone_through_in_both_directions_and_sent(explorer: Open, cloud: Cloud) -> None:
    project = cloud.new_project("alice")
    wanted = [f"{number:03}-image" for number in range(57)]
    glance = cloud.glance("alice", project)
    for name in wanted:
        glance.post("/v2/images", {"visibility": "private", "name": name})
    tab = explorer("images?show=private&sort=name:asc")
    tab.sign_in("alice", cloud.password("alice"), project)
    page = tab.page
    expect(page.get_by_text("Page 1, 25 of 57 images")).to_be_visible()
    for number in ("2", "3"):
        page.get_by_role("button", name="Next page").click()
        expect(page.get_by_text(f"Page {number}, ")).to_be_visible()
    lists(tab, *wanted[50:])
    friend = explorer(beside=tab).open(page.url.partition("#/")[2])
    expect(friend.page.get_by_text("Page 3, 7 of 57 images")).to_be_visible()
    lists(friend, *wanted[50:])
    friend.page.get_by_role("button", name="Previous page").click()
    lists(friend, *wanted[25:50])
    page.go_back()
    lists(tab, *wanted[25:50])
    assert page.url == friend.page.url
    friend.page.get_by_role("button", name="Previous page").click()
    lists(friend, *wanted[:25])
    assert asked(friend.page) == {"show": "private", "sort": "name:asc"}
    # The image that a page begins after may be gone.
    friend.open(f"images?show=private&marker={uuid.uuid4()}&page=4")
    expect(friend.page.get_by_text("The images could not be listed")).to_be_visible()
    friend.page.get_by_role("button", name="First page").click()
    expect(friend.page.get_by_text("Page 1, 25 of 57 images")).to_be_visible()


def test_what_no_control_could_say_is_not_asked_for(explorer: Open, cloud: Cloud) -> None:
    tab = explorer().sign_in("alice", cloud.password("alice"), "demo")
    for query in (
        "show=nobody&status=deleted&sort=owner:asc&size=1000000&page=-1",
        "sort=name:asc,id:desc&size=NaN&page=99999999&%E0%A4%A=%",
        "__proto__=1&show=__proto__&constructor=x&status=toString",
    ):
        tab.open(f"images?{query}")
        expect(tab.page.get_by_text(re.compile("Page 1, [0-9]+ of"))).to_be_visible()
        expect(tab.page.get_by_label("Order")).to_have_value("created_at:desc")
        expect(tab.page.get_by_role("button", name="Clear search and filters")).to_be_hidden()
