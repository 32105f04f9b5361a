"""The images in the explorer, where they are somebody else's, not there, or cannot be asked for."""

from __future__ import annotations

import re
import uuid
from itertools import pairwise
from typing import Any, get_args

import pytest
from playwright.sync_api import FloatRect, Locator, Page, Request, expect

from schemas.image import ContainerFormat, DiskFormat, ImageStatus, Visibility
from tests.browser.conftest import DESKTOP, Explorer, Open
from tests.devcloud import Cloud

CHANGES = re.compile("^(Protect|Unprotect|Deactivate|Reactivate|Delete|Make it shared|Upload)$")


@pytest.fixture
def project(cloud: Cloud) -> str:
    """Return a project of alice's in which nothing is yet."""
    return cloud.new_project("alice")


def make_image(cloud: Cloud, project: str, name: str = "an image", **metadata: Any) -> str:
    image = {"visibility": "private", **metadata, "name": name}
    return str(cloud.glance("alice", project).post("/v2/images", image)["id"])


def as_alice(explorer: Open, cloud: Cloud, project: str = "demo") -> Explorer:
    return explorer().sign_in("alice", cloud.password("alice"), project)


def test_a_refused_visibility_is_taken_back(explorer: Open, cloud: Cloud, project: str) -> None:
    image_id = make_image(cloud, project)
    tab = as_alice(explorer, cloud, project).open(f"images/{image_id}")
    visibility = tab.page.get_by_label("Visibility")
    visibility.select_option("public")
    tab.says("You are not authorized to complete publicize_image action")
    expect(visibility).to_have_value("private")
    visibility.select_option("community")
    tab.says("The image is community now.")
    expect(visibility).to_have_value("community")
    tab.page.context.set_offline(True)
    visibility.select_option("private")
    tab.says("No answer to compute.image.updateImage")
    expect(visibility).to_have_value("community")
    # The list beside it may still have been on its way.
    tab.page.close()
    tab.failed_to_load()


def test_every_choice_of_the_contract_is_offered_the_usual_one_first(
    explorer: Open, cloud: Cloud, project: str
) -> None:
    page = as_alice(explorer, cloud, project).page

    def offered(label: str) -> list[str]:
        return page.get_by_label(label).locator("option").all_inner_texts()

    expect(page.get_by_label("State")).to_be_visible()
    states = {"Any state", *get_args(ImageStatus)} - {"deleted", "pending_delete"}
    assert set(offered("State")) == states
    page.get_by_role("link", name="New image").click()
    expect(page.get_by_label("Disk format")).to_be_visible()
    for label, kind, usual in (
        ("Disk format", DiskFormat, "qcow2"),
        ("Container format", ContainerFormat, "bare"),
        ("Visibility", Visibility, "private"),
    ):
        choices = offered(label)
        assert sorted(choices) == sorted(get_args(kind))
        assert choices[0] == usual
        expect(page.get_by_label(label)).to_have_value(usual)


def test_a_refused_project_is_taken_back(explorer: Open, cloud: Cloud, project: str) -> None:
    tab = as_alice(explorer, cloud)
    cloud.keystone().call("DELETE", f"/projects/{cloud.projects[project]}")
    chosen = tab.page.get_by_label("Project")
    chosen.select_option(label=project)
    expect(tab.page.get_by_role("alert").filter(has_text="Dismiss")).to_be_visible()
    expect(chosen).to_have_value(cloud.projects["demo"])
    expect(tab.heading("Images")).to_be_visible()


def test_filters_that_cannot_be_asked_show_no_older_list(
    explorer: Open, cloud: Cloud, project: str
) -> None:
    make_image(cloud, project)
    tab = as_alice(explorer, cloud, project)
    page = tab.page
    link = page.get_by_role("link", name="an image")
    expect(link).to_be_visible()
    page.context.set_offline(True)
    page.get_by_label("State").select_option("queued")
    expect(page.get_by_text("The images could not be listed")).to_be_visible()
    expect(link).to_have_count(0)
    assert tab.faults() == []
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(link).to_be_visible()
    tab.failed_to_load()


def sharing(explorer: Open, cloud: Cloud, project: str) -> tuple[Explorer, str]:
    image_id = make_image(cloud, project, visibility="shared")
    tab = as_alice(explorer, cloud, project).open(f"images/{image_id}")
    expect(tab.page.get_by_text("It is offered to nobody yet.")).to_be_visible()
    return tab, image_id


def share(tab: Explorer, word: str) -> None:
    tab.page.get_by_label("Share with a project").fill(word)
    tab.page.get_by_role("button", name="Share", exact=True).click()


def members(cloud: Cloud, project: str, image_id: str) -> list[str]:
    found = cloud.glance("alice", project).get(f"/v2/images/{image_id}/members")
    return [member["member_id"] for member in found["members"]]


def test_what_is_no_project_is_refused_before_anything_is_sent(
    explorer: Open, cloud: Cloud, project: str
) -> None:
    tab, image_id = sharing(explorer, cloud, project)
    sent: list[Request] = []

    def note(request: Request) -> None:
        sent.append(request)

    tab.page.on("request", note)
    field = tab.page.get_by_label("Share with a project")
    for word, why in (
        ("web team", "none of your projects"),
        ("admin", "none of your projects"),
        ("PARTNER", "none of your projects"),
        (str(uuid.uuid4()), "none of your projects"),
        (uuid.uuid4().hex.upper(), "none of your projects"),
        (uuid.uuid4().hex[:-1], "none of your projects"),
        (project, "own"),
        (cloud.projects[project], "own"),
    ):
        share(tab, word)
        expect(field).to_have_accessible_description(re.compile(why))
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_be_focused()
        field.fill("")
        expect(field).to_have_attribute("aria-invalid", "false")
    assert sent == []
    assert members(cloud, project, image_id) == []


def test_a_project_is_found_by_its_name_or_taken_by_its_id(
    explorer: Open, cloud: Cloud, project: str
) -> None:
    tab, image_id = sharing(explorer, cloud, project)
    share(tab, " partner ")
    tab.says("The image is offered to partner.")
    unknown = uuid.uuid4().hex
    share(tab, unknown)
    tab.says(f"The image is offered to {unknown}.")
    assert set(members(cloud, project, image_id)) == {cloud.projects["partner"], unknown}


def test_a_name_of_several_projects_is_refused(explorer: Open, cloud: Cloud, project: str) -> None:
    name, keystone = f"twin-{uuid.uuid4()}", cloud.keystone()
    domain = keystone.post("/domains", {"domain": {"name": f"domain-{uuid.uuid4()}"}})["domain"]
    role = keystone.get("/roles?name=member")["roles"][0]["id"]
    alice = keystone.get("/users?name=alice")["users"][0]["id"]
    twins = [
        keystone.post("/projects", {"project": {"name": name, "domain_id": where}})["project"]["id"]
        for where in ("default", domain["id"])
    ]
    for twin in twins:
        keystone.put(f"/projects/{twin}/users/{alice}/roles/{role}")
    tab, image_id = sharing(explorer, cloud, project)
    share(tab, name)
    field = tab.page.get_by_label("Share with a project")
    for twin in twins:
        expect(field).to_have_accessible_description(re.compile(twin))
    share(tab, twins[1])
    tab.says(f"The image is offered to {name} ({domain['name']}).")
    assert members(cloud, project, image_id) == [twins[1]]


def offered(page: Page | Locator) -> list[str]:
    return page.get_by_role("button", name=CHANGES).all_text_contents()


def test_changes_are_offered_to_the_owner_alone(explorer: Open, cloud: Cloud, project: str) -> None:
    name = f"mine-{uuid.uuid4()}"
    mine = make_image(cloud, project, name, visibility="shared", disk_format="raw")
    tab = as_alice(explorer, cloud, project)
    page = tab.page
    expect(page.get_by_label(f"Select {name}")).to_be_visible()
    expect(page.get_by_role("link", name="Ubuntu 24.04 LTS")).to_be_visible()
    expect(page.get_by_label("Select Ubuntu 24.04 LTS")).to_have_count(0)
    page.get_by_label("Select every image of this page").check()
    expect(page.get_by_text("1 selected")).to_be_visible()
    page.get_by_role("link", name="Ubuntu 24.04 LTS").click()
    expect(page.get_by_text("Only a shared image is offered")).to_be_visible()
    expect(page.locator(".detail").get_by_label("Visibility")).to_have_count(0)
    assert offered(page.locator(".detail")) == []
    tab.open(f"images/{mine}")
    expect(page.get_by_role("button", name="Protect")).to_be_visible()
    expect(page.get_by_label("Visibility")).to_be_visible()
    assert offered(page.locator(".detail")) == ["Upload", "Protect", "Delete"]


def test_a_member_is_offered_the_answer_alone(explorer: Open, cloud: Cloud, project: str) -> None:
    image_id = make_image(cloud, project, visibility="shared", disk_format="raw")
    member = {"member": cloud.projects["partner"]}
    cloud.glance("alice", project).post(f"/v2/images/{image_id}/members", member)
    tab = explorer().sign_in("bob", cloud.password("bob"), "partner").open(f"images/{image_id}")
    expect(tab.page.get_by_role("button", name="Accept")).to_be_visible()
    assert offered(tab.page) == []


def test_an_administrator_is_offered_changes_of_every_image(
    explorer: Open, cloud: Cloud, project: str
) -> None:
    image_id = make_image(cloud, project, visibility="shared", disk_format="raw")
    password = cloud.password("admin")
    tab = explorer().sign_in("admin", password, "admin").open(f"images/{image_id}")
    expect(tab.page.get_by_text("It is offered to nobody yet.")).to_be_visible()
    assert offered(tab.page.locator(".detail")) == ["Upload", "Protect", "Delete"]


@pytest.mark.parametrize("width", [1130, 1280])
def test_the_pane_leaves_the_column_created_whole(
    explorer: Open, cloud: Cloud, project: str, width: int
) -> None:
    image_id = make_image(
        cloud, project, "x" * 80, visibility="community", disk_format="qcow2", tags=["t" * 60]
    )
    tab = as_alice(explorer, cloud, project).open(f"images/{image_id}")
    page = tab.page
    page.set_viewport_size({"width": width, "height": DESKTOP["height"]})
    expect(page.locator(".detail").get_by_role("heading", level=1)).to_have_text("x" * 80)
    expect(page.get_by_role("button", name="Created")).to_be_in_viewport(ratio=1)
    cut = "element => element.scrollWidth - element.clientWidth"
    assert page.locator(".rows").evaluate(cut) == 0
    assert tab.overflow() == 0


def test_the_pane_is_closed_with_its_button_and_with_escape(
    explorer: Open, cloud: Cloud, project: str
) -> None:
    make_image(cloud, project)
    tab = as_alice(explorer, cloud, project)
    page = tab.page
    link, pane = page.get_by_role("link", name="an image"), page.locator(".detail")
    link.click()
    page.get_by_role("link", name="Close").click()
    expect(pane).to_have_count(0)
    expect(link).to_be_focused()
    link.press("Enter")
    expect(tab.heading("an image")).to_be_focused()
    page.keyboard.press("Escape")
    expect(pane).to_have_count(0)
    expect(link).to_be_focused()
    link.press("Enter")
    pane.get_by_role("button", name="Delete").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(pane).to_be_visible()
    page.get_by_label("Search in name").press("Escape")
    expect(pane).to_be_visible()
    page.get_by_role("link", name="New image").click()
    page.get_by_label("Name", exact=True).fill("begun")
    pane.get_by_role("button", name="Create").focus()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Name", exact=True)).to_have_value("begun")


@pytest.mark.parametrize("place", ["a85abd86-55b3-4413-a5b7-6cd8a6bd99ac", "no-id", "%", "a/b"])
def test_an_image_that_is_not_there_is_said(explorer: Open, cloud: Cloud, place: str) -> None:
    tab = as_alice(explorer, cloud).open(f"images/{place}")
    expect(tab.heading("There is no such image here")).to_be_visible()
    tab.page.locator(".detail").get_by_role("link", name="All images").click()
    expect(tab.page.locator(".detail")).to_have_count(0)


def test_another_projects_image_and_a_deleted_one_are_not_there(
    explorer: Open, cloud: Cloud, project: str
) -> None:
    image_id = make_image(cloud, project)
    tab = as_alice(explorer, cloud, project).open(f"images/{image_id}")
    expect(tab.heading("an image")).to_be_visible()
    tab.page.get_by_label("Project").select_option(label="partner")
    expect(tab.heading("There is no such image here")).to_be_visible()
    tab.page.get_by_label("Project").select_option(label=project)
    expect(tab.heading("an image")).to_be_visible()
    cloud.glance("alice", project).call("DELETE", f"/v2/images/{image_id}")
    tab.page.get_by_role("button", name="Protect").click()
    tab.says("Image not found")
    tab.page.reload()
    expect(tab.heading("There is no such image here")).to_be_visible()


def test_whatever_cannot_be_asked_can_be_asked_again(
    explorer: Open, cloud: Cloud, project: str
) -> None:
    image_id = make_image(cloud, project, visibility="shared")
    tab = as_alice(explorer, cloud, project)
    page = tab.page
    page.context.set_offline(True)
    tab.open(f"images/{image_id}")
    again = page.locator(".detail").get_by_role("button", name="Try again")
    expect(page.get_by_text("The image could not be read")).to_be_visible()
    assert tab.faults() == []
    page.context.set_offline(False)
    page.route(
        "**/rpc",
        lambda route: (
            route.abort() if "Members" in str(route.request.post_data) else route.continue_()
        ),
    )
    again.click()
    expect(tab.heading("an image")).to_be_visible()
    expect(page.get_by_text("It could not be read with whom it is shared")).to_be_visible()
    page.unroute("**/rpc")
    again.click()
    expect(page.get_by_text("It is offered to nobody yet.")).to_be_visible()
    tab.failed_to_load()


def test_a_page_that_cannot_ask_who_is_signed_in_asks_again(explorer: Open, cloud: Cloud) -> None:
    tab = as_alice(explorer, cloud)
    page = tab.page
    page.route("**/rpc", lambda route: route.abort())
    page.reload()
    expect(page.get_by_text("The server could not be asked who is signed in")).to_be_visible()
    expect(tab.heading("Sign in")).to_have_count(0)
    assert tab.faults() == []
    page.unroute("**/rpc")
    page.get_by_role("button", name="Try again").click()
    expect(tab.heading("Images")).to_be_visible()
    tab.failed_to_load()


def box_of(element: Locator) -> FloatRect:
    box = element.bounding_box()
    assert box
    return box


@pytest.mark.parametrize(
    "name",
    ["compute.image.getImageById", "compute.image.updateImageVisibility", "auth.setCurrentScope"],
)
def test_the_fields_of_a_short_form_stand_together(explorer: Open, name: str) -> None:
    page = explorer(f"procedures/{name}").page
    fields = page.locator(".procedure .whole > .form > .field, .procedure .more")
    expect(fields.first).to_be_visible()
    boxes = [box_of(field) for field in fields.all()]
    gaps = [below["y"] - above["y"] - above["height"] for above, below in pairwise(boxes)]
    assert gaps
    assert gaps == pytest.approx([16] * len(gaps), abs=1)
    card = box_of(page.locator(".columns > .card"))
    assert card["y"] + card["height"] - boxes[-1]["y"] - boxes[-1]["height"] == pytest.approx(
        17, abs=2
    )
