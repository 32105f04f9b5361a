"""Two tabs of one browser: what a tab shows is what its calls are for."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from playwright.sync_api import CDPSession, Locator, Page, Playwright, Request, expect

from tests.browser.conftest import Explorer, Open, launched
from tests.devcloud import Cloud
from tests.process import SECONDS, line_of, running

MIB = 1024 * 1024
CREATE = "procedures/compute.image.createImage"


def as_alice(explorer: Open, cloud: Cloud, project: str = "demo") -> Explorer:
    return explorer().sign_in("alice", cloud.password("alice"), project)


def beside(explorer: Open, tab: Explorer) -> Explorer:
    """Return a second tab, which has found the session."""
    second = explorer(beside=tab)
    expect(second.page.get_by_role("button", name="Sign out")).to_be_visible()
    return second


def choose(tab: Explorer, project: str) -> None:
    tab.page.get_by_label("Project").select_option(label=project)
    expect(tab.page.get_by_label("Project")).not_to_have_attribute("aria-busy", "true")
    expect(tab.page.get_by_label("Project").locator("option:checked")).to_have_text(project)
    expect(tab.heading("Images")).to_be_visible()


def becomes_bobs(explorer: Open, cloud: Cloud, tab: Explorer) -> Explorer:
    """Have bob sign in, in a second tab; the first one still shows what it did."""
    second = beside(explorer, tab)
    second.sign_out()
    second.sign_in("bob", cloud.password("bob"), "partner")
    expect(who(tab)).to_have_text("alice")
    return second


def who(tab: Explorer) -> Locator:
    return tab.page.locator(".who")


def says_that_it_is_bobs(tab: Explorer) -> None:
    tab.says("bob is signed in with this browser now. What somebody else had open")
    expect(tab.heading("Images")).to_be_visible()
    check_offers_bobs(tab.page.get_by_label("Project").locator("option"))


def check_offers_bobs(options: Locator) -> None:
    """Check that the projects are bob's, and none is alice's alone."""
    names = options.all_text_contents()
    assert "partner" in names
    assert "demo" not in names


def in_project(cloud: Cloud, name: str) -> list[str]:
    """Return the projects in which there is an image of this name."""
    owners = {project_id: project for project, project_id in cloud.projects.items()}
    found = cloud.glance("admin", "admin").get(f"/v2/images?name=eq:{name}")["images"]
    return [owners[image["owner"]] for image in found]


def fill_form(tab: Explorer, name: str) -> Callable[[], None]:
    tab.open("images/new")
    tab.page.get_by_label("Name", exact=True).fill(name)
    return tab.page.get_by_role("button", name="Create", exact=True).click


def fill_call(tab: Explorer, name: str) -> Callable[[], None]:
    tab.open(CREATE)
    tab.page.get_by_label("Input as JSON").fill(json.dumps({"name": name}))
    return tab.page.get_by_role("button", name="Call").click


def fill_batch(tab: Explorer, name: str) -> Callable[[], None]:
    fill_call(tab, name)
    tab.page.get_by_role("button", name="Add to batch").click()
    tab.open("batch")
    return tab.page.get_by_role("button", name="Send 1 call").click


WAYS = [fill_form, fill_call, fill_batch]


@pytest.mark.parametrize("fill", WAYS)
def test_an_image_is_made_in_the_project_that_the_tab_shows(
    explorer: Open, cloud: Cloud, fill: Callable[[Explorer, str], Callable[[], None]]
) -> None:
    name = f"made-{uuid.uuid4()}"
    first = as_alice(explorer, cloud)
    choose(beside(explorer, first), "partner")
    with first.page.expect_response("**/rpc"):
        fill(first, name)()
    expect(first.page.get_by_label("Project").locator("option:checked")).to_have_text("demo")
    expect(first.heading(name).or_(first.page.locator(".outcome.good"))).to_be_visible()
    assert in_project(cloud, name) == ["demo"]


@pytest.mark.parametrize("fill", WAYS)
def test_nothing_is_made_for_another_person(
    explorer: Open, cloud: Cloud, fill: Callable[[Explorer, str], Callable[[], None]]
) -> None:
    name = f"made-{uuid.uuid4()}"
    first = as_alice(explorer, cloud)
    make = fill(first, name)
    becomes_bobs(explorer, cloud, first)
    make()
    says_that_it_is_bobs(first)
    assert in_project(cloud, name) == []
    assert name not in first.page.content()
    for place in (CREATE, "batch", "images/new"):
        first.open(place)
        expect(first.page.get_by_role("heading", level=1).last).to_be_visible()
        written = "[...document.querySelectorAll('input, textarea')].map(({value}) => value)"
        assert name not in "".join(first.page.evaluate(written))


def test_a_stale_tab_moves_and_ends_nobody_elses_session(explorer: Open, cloud: Cloud) -> None:
    first, third = as_alice(explorer, cloud), None
    third = beside(explorer, first)
    second = becomes_bobs(explorer, cloud, first)
    first.page.get_by_role("button", name="Sign out").click()
    says_that_it_is_bobs(first)
    third.page.get_by_label("Project").select_option(label="demo")
    says_that_it_is_bobs(third)
    second.page.reload()
    expect(second.page.locator(".who")).to_have_text("bob")
    expect(second.heading("Images")).to_be_visible()


def test_a_project_of_the_calls_own_wins(explorer: Open, cloud: Cloud) -> None:
    name = f"made-{uuid.uuid4()}"
    tab = as_alice(explorer, cloud).open(CREATE)
    given = {"name": name, "project_id": cloud.projects["partner"]}
    tab.page.get_by_label("Input as JSON").fill(json.dumps(given))
    assert "x-project-id" not in code(tab.page, "curl")
    tab.page.get_by_role("button", name="Call").click()
    expect(tab.page.locator(".outcome.good")).to_be_visible()
    assert in_project(cloud, name) == ["partner"]


def code(page: Page, language: str) -> str:
    page.get_by_role("button", name=language, exact=True).click()
    return page.get_by_role("region", name="The call as code").text_content() or ""


def test_the_same_call_elsewhere_is_for_the_same_project(explorer: Open, cloud: Cloud) -> None:
    name = f"made-{uuid.uuid4()}"
    tab = as_alice(explorer, cloud).open(CREATE)
    tab.page.get_by_label("Input as JSON").fill(json.dumps({"name": name}))
    for language in ("TypeScript", "Python", "curl"):
        assert cloud.projects["demo"] in code(tab.page, language)
    choose(tab.open("images"), "partner")
    tab.open(CREATE)
    subprocess.run(
        ["bash"],
        input=code(tab.page, "curl"),
        env={**os.environ, "OS_TOKEN": cloud.token("alice", "demo")},
        check=True,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert in_project(cloud, name) == ["partner"]
    tab.open("procedures/auth.listProjects")
    assert "x-project-id" not in code(tab.page, "curl")


def test_every_request_says_whose_page_it_comes_from(
    explorer: Open, cloud: Cloud, tmp_path: Path
) -> None:
    alice = cloud.keystone().get("/users?name=alice")["users"][0]["id"]
    tab = as_alice(explorer, cloud)
    sent: list[Request] = []

    def note(request: Request) -> None:
        sent.append(request)

    tab.page.on("request", note)
    image_id = begin_upload(tab, cloud, tmp_path, MIB)
    tab.says("large has its data, and is active.")
    tab.page.get_by_label("Visibility").select_option("shared")
    tab.says("The image is shared now.")
    tab.page.get_by_label("Search in name").fill(image_id)
    tab.page.get_by_label("Search in name").press("Enter")
    expect(tab.page.get_by_text("1 of ")).to_be_visible()
    paths = {request.url.split("/polaris-bff/")[1].split("?")[0] for request in sent}
    assert paths >= {"rpc", "upload-image", f"upload-progress/{image_id}"}
    for request in sent:
        if "/assets/" in request.url or "getCurrentUserSession" in (request.post_data or ""):
            continue
        told = request.headers.get("x-session-user"), request.headers.get("x-project-id")
        assert told == (alice, cloud.projects["demo"]), (request.url, request.post_data)


def begin_upload(tab: Explorer, cloud: Cloud, folder: Path, size: int) -> str:
    """Begin an upload to a new image of alice's in demo; returns its id."""
    image = {"name": "large", "disk_format": "raw", "container_format": "bare"}
    image_id = str(cloud.glance("alice", "demo").post("/v2/images", image)["id"])
    (folder / "large.raw").write_bytes(bytes(size))
    tab.open(f"images/{image_id}")
    tab.page.get_by_label("Upload its data").set_input_files(folder / "large.raw")
    tab.page.get_by_role("button", name="Upload", exact=True).click()
    return image_id


def begin_slow_upload(
    tab: Explorer, cloud: Cloud, folder: Path, size: int
) -> tuple[str, CDPSession]:
    """Begin an upload at 1 MiB a second; returns the image's id and what sets the pace."""
    network = tab.page.context.new_cdp_session(tab.page)
    pace(network, MIB)
    image_id = begin_upload(tab, cloud, folder, size)
    expect(tab.page.get_by_role("progressbar")).not_to_have_js_property("value", 0)
    return image_id, network


def pace(network: CDPSession, speed: int) -> None:
    """Let a tab send some bytes a second; -1 is as fast as it goes."""
    network.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": speed},
    )


def is_queued(tab: Explorer, cloud: Cloud, image_id: str) -> None:
    glance = cloud.glance("alice", "demo")
    for _ in range(100):
        if glance.get(f"/v2/images/{image_id}")["status"] == "queued":
            return
        tab.page.wait_for_timeout(100)
    raise AssertionError("the image is not queued again")


def test_an_upload_of_one_person_ends_with_the_page_when_another_one_comes(
    explorer: Open, cloud: Cloud, tmp_path: Path
) -> None:
    first = as_alice(explorer, cloud)
    image_id, _ = begin_slow_upload(first, cloud, tmp_path, 64 * MIB)
    becomes_bobs(explorer, cloud, first)
    first.page.get_by_role("button", name="Search").click()
    says_that_it_is_bobs(first)
    expect(first.page.get_by_role("progressbar")).to_have_count(0)
    is_queued(first, cloud, image_id)


def test_an_upload_goes_on_in_the_project_in_which_it_began(
    explorer: Open, cloud: Cloud, tmp_path: Path
) -> None:
    first = as_alice(explorer, cloud)
    image_id, network = begin_slow_upload(first, cloud, tmp_path, 16 * MIB)
    choose(beside(explorer, first), "partner")
    first.open("images")
    choose(first, "partner")
    expect(first.page.locator(".upload")).to_contain_text("large in demo")
    pace(network, -1)
    first.says("large has its data, and is active.")
    image = cloud.glance("alice", "demo").get(f"/v2/images/{image_id}")
    assert (image["status"], image["size"]) == ("active", 16 * MIB)
    expect(first.page.get_by_role("alert").filter(has_text="Dismiss")).to_have_count(0)


def test_signing_out_asks_before_it_stops_an_upload(
    explorer: Open, cloud: Cloud, tmp_path: Path
) -> None:
    tab = as_alice(explorer, cloud)
    image_id, _ = begin_slow_upload(tab, cloud, tmp_path, 64 * MIB)
    tab.page.get_by_role("button", name="Sign out").click()
    question = tab.page.get_by_role("dialog")
    expect(question).to_contain_text("Stop 1 upload and sign out?")
    question.get_by_role("button", name="Cancel").click()
    expect(tab.page.get_by_role("progressbar")).to_be_visible()
    tab.page.get_by_role("button", name="Sign out").click()
    question.get_by_role("button", name="Sign out").click()
    expect(tab.heading("Sign in")).to_be_visible()
    assert tab.page.context.cookies() == []
    is_queued(tab, cloud, image_id)


def begin_to_edit(tab: Explorer, cloud: Cloud) -> None:
    """Change the name of an image of alice's, and do not save it."""
    image = {"visibility": "private", "name": "not saved"}
    image_id = cloud.glance("alice", "demo").post("/v2/images", image)["id"]
    tab.open(f"images/{image_id}")
    tab.page.locator(".detail").get_by_role("button", name="Edit", exact=True).click()
    tab.page.locator(".edit").get_by_label("Name", exact=True).fill("half written")


def test_signing_out_asks_before_it_loses_what_is_not_saved(explorer: Open, cloud: Cloud) -> None:
    tab = as_alice(explorer, cloud)
    begin_to_edit(tab, cloud)
    tab.page.get_by_role("button", name="Sign out").click()
    question = tab.page.get_by_role("dialog")
    expect(question).to_contain_text("Drop what is not saved and sign out?")
    question.get_by_role("button", name="Cancel").click()
    name = tab.page.locator(".edit").get_by_label("Name", exact=True)
    expect(name).to_have_value("half written")
    tab.page.get_by_role("button", name="Sign out").click()
    question.get_by_role("button", name="Sign out").click()
    expect(tab.heading("Sign in")).to_be_visible()
    assert tab.page.context.cookies() == []


def test_what_one_person_did_not_save_is_gone_when_another_one_comes(
    explorer: Open, cloud: Cloud
) -> None:
    first = as_alice(explorer, cloud)
    begin_to_edit(first, cloud)
    becomes_bobs(explorer, cloud, first)
    # Nobody is asked whether to stay on a page that is not theirs.
    first.page.get_by_role("link", name="Close").click()
    says_that_it_is_bobs(first)


def come_back(tab: Explorer) -> None:
    """Have the browser tell the page that it is looked at again; all tabs of a test always are."""
    tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_a_tab_that_somebody_comes_back_to_finds_out_by_itself(
    explorer: Open, cloud: Cloud
) -> None:
    first = as_alice(explorer, cloud)
    second = beside(explorer, first)
    choose(second, "partner")
    first.page.get_by_label("Search in name").fill("typed")
    with first.page.expect_response("**/rpc"):
        come_back(first)
    expect(first.page.get_by_label("Project").locator("option:checked")).to_have_text("demo")
    expect(first.page.get_by_label("Search in name")).to_have_value("typed")
    second.sign_out()
    come_back(first)
    first.says("Your session has ended. Sign in again.")
    first.page.get_by_label("User").fill("typed")
    with first.page.expect_response("**/rpc"):
        come_back(first)
    expect(first.page.get_by_label("User")).to_have_value("typed")
    second.sign_in("alice", cloud.password("alice"), "demo")
    come_back(first)
    expect(first.heading("Images")).to_be_visible()
    second.sign_out()
    second.sign_in("bob", cloud.password("bob"), "partner")
    come_back(first)
    says_that_it_is_bobs(first)


def test_a_tab_whose_session_ended_calls_as_nobody(explorer: Open, cloud: Cloud) -> None:
    name = f"made-{uuid.uuid4()}"
    first = as_alice(explorer, cloud)
    first.page.context.clear_cookies()
    call = fill_call(first, name)
    call()
    first.says("Your session has ended.")
    explorer(beside=first).sign_in("bob", cloud.password("bob"), "partner")
    call()
    says_that_it_is_bobs(first)
    assert in_project(cloud, name) == []


def test_a_tab_that_shows_nobody_calls_as_nobody(explorer: Open, cloud: Cloud) -> None:
    name = f"made-{uuid.uuid4()}"
    first = explorer(CREATE)
    expect(first.page.locator(".session").get_by_role("link", name="Sign in")).to_be_visible()
    call = fill_call(first, name)
    explorer(beside=first).sign_in("bob", cloud.password("bob"), "partner")
    call()
    expect(first.page.locator(".outcome.bad")).to_contain_text("UNAUTHORIZED")
    expect(first.page.locator(".who")).to_have_text("bob")
    assert in_project(cloud, name) == []
    call()
    expect(first.page.locator(".outcome.good")).to_be_visible()
    assert in_project(cloud, name) == ["partner"]


def test_a_tab_without_a_project_makes_nothing_in_another_tabs(
    explorer: Open, cloud: Cloud
) -> None:
    name = f"made-{uuid.uuid4()}"
    first = explorer()
    first.page.get_by_label("User").fill("alice")
    first.page.get_by_label("Password").fill(cloud.password("alice"))
    first.page.get_by_role("button", name="Sign in").click()
    expect(first.heading("Choose a project")).to_be_visible()
    second = beside(explorer, first)
    second.page.get_by_role("button", name="partner", exact=True).click()
    expect(second.heading("Images")).to_be_visible()
    fill_call(first, name)()
    expect(first.page.locator(".outcome.bad")).to_contain_text("SESSION_CHANGED")
    first.says("This session was moved to another project in another tab.")
    expect(first.page.get_by_label("Project").locator("option:checked")).to_have_text("partner")
    assert in_project(cloud, name) == []


def test_a_scope_that_is_set_by_a_call_is_shown(explorer: Open, cloud: Cloud) -> None:
    tab = as_alice(explorer, cloud).open("procedures/auth.setCurrentScope")
    given = {"type": "project", "projectId": cloud.projects["partner"]}
    tab.page.get_by_label("Input as JSON").fill(json.dumps(given))
    tab.page.get_by_role("button", name="Add to batch").click()
    tab.page.get_by_label("Input as JSON").fill('{"type": "unscoped"}')
    tab.page.get_by_role("button", name="Call").click()
    shown = tab.page.get_by_label("Project").locator("option:checked")
    expect(shown).to_have_text("no project")
    tab.open("batch").page.get_by_role("button", name="Send 1 call").click()
    expect(shown).to_have_text("partner")


def test_a_page_that_was_left_is_nobody_elses_when_one_goes_back(
    playwright: Playwright, address: str, cloud: Cloud
) -> None:
    # Playwright switches off what keeps the pages that one leaves; people's browsers have it.
    # The headless shell cannot keep any.
    chromium = launched(
        playwright, "chromium", ignore_default_args=["--disable-back-forward-cache"]
    )
    with chromium.new_context(base_url=address) as browser:
        first = Explorer(browser.new_page()).open()
        first.sign_in("alice", cloud.password("alice"), "demo")
        first.page.goto("about:blank")
        second = Explorer(browser.new_page()).open()
        second.sign_out()
        second.sign_in("bob", cloud.password("bob"), "partner")
        first.page.go_back()
        expect(who(first)).to_have_text("bob")
        options = first.page.get_by_label("Project").locator("option")
        check_offers_bobs(options)


def test_who_lost_the_role_in_the_sessions_project_may_choose_another_one(
    explorer: Open, cloud: Cloud
) -> None:
    lost, keystone = cloud.new_project("alice"), cloud.keystone()
    alice = keystone.get("/users?name=alice")["users"][0]["id"]
    role = keystone.get("/roles?name=member")["roles"][0]["id"]
    serve = ("bff", "serve", "--port", "0")
    variables = {
        "BFF_AUTH_URL": cloud.auth_url,
        "BFF_SECRET_KEYS": Fernet.generate_key().decode(),
        "BFF_LOG_LEVEL": "error",
    }
    # The second process has not seen the session yet; cookies are the same on every port.
    with running(*serve, **variables) as one, running(*serve, **variables) as other:
        first, second = (line_of(each, containing="ready ")[6:] for each in (one, other))
        tab = explorer()
        tab.page.goto(first)
        tab.sign_in("alice", cloud.password("alice"), lost)
        grant = f"/projects/{cloud.projects[lost]}/users/{alice}/roles/{role}"
        keystone.call("DELETE", grant)
        tab.page.goto(second)
        expect(tab.heading("Choose a project")).to_be_visible()
        tab.page.get_by_role("button", name="partner", exact=True).click()
        expect(tab.heading("Images")).to_be_visible()
        tab.page.close()
