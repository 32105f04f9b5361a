"""Every view, dark and light, on phone, tablet and desk; `make pictures` keeps what is seen."""

from __future__ import annotations

import base64
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import PICTURES, Explorer, Open
from tests.browser.test_upload_queue import DROP
from tests.browser.views import SCHEMES, check
from tests.devcloud import Cloud
from tests.process import ROOT

HOSTILE = "<img src=x onerror=alert(1)>"
JSON_PATCH = "application/openstack-images-v2.1-json-patch"
GIB = 1024**3


def test_every_view_is_accessible_and_fits(explorer: Open, cloud: Cloud) -> None:
    project = cloud.new_project("alice")
    image = {"visibility": "shared", "tags": ["a-tag", "t" * 200]}
    glance = cloud.glance("alice", project)
    image_id, _ = (
        str(glance.post("/v2/images", {**image, "name": name, "os_distro": "debian"})["id"])
        for name in ("x" * 255, HOSTILE)
    )
    tab = explorer()
    expect(tab.heading("Sign in")).to_be_visible()
    check(tab, "sign-in")
    tab.page.get_by_label("User").fill("alice")
    tab.page.get_by_label("Password").fill(cloud.password("alice"))
    tab.page.get_by_role("button", name="Sign in").click()
    expect(tab.heading("Choose a project")).to_be_visible()
    check(tab, "choose-project")
    tab.page.get_by_role("button", name=project, exact=True).click()
    see_the_list(tab)
    go_without_a_mouse(tab)
    tab.open(f"images/{image_id}")
    see_an_image(tab, cloud, project, image_id)
    see_what_makes_images(tab)
    see_procedures(tab)
    see_the_batch(tab)
    see_the_end(tab)
    tab.failed_to_load()


def see_the_list(tab: Explorer) -> None:
    page = tab.page
    page.get_by_label(f"Select {HOSTILE}").check()
    check(tab, "images")
    page.locator(".bulk").get_by_role("button", name="Delete").click()
    check(tab, "question")
    page.keyboard.press("Escape")
    expect(page.locator(".bulk").get_by_role("button", name="Delete")).to_be_focused()
    page.locator(".bulk").get_by_role("button", name="Deactivate").click()
    expect(page.get_by_role("heading", name="0 deactivated, 1 failed")).to_be_visible()
    check(tab, "failures")
    page.get_by_role("button", name="Dismiss").click()
    tab.open("images?search=no-such-image")
    expect(page.get_by_role("button", name="Show all")).to_be_visible()
    check(tab, "images-none")
    page.context.set_offline(True)
    page.get_by_role("button", name="Show all").click()
    expect(page.get_by_text("Try again when it is connected.")).to_be_visible()
    check(tab, "images-offline")
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_label(f"Select {HOSTILE}")).to_be_visible()


def go_without_a_mouse(tab: Explorer) -> None:
    """See in which order Tab goes through the top of the page, and that one step skips it."""
    page = tab.page
    page.reload()
    expect(page.get_by_label(f"Select {HOSTILE}")).to_be_visible()
    reached = []
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(NAME_OF_FOCUSED))
    assert reached == [
        "Skip to the content",
        "polaris-bff",
        "Images",
        "Procedures",
        "Batch",
        "Project",
        "Sign out",
    ]
    page.get_by_role("button", name="Skip to the content").focus()
    page.keyboard.press("Enter")
    expect(tab.heading("Images")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate(NAME_OF_FOCUSED) == "Upload files"


NAME_OF_FOCUSED = """(({ ariaLabel, textContent }) => ariaLabel ?? textContent)(
  document.activeElement
)"""


def see_an_image(tab: Explorer, cloud: Cloud, project: str, image_id: str) -> None:
    page = tab.page
    expect(page.get_by_role("button", name="Share", exact=True)).to_be_visible()
    check(tab, "image")
    page.get_by_role("button", name="Edit", exact=True).click()
    form = page.locator(".edit")
    check(tab, "edit")
    form.get_by_label("Distribution").fill("fedora")
    theirs = [{"op": "replace", "path": "/os_distro", "value": "ubuntu"}]
    cloud.glance("alice", project).patch(f"/v2/images/{image_id}", theirs, content_type=JSON_PATCH)
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Somebody else changed this meanwhile")).to_be_visible()
    check(tab, "conflict")
    form.get_by_role("button", name="Cancel").click()
    see_it_come_and_fail(tab)
    tab.open("images/00000000-0000-4000-8000-000000000000")
    expect(tab.heading("There is no such image here")).to_be_visible()
    check(tab, "image-missing")


def see_it_come_and_fail(tab: Explorer) -> None:
    page = tab.page
    held: list[Route] = []
    page.route("**/rpc", lambda route: held.append(route))  # noqa: PLW0108  # it is inspected
    page.get_by_role("link", name="Ubuntu 24.04 LTS").click()
    expect(page.locator(".detail").get_by_text("Asking Glance…")).to_be_visible()
    check(tab, "image-loading")
    page.context.set_offline(True)
    for route in held:
        route.abort()
    page.unroute("**/rpc")
    expect(page.get_by_text("The image could not be read")).to_be_visible()
    expect(page.locator(".detail").get_by_text("Asking Glance…")).to_have_count(0)
    check(tab, "image-offline")
    page.context.set_offline(False)
    page.locator(".detail").get_by_role("button", name="Try again").click()
    expect(tab.heading("Ubuntu 24.04 LTS")).to_be_visible()


def see_what_makes_images(tab: Explorer) -> None:
    page = tab.page
    tab.open("images/new")
    expect(tab.heading("New image")).to_be_visible()
    page.get_by_text("Operating system and properties").click()
    check(tab, "new-image")
    files = [["disk.qcow2", 1000], [f"{'y' * 100}.raw", 1000]]
    page.evaluate(DROP, [files, "body"])
    expect(page.get_by_role("dialog")).to_be_visible()
    check(tab, "new-images")
    page.context.set_offline(True)
    page.get_by_role("dialog").get_by_role("button", name="Create and upload").click()
    expect(page.locator(".uploads summary")).to_contain_text("2 failed")
    check(tab, "uploads")
    page.context.set_offline(False)
    while page.locator(".upload").count():
        page.locator(".upload").get_by_role("button", name="Dismiss").first.click()


def see_procedures(tab: Explorer) -> None:
    page = tab.page
    tab.open("procedures")
    expect(page.get_by_role("link", name="listImages query")).to_be_visible()
    check(tab, "procedures")
    tab.open("procedures/compute.image.updateImage")
    page.get_by_role("button", name="Fill in the example").click()
    page.get_by_role("button", name="Call").click()
    expect(page.get_by_text("Answered in")).to_be_visible()
    page.get_by_text("Errors it documents").click()
    check(tab, "error")
    page.get_by_role("button", name="Add to batch").click()
    tab.open("procedures/compute.image.listImages")
    page.get_by_role("button", name="Call").click()
    expect(page.get_by_role("region", name="The answer")).to_be_visible()
    check(tab, "answer")
    page.get_by_role("button", name="Table").click()
    check(tab, "answer-as-table")
    page.get_by_role("button", name="Add to batch").click()


def see_the_batch(tab: Explorer) -> None:
    page = tab.page
    tab.open("batch")
    page.get_by_role("button", name="Send 2 calls").click()
    expect(page.get_by_text("Answered in")).to_be_visible()
    check(tab, "batch")
    page.get_by_role("button", name="Empty the batch").click()
    check(tab, "batch-empty")


def ends_soon(route: Route) -> None:
    """Pass an answer on as the server would give it two minutes before the end."""
    answer = route.fetch()
    route.fulfill(response=answer, headers={**answer.headers, "x-session-expires-in": "120"})


def see_the_end(tab: Explorer) -> None:
    page = tab.page
    page.route("**/rpc", ends_soon)
    tab.open("images")
    expect(page.locator(".ending")).to_contain_text("ends in a few minutes")
    expect(page.get_by_label(f"Select {HOSTILE}")).to_be_visible()
    check(tab, "session-ends")
    page.get_by_role("button", name="Sign in again").click()
    check(tab, "sign-in-again")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Sign in again")).to_be_focused()


# Name, disk format, GiB, state, when it was made, and what else Glance knows of it.
WEATHER: tuple[tuple[str, str, float, str, dict[str, Any]], ...] = (
    ("debian-13-genericcloud", "qcow2", 0.3, "2026-01-12", {"tags": ["base"]}),
    ("forecast-gpu-node", "raw", 24, "2026-02-03", {"tags": ["cuda-13"], "min_ram": 16384}),
    (
        "forecast-node",
        "qcow2",
        3.6,
        "2026-02-03",
        {
            "visibility": "shared",
            "tags": ["release", "2026.2"],
            "os_distro": "debian",
            "os_version": "13",
            "hw_disk_bus": "virtio",
            "min_disk": 20,
            "min_ram": 4096,
        },
    ),
    ("forecast-node-2025.4", "qcow2", 3.4, "2025-11-20", {"protected": True}),
    ("ingest-satellite", "qcow2", 1.8, "2026-01-29", {"tags": ["nightly"]}),
    ("postgres-17-replica", "raw", 8, "2025-12-15", {}),
    ("reanalysis-toolbox", "vmdk", 12.5, "2025-10-02", {"visibility": "community"}),
    ("windows-viewer", "vhdx", 31, "2025-09-18", {"protected": True}),
)


@pytest.fixture
def forecast(cloud: Cloud) -> tuple[str, str]:
    """Return a project with images such as people have, and the id of one of them."""
    made = cloud.new_project("alice")
    project = "weather-models"
    cloud.projects[project] = cloud.projects[made]
    cloud.keystone().patch(f"/projects/{cloud.projects[made]}", {"project": {"name": project}})
    glance = cloud.glance("alice", project)
    ids = {}
    for name, disk, size, day, metadata in WEATHER:
        image = {"name": name, "disk_format": disk, "container_format": "bare"}
        image |= {"visibility": "private", **metadata}
        ids[name] = str(glance.post("/v2/images", image)["id"])
        grow_old(cloud, ids[name], int(size * GIB), f"{day} 08:30:00")
    member = {"member": cloud.projects["partner"]}
    glance.post(f"/v2/images/{ids['forecast-node']}/members", member)
    return project, ids["forecast-node"]


def grow_old(cloud: Cloud, image_id: str, size: int, made: str) -> None:
    """Let Glance know an image as active, large and made some time ago, without its data."""
    with closing(sqlite3.connect(cloud.folder / "glance.sqlite", timeout=30)) as database, database:
        database.execute(
            "UPDATE images SET status = 'active', size = ?, created_at = ?, updated_at = ?"
            " WHERE id = ?",
            (size, made, made, image_id),
        )


def test_the_readme_shows_the_images_light_and_dark(
    explorer: Open, cloud: Cloud, forecast: tuple[str, str]
) -> None:
    project, image_id = forecast
    tab = explorer().sign_in("alice", cloud.password("alice"), project)
    tab.open(f"images/{image_id}?sort=name:asc")
    expect(tab.heading("forecast-node")).to_be_visible()
    expect(tab.page.locator(".members")).to_contain_text("partner")
    expect(tab.page.get_by_role("link", name="windows-viewer")).to_be_visible()
    tab.page.mouse.move(0, 0)
    for scheme in SCHEMES:
        picture(tab.page, scheme, ROOT / "docs" / f"explorer-{scheme}.webp")


def picture(page: Page, scheme: Any, path: Path) -> None:
    """See that the README shows a picture, and draw it anew where pictures are asked for."""
    page.emulate_media(color_scheme=scheme)
    assert f"docs/{path.name}" in (ROOT / "README.md").read_text()
    # As WebP, which Playwright itself does not write: a third of a PNG.
    browser = page.context.new_cdp_session(page)
    drawn = browser.send("Page.captureScreenshot", {"format": "webp", "quality": 90})
    data = base64.b64decode(drawn["data"])
    assert data.startswith(b"RIFF")
    if PICTURES:
        path.write_bytes(data)
