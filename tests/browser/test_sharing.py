"""Images are offered and accepted; what is on its way is looked at again, and sparingly."""

from __future__ import annotations

import json
import uuid
from typing import Any

from playwright.sync_api import Page, Request, expect

from tests.browser.conftest import Explorer, Open
from tests.devcloud import Cloud

MINUTE = 60_000


def make_image(cloud: Cloud, project: str, name: str, **metadata: Any) -> str:
    image = {"visibility": "private", **metadata, "name": name}
    return str(cloud.glance("alice", project).post("/v2/images", image)["id"])


def asked(page: Page) -> list[list[str]]:
    """Return the calls that a page makes from now on, those of each request."""
    requests: list[list[str]] = []

    def note(request: Request) -> None:
        if request.url.endswith("/rpc"):
            calls = json.loads(request.post_data or "[]")
            requests.append(
                sorted(
                    call["method"].rpartition(".")[2]
                    for call in (calls if isinstance(calls, list) else [calls])
                )
            )

    page.on("request", note)
    return requests


def share(tab: Explorer, word: str) -> None:
    tab.page.get_by_label("Share with a project").fill(word)
    tab.page.get_by_role("button", name="Share", exact=True).click()
    tab.says("The image is offered to")


def come(tab: Explorer, *, hidden: bool) -> None:
    """Have the page be seen or hidden, as if another tab were looked at."""
    tab.page.evaluate(
        "(value) => { Object.defineProperty(document, 'hidden', {value, configurable: true});"
        " document.dispatchEvent(new Event('visibilitychange')) }",
        hidden,
    )


def test_all_that_is_offered_is_accepted_and_the_owner_sees_it(
    explorer: Open, cloud: Cloud
) -> None:
    own, other = cloud.new_project("alice"), cloud.new_project("alice", "bob")
    names = [f"offered-{number}" for number in range(3)]
    ids = [make_image(cloud, own, name, visibility="shared") for name in names]
    alice = explorer(looks_again=True)
    alice.page.clock.install()
    alice.sign_in("alice", cloud.password("alice"), own).open(f"images/{ids[0]}")
    offered = alice.page.locator(".members datalist option", has_text=cloud.projects[other])
    expect(offered).to_have_attribute("value", other)
    share(alice, other)
    expect(alice.page.locator(".members")).to_contain_text("1 pending")
    member = {"member": cloud.projects[other]}
    for image_id in ids[1:]:
        cloud.glance("alice", own).post(f"/v2/images/{image_id}/members", member)

    bob = explorer("images?show=offered").sign_in("bob", cloud.password("bob"), other)
    # Her page would look while he is about it.
    alice.page.clock.pause_at(alice.page.evaluate("Date.now() / 1000 + 1"))
    accept_all(bob, names)

    requests = asked(alice.page)
    with alice.page.expect_request("**/rpc"):
        alice.page.clock.fast_forward(MINUTE)
        alice.page.clock.resume()
    expect(alice.page.locator(".members")).to_contain_text("1 accepted")
    # One request, for all that is on its way and nothing else.
    assert requests[0] == ["getImageById", "listImageMembers", "listImages"]
    looks_only_when_seen(alice, cloud, own, ids[0], requests)


def accept_all(bob: Explorer, names: list[str]) -> None:
    page = bob.page
    expect(page.locator(".rows tbody tr")).to_have_count(len(names))
    page.get_by_role("button", name="Accept all").click()
    dialog = page.get_by_role("dialog")
    for name in names:
        expect(dialog).to_contain_text(name)
    assert bob.faults() == []
    dialog.get_by_role("button", name="Accept all").click()
    bob.says(f"{len(names)} images accepted.")
    expect(page.get_by_text("Nothing is offered to this project")).to_be_visible()
    expect(page.get_by_role("button", name="Accept all")).to_be_hidden()
    assert bob.faults() == []
    page.get_by_label("Show").select_option("shared")
    expect(page.locator(".rows tbody tr")).to_have_count(len(names))


def looks_only_when_seen(
    tab: Explorer, cloud: Cloud, project: str, image_id: str, requests: list[list[str]]
) -> None:
    page = tab.page
    with page.expect_response("**/rpc"):
        come(tab, hidden=True)
    requests.clear()
    page.clock.fast_forward(10 * MINUTE)
    page.evaluate("fetch('openrpc.json').then((answer) => answer.text())")
    assert requests == []
    data = {"disk_format": "raw", "container_format": "bare"}
    glance = cloud.glance("alice", project)
    steps = [{"op": "add", "path": f"/{name}", "value": value} for name, value in data.items()]
    content_type = "application/openstack-images-v2.1-json-patch"
    glance.patch(f"/v2/images/{image_id}", steps, content_type=content_type)
    glance.call("PUT", f"/v2/images/{image_id}/file", b"data", "application/octet-stream")
    come(tab, hidden=False)
    expect(page.locator(".detail .id")).to_contain_text("active")
    expect(page.locator(".rows tr", has_text="offered-0")).to_contain_text("active")


def test_each_state_says_what_to_do(explorer: Open, cloud: Cloud) -> None:
    project = cloud.new_project("alice")
    tab = explorer(f"images?search={uuid.uuid4()}")
    tab.sign_in("alice", cloud.password("alice"), project)
    page = tab.page
    expect(page.get_by_text("No image is like that.")).to_be_visible()
    assert tab.faults() == []
    page.get_by_role("button", name="Show all").click()
    for order, column in (("Changed, latest", "Changed"), ("Container format, A", "Container")):
        option = page.get_by_label("Order").locator("option", has_text=order).inner_text()
        page.get_by_label("Order").select_option(option)
        expect(page.locator("th[aria-sort]")).to_have_text(column)
    expect(page.locator(".rows tbody tr").first).to_be_visible()
    tab.open("images?show=offered")
    expect(page.get_by_text("Nothing is offered to this project")).to_be_visible()
    page.context.set_offline(True)
    page.get_by_label("State").select_option("queued")
    expect(page.get_by_text("This device is offline.")).to_be_visible()
    assert tab.faults() == []
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("No image is like that.")).to_be_visible()
    tab.failed_to_load()
