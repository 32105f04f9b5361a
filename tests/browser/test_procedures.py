"""The procedures in the explorer: forms, files, questions, answers, addresses, the last calls."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Locator, Route, expect

from tests.browser.conftest import Explorer, Open, context_of
from tests.browser.views import check
from tests.devcloud import Cloud

MIB = 1024 * 1024
# Notes all that is said while a call lasts.
LISTEN = """() => {
  window.said = ""
  const place = document.querySelector(".answered")
  new MutationObserver(() => (window.said += place.textContent)).observe(
    place, { subtree: true, childList: true })
}"""
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def project(cloud: Cloud) -> str:
    """Return a project of alice's in which nothing is yet."""
    return cloud.new_project("alice")


@pytest.fixture(scope="module")
def signed_in(chromium: Chromium, address: str, cloud: Cloud, project: str) -> Iterator[Explorer]:
    context = context_of(chromium, address)
    tab = Explorer(context.new_page())
    tab.open().sign_in("alice", cloud.password("alice"), project)
    yield tab
    context.close()


@pytest.fixture
def tab(signed_in: Explorer) -> Iterator[Explorer]:
    """Return the tab of the module, with nothing filled in."""
    signed_in.open("procedures").page.reload()
    expect(signed_in.page.get_by_label("Project")).to_be_visible()
    yield signed_in
    assert signed_in.complaints == []


def show(tab: Explorer, procedure: str, /, **params: Any) -> Locator:
    """Open a procedure, fill in the input, and return its answer's place."""
    tab.open(f"procedures/{procedure}")
    if params:
        tab.page.get_by_label("Input as JSON").fill(json.dumps(params))
    return tab.page.locator(".answer")


def call(tab: Explorer) -> None:
    tab.page.get_by_role("button", name="Call", exact=True).click()
    expect(tab.page.get_by_text(re.compile("^(Answered in|No answer after)"))).to_be_visible()


def make_image(cloud: Cloud, project: str, **metadata: Any) -> str:
    image = {"disk_format": "raw", "container_format": "bare", "name": "an image", **metadata}
    return str(cloud.glance("alice", project).post("/v2/images", image)["id"])


def test_a_form_shows_what_is_required_and_common_first(tab: Explorer) -> None:
    page = tab.page
    show(tab, "compute.image.createImage")
    more = page.get_by_text("More parameters (12)")
    expect(page.get_by_label("disk_format")).to_be_visible()
    expect(page.get_by_label("hw_vif_model")).to_be_hidden()
    more.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("hw_vif_model")).to_be_visible()
    more.click()
    # What goes along is seen.
    page.get_by_label("Input as JSON").fill('{"name": "x", "hw_vif_model": "virtio"}')
    expect(page.get_by_label("hw_vif_model")).to_be_visible()
    show(tab, "compute.image.deleteImage")
    expect(page.get_by_label("imageId")).to_be_visible()
    expect(page.get_by_label("project_id")).to_be_hidden()


def test_a_refused_parameter_is_never_hidden(tab: Explorer) -> None:
    show(tab, "compute.image.listImages", min_ram="much")
    tab.page.get_by_text("More parameters").click()
    expect(tab.page.get_by_label("min_ram")).to_be_hidden()
    call(tab)
    expect(tab.page.get_by_label("min_ram")).to_have_accessible_description(re.compile("integer"))
    expect(tab.page.get_by_label("min_ram")).to_be_visible()


def test_data_is_chosen_as_a_file_of_any_size(
    tab: Explorer, cloud: Cloud, project: str, tmp_path: Path
) -> None:
    # More than a call itself may bring along.
    data = b"polaris " * (12 * MIB // 8)
    image_id = make_image(cloud, project)
    answer = show(tab, "compute.image.uploadImage", imageId=image_id)
    page = tab.page
    (tmp_path / "disk.raw").write_bytes(data)
    page.get_by_label("file").set_input_files(tmp_path / "disk.raw")
    expect(page.get_by_label("Input as JSON")).to_have_value(re.compile("disk.raw, in base64"))
    expect(page.get_by_role("button", name="Add to batch")).to_have_count(0)
    assert "disk.raw" not in page.evaluate("location.href")
    page.evaluate(LISTEN)
    call(tab)
    expect(answer).to_contain_text('"success": true')
    assert re.search(r"Calling… \d.* MiB of 12\.0 MiB sent", page.evaluate("window.said"))
    image = cloud.glance("alice", project).get(f"/v2/images/{image_id}")
    assert (image["status"], image["size"]) == ("active", len(data))
    assert image["os_hash_value"] == hashlib.sha512(data).hexdigest()
    expect(page.locator(".past")).not_to_contain_text("disk.raw")


def test_what_destroys_asks_first_also_in_a_batch(
    tab: Explorer, cloud: Cloud, project: str
) -> None:
    page = tab.page
    first, second = (make_image(cloud, project, name=name) for name in ("first", "second"))
    answer = show(tab, "compute.image.deleteImage", imageId=first)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or ""))
    page.get_by_role("button", name="Call", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Call compute.image.deleteImage?")
    expect(dialog).to_contain_text(first)
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    check(tab, "destroys")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert not any(first in text for text in sent)
    page.get_by_role("button", name="Call", exact=True).click()
    dialog.get_by_role("button", name="Call it").click()
    expect(answer).to_contain_text("true")
    page.get_by_label("imageId").fill(second)
    page.get_by_role("button", name="Add to batch").click()
    show(tab, "auth.listProjects")
    page.get_by_role("button", name="Add to batch").click()
    tab.open("batch")
    page.get_by_role("button", name="Send 2 calls").click()
    expect(dialog).to_contain_text(second)
    expect(dialog).not_to_contain_text("auth.listProjects")
    dialog.get_by_role("button", name="Cancel").click()
    assert cloud.glance("alice", project).get(f"/v2/images/{second}")
    page.get_by_role("button", name="Send 2 calls").click()
    dialog.get_by_role("button", name="Send").click()
    expect(page.locator(".outcome.good")).to_have_count(2)
    page.get_by_role("button", name="Empty the batch").click()
    # What only reads is not asked about.
    show(tab, "compute.image.countImages")
    call(tab)
    left = cloud.glance("alice", project).get("/v2/images?visibility=private")["images"]
    assert not {first, second} & {image["id"] for image in left}


def test_an_answer_is_text_or_a_table(tab: Explorer, cloud: Cloud, project: str) -> None:
    image_id = make_image(cloud, project, name=HOSTILE, tags=["a", "b"], long="x" * 250)
    page = tab.page
    show(tab, "compute.image.listImages", name=HOSTILE)
    call(tab)
    answer = page.get_by_role("region", name="The answer")
    expect(answer).to_contain_text(f'"id": "{image_id}"')
    assert answer.evaluate("(text) => text.scrollWidth <= text.clientWidth"), "it is not wrapped"
    page.get_by_role("button", name="Table", exact=True).click()
    expect(page.get_by_role("button", name="Table", exact=True)).to_be_focused()
    heads = answer.get_by_role("columnheader").all_inner_texts()
    assert {"id", "name", "status", "tags"} <= set(heads)
    row = dict(zip(heads, answer.locator("tbody td").all_inner_texts(), strict=True))
    assert (row["id"], row["name"], row["size"]) == (image_id, HOSTILE, "–")
    assert sorted(row["tags"].split(", ")) == ["a", "b"]
    check(tab, "table")
    # The choice stays, also for one thing and for what is in it.
    show(tab, "compute.image.getImageById", imageId=image_id)
    call(tab)
    expect(answer.get_by_role("row", name=f"id {image_id}")).to_be_visible()
    show(tab, "compute.image.listImagesWithPagination", name=HOSTILE)
    call(tab)
    expect(answer.get_by_role("row", name="images").get_by_role("table")).to_contain_text(image_id)
    # What is no table is text.
    show(tab, "compute.image.getImageById", imageId="no id")
    call(tab)
    expect(page.locator(".outcome.bad")).to_contain_text("BAD_REQUEST")
    assert page.locator("img").count() == 0
    show(tab, "compute.image.listImages", name="none")
    call(tab)
    expect(answer).to_have_text("[]")


def test_a_filled_call_stands_in_the_address(tab: Explorer, explorer: Open) -> None:
    page = tab.page
    show(tab, "compute.image.listImages")
    page.get_by_label("limit").fill("3")
    page.get_by_label("sort", exact=True).fill("name:asc")
    given = {"limit": 3, "sort": "name:asc"}
    # Once the typing rests.
    expect(page).to_have_url(re.compile("name:asc"))
    link = page.evaluate("location.hash.slice(2)")
    page.reload()
    expect(page.get_by_label("limit")).to_have_value("3")
    show(tab, "compute.image.countImages", visibility="public")
    expect(page).to_have_url(re.compile("public"))
    page.go_back()
    expect(page.get_by_label("Input as JSON")).to_have_value(json.dumps(given, indent=2))
    page.go_forward()
    expect(page.get_by_label("visibility")).to_have_value("public")
    # Sent to somebody who is not signed in; it is not called by itself.
    other = explorer(link)
    expect(other.page.get_by_label("Input as JSON")).to_have_value(json.dumps(given, indent=2))
    expect(other.page.get_by_text("Nobody is signed in, so this will be refused.")).to_be_visible()
    check(other, "signed-out")
    call(other)
    expect(other.page.locator(".outcome")).to_contain_text("UNAUTHORIZED")
    expect(other.page.locator(".outcome")).to_contain_text("Sign in at the top of the page")


@pytest.mark.parametrize("given", ["", "x", "[]", "{", "%7B%22limit%22%3A%7B%7D%7D", "%", "%22a"])
def test_an_odd_input_in_the_address_still_shows_the_form(tab: Explorer, given: str) -> None:
    tab.open(f"procedures/compute.image.listImages?input={given}")
    expect(tab.page.get_by_role("heading", name="compute.image.listImages")).to_be_visible()
    expect(tab.page.get_by_label("limit")).to_be_visible()


def test_a_link_does_not_fill_in_more_than_a_person_would(tab: Explorer) -> None:
    few, many = (json.dumps({"operations": [{}] * count}) for count in (100, 100_000))
    operations = tab.page.locator(".items > li")
    tab.open(f"procedures/compute.image.updateImage?input={few}")
    expect(operations).to_have_count(100)
    tab.page.reload()
    expect(operations).to_have_count(100)
    tab.open("procedures").page.reload()
    tab.open(f"procedures/compute.image.updateImage?input={many}")
    expect(tab.page.get_by_role("button", name="Add one")).to_be_visible()
    expect(operations).to_have_count(0)


def test_secrets_are_in_no_address_and_not_among_the_last_calls(
    tab: Explorer, explorer: Open, cloud: Cloud
) -> None:
    secret = "secret-of-alice"
    link = json.dumps({"user": "alice", "password": secret})
    other = explorer(f"procedures/auth.createUserSession?input={link}")
    page = other.page
    expect(page.get_by_label("user", exact=True)).to_have_value("alice")
    expect(page.get_by_label("password")).to_have_value("")
    expect(page).not_to_have_url(re.compile(secret))
    page.get_by_label("password").fill(secret)
    call(other)
    expect(page.locator(".outcome")).to_contain_text("UNAUTHORIZED")
    past = page.locator(".past")
    past.get_by_text("Last calls (1)").click()
    expect(past).to_contain_text('{"user":"alice"}')
    assert secret not in page.content()
    assert secret not in unquote(past.get_by_role("link").get_attribute("href") or "")
    assert secret not in unquote(page.evaluate("location.href"))
    other.open("procedures")
    expect(page.locator(".past li")).to_have_count(1)
    page.get_by_role("button", name="Forget them").click()
    expect(page.locator(".past li")).to_have_count(0)


def test_the_last_calls_are_listed_and_come_back(tab: Explorer) -> None:
    page = tab.page
    show(tab, "compute.image.listImages", limit=22)
    for _ in range(21):
        page.get_by_role("button", name="Add to batch").click()
    tab.open("batch")
    page.get_by_role("button", name="Send 21 calls").click()
    expect(page.locator(".outcome.good")).to_have_count(21)
    page.get_by_role("button", name="Empty the batch").click()
    show(tab, "compute.image.getImageById", imageId="no id")
    call(tab)
    tab.open("procedures")
    past = page.locator(".past li")
    expect(past).to_have_count(20)
    expect(past.first).to_contain_text(re.compile(r"getImageById.*no id.*BAD_REQUEST.*ms"))
    check(tab, "start")
    past.nth(1).get_by_role("link").click()
    expect(page.get_by_label("limit")).to_have_value("22")


def test_the_first_page_teaches_three_calls_that_work(tab: Explorer) -> None:
    page = tab.page
    tries = page.locator(".try a")
    expect(tries).to_have_count(3)
    expect(page.get_by_role("region", name="Code for TypeScript")).to_contain_text("createClient")
    expect(page.get_by_role("region", name="Code for Python")).to_contain_text("polaris_bff")
    for number in range(3):
        tab.open("procedures")
        tries.nth(number).click()
        call(tab)
        expect(page.locator(".outcome.good")).to_be_visible()
    tab.open("procedures/no.such")
    expect(page.get_by_role("heading", name="There is no such procedure")).to_be_visible()


def test_a_call_that_lasts_says_so_and_can_be_stopped(tab: Explorer) -> None:
    page = tab.page
    held: list[Route] = []
    page.route("**/rpc", lambda route: held.append(route))  # noqa: PLW0108  # it is inspected
    answer = show(tab, "compute.image.listImages", limit=1)
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.get_by_text("Calling…")).to_be_visible()
    expect(page.get_by_role("button", name="Call", exact=True)).to_be_disabled()
    check(tab, "calling")
    page.get_by_role("button", name="Stop the call").click()
    expect(answer).to_contain_text("The call was stopped.")
    page.unroute("**/rpc")
    call(tab)
    expect(answer.get_by_role("region", name="The answer")).to_be_visible()
    assert len(held) == 1


def test_empty_failed_and_offline_say_what_to_do(tab: Explorer) -> None:
    page = tab.page
    page.get_by_label("Search procedures").fill("no such words")
    expect(page.get_by_text("No procedure has all these words.")).to_be_visible()
    check(tab, "nothing-found")
    page.get_by_role("button", name="Show all procedures").press("Enter")
    expect(page.get_by_label("Search procedures")).to_be_focused()
    expect(page.locator(".tree li").first).to_be_visible()
    answer = show(tab, "compute.image.listImages", limit=1)
    page.get_by_role("button", name="Add to batch").click()
    page.context.set_offline(True)
    expect(page.get_by_text("This device is offline: calls fail")).to_be_visible()
    call(tab)
    expect(answer).to_contain_text("Call again when it is back; the input stays.")
    tab.open("batch")
    expect(page.get_by_text("This device is offline: calls fail")).to_be_visible()
    page.get_by_role("button", name="Send 1 call").click()
    expect(page.locator(".outcome.bad")).to_contain_text("NETWORK_ERROR")
    check(tab, "batch-offline")
    page.context.set_offline(False)
    expect(page.get_by_text("This device is offline: calls fail")).to_have_count(0)
    page.get_by_role("button", name="Send 1 call").click()
    expect(page.locator(".outcome.good")).to_be_visible()
    page.get_by_role("button", name="Empty the batch").click()
    expect(page.get_by_role("link", name="Choose a procedure")).to_be_visible()
    tab.failed_to_load()
    page.route("**/openrpc.json", lambda route: route.fulfill(status=503))
    tab.open("procedures").page.reload()
    expect(tab.heading("The procedures could not be read")).to_be_visible()
    check(tab, "unreadable")
    page.unroute("**/openrpc.json")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".tree li").first).to_be_visible()
    tab.failed_to_load()
