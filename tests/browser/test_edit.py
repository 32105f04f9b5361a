"""Images are changed in place, and nobody's change is lost: theirs neither, nor what was typed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.browser.conftest import Explorer, Open
from tests.devcloud import Cloud

Image = dict[str, Any]
JSON_PATCH = "application/openstack-images-v2.1-json-patch"


@pytest.fixture(scope="module")
def project(cloud: Cloud) -> str:
    """Return a project of alice's for all tests of this module."""
    return cloud.new_project("alice")


def make_image(cloud: Cloud, project: str, **metadata: Any) -> str:
    image = {"visibility": "private", "name": "an image", **metadata}
    return str(cloud.glance("alice", project).post("/v2/images", image)["id"])


def read(cloud: Cloud, project: str, image_id: str) -> Image:
    image: Image = cloud.glance("alice", project).get(f"/v2/images/{image_id}")
    return image


def as_alice(explorer: Open, cloud: Cloud, project: str, image_id: str) -> Explorer:
    tab = explorer(f"images/{image_id}")
    tab.page.get_by_label("User").fill("alice")
    tab.page.get_by_label("Password").fill(cloud.password("alice"))
    tab.page.get_by_role("button", name="Sign in").click()
    tab.page.get_by_role("button", name=project, exact=True).click()
    expect(tab.page.locator(".detail").get_by_role("button", name="Edit")).to_be_visible()
    return tab


def edit(tab: Explorer, **fields: str) -> None:
    """Begin to edit, and fill in fields by their labels, a space being an underscore."""
    button = tab.page.get_by_role("button", name="Edit", exact=True)
    if button.is_visible():
        button.click()
    for label, value in fields.items():
        tab.page.locator(".edit").get_by_label(label.replace("_", " "), exact=True).fill(value)


def save(tab: Explorer) -> None:
    tab.page.get_by_role("button", name="Save").click()


def patches(page: Page) -> list[list[dict[str, Any]]]:
    """Return the patches that a page sends from now on."""
    sent: list[list[dict[str, Any]]] = []

    def note(request: Request) -> None:
        calls = json.loads(request.post_data or "[]") if request.url.endswith("/rpc") else []
        sent.extend(
            call["params"]["operations"]
            for call in (calls if isinstance(calls, list) else [calls])
            if call["method"] == "compute.image.updateImage"
        )

    page.on("request", note)
    return sent


def test_everything_is_edited_in_place_by_one_guarded_patch(
    explorer: Open, cloud: Cloud, project: str
) -> None:
    image_id = make_image(
        cloud, project, tags=["b", "a, with comma"], os_distro="ubuntu", mine="old", gone="x"
    )
    tab = as_alice(explorer, cloud, project, image_id)
    page, sent = tab.page, patches(tab.page)
    edit(
        tab,
        Name="another name",
        Minimum_memory="512",
        Minimum_disk="3",
        Tags="a, with comma\nc",
        Distribution="",
        OS_type="linux",
        mine="new/~",
    )
    expect(page.get_by_label("owner", exact=True)).to_have_count(0)
    form = page.locator(".edit")
    form.get_by_label("Visibility").select_option("community")
    form.get_by_label("Disk format").select_option("raw")
    form.get_by_label("Protect it from being deleted").check()
    form.get_by_role("button", name="Remove gone").click()
    form.get_by_role("button", name="Add a property").click()
    for taken in ("mine", "checksum", "name"):
        form.get_by_label("New property", exact=True).fill(taken)
        expect(form.locator("input:invalid")).to_have_count(1)
    form.get_by_label("New property", exact=True).fill("a/b~c")
    form.get_by_label("Value", exact=True).fill("hi")
    assert tab.faults() == []
    save(tab)
    tab.says("The image is saved.")
    expect(tab.heading("another name")).to_be_focused()
    image = read(cloud, project, image_id)
    assert (image["name"], image["min_ram"], image["min_disk"]) == ("another name", 512, 3)
    assert sorted(image["tags"]) == ["a, with comma", "c"]
    assert (image["visibility"], image["protected"]) == ("community", True)
    assert (image["disk_format"], image["os_type"]) == ("raw", "linux")
    assert (image["mine"], image["a/b~c"]) == ("new/~", "hi")
    assert not {"os_distro", "gone"} & image.keys()
    (operations,) = sent
    tested = {step["path"] for step in operations if step["op"] == "test"}
    changed = {step["path"] for step in operations if step["op"] != "test"}
    assert changed - tested == {"/os_type", "/a~1b~0c"}
    assert tested - changed == {"/updated_at"}


def test_two_people_change_one_image_and_nothing_is_lost(
    explorer: Open, cloud: Cloud, project: str
) -> None:
    image_id = make_image(cloud, project, tags=["one"], mine="old")
    alice = as_alice(explorer, cloud, project, image_id)
    admin = explorer().sign_in("admin", cloud.password("admin"), "admin").open(f"images/{image_id}")
    edit(alice, Name="of alice", Minimum_memory="512", mine="alice's")
    add_property(alice, "new", "alice's")
    edit(admin, Name="of admin", Tags="one\ntwo", mine="admin's")
    add_property(admin, "new", "admin's")
    save(admin)
    admin.says("The image is saved.")
    save(alice)
    expect(alice.page.get_by_text("Somebody else changed this meanwhile")).to_be_focused()
    assert alice.faults() == []
    assert alice.overflow() == 0
    clashes = alice.page.locator(".clash")
    expect(clashes.get_by_role("heading")).to_have_text(["name", "mine", "new"])
    expect(clashes.first).to_contain_text("of admin")
    expect(clashes.first).to_contain_text("of alice")
    # Nothing was saved, and nothing is until all is settled.
    save(alice)
    assert read(cloud, project, image_id)["name"] == "of admin"
    expect(alice.page.locator(".edit").get_by_label("Tags")).to_have_value("one\ntwo")
    expect(alice.page.locator(".edit").get_by_label("Name", exact=True)).to_have_value("of alice")
    alice.page.get_by_role("button", name="Keep theirs: name").click()
    expect(alice.page.locator(".edit").get_by_label("Name", exact=True)).to_have_value("of admin")
    alice.page.get_by_role("button", name="Put mine: mine").click()
    # Somebody is faster once more, and elsewhere in the image.
    edit(admin, Name="of admin again", Minimum_disk="2", new="admin's again")
    save(admin)
    # What was said of the first time may still be seen.
    expect(admin.heading("of admin again")).to_be_visible()
    alice.page.get_by_role("button", name="Put mine: new").click()
    save(alice)
    expect(alice.page.locator(".clash").get_by_role("heading")).to_have_text(["new"])
    expect(alice.page.locator(".clash")).to_contain_text("admin's again")
    alice.page.get_by_role("button", name="Put mine: new").click()
    save(alice)
    alice.says("The image is saved.")
    image = read(cloud, project, image_id)
    assert (image["name"], image["min_ram"], image["min_disk"]) == ("of admin again", 512, 2)
    assert sorted(image["tags"]) == ["one", "two"]
    assert (image["mine"], image["new"]) == ("alice's", "alice's")


def add_property(tab: Explorer, name: str, value: str) -> None:
    tab.page.get_by_role("button", name="Add a property").click()
    tab.page.get_by_label("New property", exact=True).fill(name)
    tab.page.get_by_label("Value", exact=True).fill(value)


WARNS = "!dispatchEvent(new Event('beforeunload', {cancelable: true}))"


def test_what_is_not_saved_stays_and_is_warned_of(
    explorer: Open, cloud: Cloud, project: str
) -> None:
    image_id = make_image(cloud, project, name="begun", os_distro="debian")
    tab = as_alice(explorer, cloud, project, image_id)
    page = tab.page
    name = page.locator(".edit").get_by_label("Name", exact=True)
    edit(tab)
    assert page.evaluate(WARNS) is False
    edit(tab, Name="typed", Distribution="typed too")
    assert page.evaluate(WARNS) is True
    page.get_by_role("link", name="Procedures").click()
    tab.says("not saved")
    assert page.evaluate(WARNS) is True
    page.go_back()
    expect(name).to_have_value("typed")
    # Somebody else's change of the same is told, also when the view was left meanwhile.
    glance = cloud.glance("alice", project)
    change = [{"op": "replace", "path": "/os_distro", "value": "ubuntu"}]
    glance.patch(f"/v2/images/{image_id}", change, content_type=JSON_PATCH)
    page.get_by_role("link", name="Close").click()
    expect(page.get_by_role("link", name="begun")).to_be_visible()
    page.go_back()
    expect(page.locator(".clash").get_by_role("heading")).to_have_text(["os_distro"])
    page.get_by_role("button", name="Put mine: os_distro").click()

    # It is saved, and the answer is lost.
    page.route("**/rpc", lose)
    save(tab)
    tab.says("No answer to compute.image.updateImage")
    expect(name).to_have_value("typed")
    page.unroute("**/rpc")
    save(tab)
    tab.says("The image is saved.")
    assert page.evaluate(WARNS) is False
    image = read(cloud, project, image_id)
    assert (image["name"], image["os_distro"]) == ("typed", "typed too")
    tab.failed_to_load()
    edit(tab, Name="given up")
    # The list is asked for with the image, which is read again.
    with page.expect_response(
        lambda answer: "listImages" in str(answer.request.post_data)
    ) as read_again:
        page.get_by_role("button", name="Cancel").click()
    assert "getImageById" in str(read_again.value.request.post_data)
    expect(page.locator(".rows")).to_have_attribute("aria-busy", "false")
    expect(tab.heading("typed")).to_be_focused()
    # What is changed by one click is guarded, too.
    change = [{"op": "replace", "path": "/visibility", "value": "shared"}]
    glance.patch(f"/v2/images/{image_id}", change, content_type=JSON_PATCH)
    page.get_by_label("Visibility").select_option("community")
    tab.says("Somebody else was faster.")
    expect(page.get_by_label("Visibility")).to_have_value("shared")
    make_with_properties(tab, cloud, project)


def lose(route: Route) -> None:
    """Lose the answer to a change, which is carried out."""
    if "updateImage" not in str(route.request.post_data):
        return route.continue_()
    route.fetch()
    return route.abort()


def make_with_properties(tab: Explorer, cloud: Cloud, project: str) -> None:
    page = tab.page
    tab.open("images/new")
    page.get_by_label("Name", exact=True).fill("made")
    # What was begun stays, too.
    page.get_by_role("link", name="Procedures").click()
    page.go_back()
    expect(page.get_by_label("Name", exact=True)).to_have_value("made")
    page.get_by_text("Operating system and properties").click()
    page.get_by_label("Distribution").fill("fedora")
    add_property(tab, "hw_qemu_guest_agent", "yes")
    page.get_by_role("button", name="Add a property").click()
    page.get_by_label("New property", exact=True).last.fill("mine")
    page.get_by_label("Value", exact=True).last.fill("too")
    page.get_by_role("button", name="Create", exact=True).click()
    tab.says("made was created")
    made = read(cloud, project, page.url.partition("#/images/")[2])
    assert (made["os_distro"], made["mine"]) == ("fedora", "too")
    assert made["hw_qemu_guest_agent"] == "yes"
