"""A search among more images than a page looks at: it goes on by itself, and can be stopped."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from itertools import count

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Explorer, Open
from tests.browser.test_address import asked, lists
from tests.browser.test_edit import JSON_PATCH
from tests.browser.views import check
from tests.devcloud import Cloud

# Of the images, as many are needles as are more than a page.
COUNT, EACH = 1200, 30
NEEDLES = [f"needle {number:04}" for number in range(0, COUNT, EACH)]


@pytest.fixture(scope="module")
def project(cloud: Cloud) -> Iterator[str]:
    """Return a project of alice's with many images, the first ones the newest."""
    project = cloud.new_project("alice")
    owner = cloud.projects[project]
    rows = [
        (str(uuid.uuid4()), f"{'hay' if number % EACH else 'needle'} {number:04}", owner)
        + (f"2026-01-01 {(COUNT - number) // 60:02}:{(COUNT - number) % 60:02}:00.000000",) * 2
        for number in range(COUNT)
    ]
    with closing(sqlite3.connect(cloud.folder / "glance.sqlite", timeout=30)) as database:
        with database:
            database.executemany(
                "INSERT INTO images (id, name, owner, created_at, updated_at, deleted, status,"
                " visibility, min_disk, min_ram)"
                " VALUES (?, ?, ?, ?, ?, 0, 'active', 'private', 0, 0)",
                rows,
            )
        yield project
        with database:
            database.execute("DELETE FROM images WHERE owner = ?", (owner,))


class Gate:
    """Lets so many requests of a search through, and holds the others back."""

    def __init__(self, page: Page) -> None:
        self.asked: list[str] = []
        self._open = 0
        self._held: list[Route] = []
        page.route("**/rpc", self._meet)

    def let(self, count: int = 1) -> None:
        """Let so many through, of those that are there or come."""
        for _ in range(count):
            if self._held:
                self._held.pop(0).continue_()
            else:
                self._open += 1

    def break_off(self) -> None:
        """End the request that is held."""
        self._held.pop(0).abort()

    def forget(self) -> None:
        """Take those that were held as given up."""
        self._held.clear()

    def _meet(self, route: Route) -> None:
        text = str(route.request.post_data)
        if "listImagesWithPagination" not in text or '"search"' not in text:
            return route.continue_()
        self.asked.append(text)
        if self._open:
            self._open -= 1
            return route.continue_()
        self._held.append(route)
        return None


def search(tab: Explorer, words: str) -> None:
    tab.page.get_by_label("Search in name").fill(words)
    tab.page.get_by_label("Search in name").press("Enter")


@pytest.fixture
def tab(explorer: Open, cloud: Cloud, project: str) -> Explorer:
    """Return the list of alice's own images."""
    tab = explorer("images?show=private").sign_in("alice", cloud.password("alice"), project)
    expect(tab.page.get_by_text(f"Page 1, 25 of {COUNT} images")).to_be_visible()
    return tab


def test_a_search_fills_its_page_and_shows_what_it_has_by_then(tab: Explorer) -> None:
    page, gate = tab.page, Gate(tab.page)
    gate.let()
    search(tab, "needle")
    expect(page.get_by_text("Page 1, 17 images so far, still looking")).to_be_visible()
    expect(page.get_by_text("500 images looked at")).to_be_visible()
    lists(tab, *NEEDLES[:17])
    expect(page.get_by_role("button", name="Next page")).to_have_count(0)
    check(tab, "search-going")
    gate.let()
    expect(page.get_by_text(f"Page 1, 25 of {len(NEEDLES)} images")).to_be_visible()
    lists(tab, *NEEDLES[:25])
    assert [text.count('"limit":8') for text in gate.asked] == [0, 1]
    gate.let()
    page.get_by_role("button", name="Next page").click()
    expect(page.get_by_text(f"Page 2, 15 of {len(NEEDLES)} images")).to_be_visible()
    lists(tab, *NEEDLES[25:])
    assert asked(page)["page"] == "2"
    page.get_by_role("button", name="Previous page").click()
    expect(page.get_by_text("looking for the page before")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("looking for the page before")).to_have_count(0)
    lists(tab, *NEEDLES[25:])
    gate.forget()
    gate.let(5)
    page.get_by_role("button", name="Previous page").click()
    expect(page.get_by_text(f"Page 1, 25 of {len(NEEDLES)} images")).to_be_visible()
    lists(tab, *NEEDLES[:25])
    page.go_back()
    lists(tab, *NEEDLES[25:])


def test_nothing_is_found_is_said_at_the_end_alone(tab: Explorer) -> None:
    page, gate = tab.page, Gate(tab.page)
    none = page.get_by_text("No image is like that.")
    gate.let()
    search(tab, "nowhere")
    expect(page.get_by_text("Nothing is found so far.")).to_be_visible()
    expect(page.get_by_text("Page 1, 0 images so far, still looking")).to_be_visible()
    expect(none).to_have_count(0)
    assert tab.faults() == []
    gate.let()
    expect(page.get_by_text("1000 images looked at")).to_be_visible()
    expect(none).to_have_count(0)
    gate.let()
    expect(none).to_be_visible()
    expect(page.get_by_text("Page 1, 0 of 0 images")).to_be_visible()
    expect(page.get_by_text("looked at")).to_have_count(0)
    assert len(gate.asked) == 3


def test_a_search_is_stopped_and_goes_on(tab: Explorer) -> None:
    page, gate = tab.page, Gate(tab.page)
    gate.let()
    search(tab, "needle 11")
    expect(page.get_by_text("still looking")).to_be_visible()
    page.get_by_role("button", name="Stop").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Go on")).to_be_focused()
    expect(page.get_by_text("Nothing is found so far.")).to_be_visible()
    expect(page.get_by_text("still looking")).to_have_count(0)
    expect(page.get_by_text("500 images looked at")).to_be_visible()
    tab.keep("search-stopped")
    assert tab.faults() == []
    gate.forget()
    gate.let(2)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Page 1, 3 of 3 images")).to_be_visible()
    lists(tab, *(name for name in NEEDLES if name.startswith("needle 11")))
    # What was stopped was asked for a second time, and nothing else.
    assert len(gate.asked) == 4


def test_another_word_ends_a_search_and_so_does_leaving(tab: Explorer) -> None:
    page, gate = tab.page, Gate(tab.page)
    gate.let()
    search(tab, "nowhere")
    expect(page.get_by_text("still looking")).to_be_visible()
    gate.forget()
    gate.let(1)
    search(tab, "needle 00")
    lists(tab, *NEEDLES[:4])
    page.get_by_role("link", name="Procedures").click()
    expect(page.get_by_label("Search procedures")).to_be_visible()
    with page.expect_response("**/rpc"):
        gate.let()
    page.get_by_role("link", name="Batch").click()
    expect(tab.heading("Batch")).to_be_visible()
    assert [text.count("nowhere") for text in gate.asked] == [1, 1, 0, 0]
    gate.let(1)
    page.get_by_role("link", name="Images", exact=True).click()
    expect(page.get_by_text("Page 1, 4 of 4 images")).to_be_visible()
    lists(tab, *NEEDLES[:4])
    assert len(gate.asked) == 5


def test_a_search_that_breaks_off_keeps_what_it_has_and_goes_on(tab: Explorer) -> None:
    page, gate = tab.page, Gate(tab.page)
    gate.let()
    search(tab, "needle 0")
    expect(page.get_by_text("still looking")).to_be_visible()
    with page.expect_event("requestfailed"):
        gate.break_off()
    expect(page.get_by_text("The search broke off")).to_be_visible()
    lists(tab, *NEEDLES[:17])
    expect(page.get_by_text("Page 1, 17 images so far", exact=True)).to_be_visible()
    check(tab, "search-broken")
    page.get_by_role("link", name=NEEDLES[0]).click()
    expect(tab.heading(NEEDLES[0])).to_be_visible()
    expect(page.get_by_text("The search broke off")).to_be_visible()
    gate.let()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("Page 1, 25 of 34 images")).to_be_visible()
    expect(page.get_by_text("The search broke off")).to_have_count(0)
    tab.failed_to_load()


def test_the_buttons_of_a_list_do_nothing_to_the_one_that_is_asked_for_next(tab: Explorer) -> None:
    page, gate = tab.page, Gate(tab.page)
    gate.let()
    search(tab, "needle")
    expect(page.get_by_text("Page 1, 17 images so far, still looking")).to_be_visible()
    gate.forget()
    search(tab, "hay 00")
    page.get_by_role("button", name="Stop").click()
    gate.let()
    hay = [f"hay {number:04}" for number in range(1, 27) if number % EACH]
    lists(tab, *hay[:25])
    search(tab, "needle")
    page.get_by_role("button", name="Next page").click()
    gate.let(2)
    expect(page.get_by_text(f"Page 1, 25 of {len(NEEDLES)} images")).to_be_visible()
    lists(tab, *NEEDLES[:25])


def test_a_late_count_offers_no_way_from_the_page_before(tab: Explorer) -> None:
    page = tab.page
    held: dict[str, Route] = {}

    def hold(route: Route) -> None:
        text = str(route.request.post_data)
        name = next((name for name in ("countImages", "marker") if name in text), "")
        if name:
            held[name] = route
        else:
            route.continue_()

    page.route("**/rpc", hold)
    more = page.get_by_role("button", name="Next page")
    hay = [f"hay {number:04}" for number in range(52) if number % EACH]
    with page.expect_request(lambda request: "countImages" in str(request.post_data)):
        page.get_by_label("Order").select_option("Name, A to Z")
    lists(tab, *hay[:25])
    with page.expect_request(lambda request: "marker" in str(request.post_data)):
        more.click()
    expect(more).to_be_visible()
    held["countImages"].continue_()
    expect(more).to_have_count(0)
    held["marker"].continue_()
    lists(tab, *hay[25:50])
    expect(more).to_be_visible()


def test_a_search_that_goes_on_in_one_project_shows_nothing_in_another(
    tab: Explorer, project: str
) -> None:
    page, gate = tab.page, Gate(tab.page)
    gate.let()
    search(tab, "needle")
    expect(page.get_by_text("Page 1, 17 images so far, still looking")).to_be_visible()
    page.get_by_label("Project").select_option("demo")
    with page.expect_event("requestfinished"):
        gate.let()
    gate.let()
    expect(page.get_by_text("No image is like that.")).to_be_visible()
    assert asked(page) == {"show": "private", "search": "needle"}
    page.get_by_label("Project").select_option(project)
    gate.let(2)
    expect(page.get_by_text(f"Page 1, 25 of {len(NEEDLES)} images")).to_be_visible()
    lists(tab, *NEEDLES[:25])


def test_who_leaves_while_the_page_before_is_looked_for_is_not_followed(tab: Explorer) -> None:
    page, gate = tab.page, Gate(tab.page)
    gate.let(3)
    search(tab, "needle")
    expect(page.get_by_text(f"Page 1, 25 of {len(NEEDLES)} images")).to_be_visible()
    page.get_by_role("button", name="Next page").click()
    lists(tab, *NEEDLES[25:])
    page.get_by_role("button", name="Previous page").click()
    expect(page.get_by_text("looking for the page before")).to_be_visible()
    page.get_by_role("link", name="Batch").click()
    expect(tab.heading("Batch")).to_be_visible()
    parts = count(1)
    with page.expect_event("requestfinished", lambda _: next(parts) == 2):
        gate.let(2)
    assert page.evaluate("new Promise(setTimeout).then(() => location.hash)") == "#/batch"
    page.get_by_role("link", name="Images", exact=True).click()
    lists(tab, *NEEDLES[25:])
    assert asked(page)["page"] == "2"


def test_an_image_that_changes_meanwhile_is_found_once(
    tab: Explorer, cloud: Cloud, project: str
) -> None:
    page, gate = tab.page, Gate(tab.page)
    page.get_by_label("Order").select_option("Changed, longest ago first")
    gate.let()
    search(tab, "needle 11")
    expect(page.get_by_text("Page 1, 3 images so far, still looking")).to_be_visible()
    glance = cloud.glance("alice", project)
    [found] = glance.get("/v2/images?name=needle%201170")["images"]
    change = [{"op": "replace", "path": "/min_ram", "value": 1}]
    glance.patch(f"/v2/images/{found['id']}", change, JSON_PATCH)
    gate.let(2)
    expect(page.get_by_text("Page 1, 3 of 3 images")).to_be_visible()
    lists(tab, "needle 1140", "needle 1110", "needle 1170")


def test_a_long_search_is_not_made_again_for_an_image_that_is_opened(
    tab: Explorer, cloud: Cloud, project: str
) -> None:
    page, gate = tab.page, Gate(tab.page)
    gate.let(3)
    search(tab, "NEEDLE 0")
    expect(page.get_by_text("Page 1, 25 of 34 images")).to_be_visible()
    glance = cloud.glance("alice", project)
    # The page's last image, behind which the next page would begin.
    for name in (NEEDLES[1], NEEDLES[24]):
        [found] = glance.get(f"/v2/images?name={name.replace(' ', '%20')}")["images"]
        glance.call("DELETE", f"/v2/images/{found['id']}")
    page.get_by_role("link", name=NEEDLES[0]).click()
    expect(tab.heading(NEEDLES[0])).to_be_visible()
    lists(tab, NEEDLES[0], *NEEDLES[2:24], *NEEDLES[25:27])
    assert len(gate.asked) == 3
