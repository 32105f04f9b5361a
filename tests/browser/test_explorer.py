"""The explorer, used as people use it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.browser.conftest import Explorer, Open
from tests.devcloud import Cloud
from tests.node import CLIENT, NODE, run
from tests.process import SECONDS, line_of, running

MIB = 1024 * 1024
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def project(cloud: Cloud) -> str:
    """Return a project of alice's in which nothing is yet."""
    return cloud.new_project("alice")


def make_images(cloud: Cloud, project: str, *names: str, **metadata: Any) -> list[str]:
    glance = cloud.glance("alice", project)
    return [
        str(glance.post("/v2/images", {"visibility": "private", **metadata, "name": name})["id"])
        for name in names
    ]


def image_names(page: Page) -> list[str]:
    return page.locator(".rows tbody th a").all_text_contents()


def test_images_are_uploaded_shared_accepted_and_deleted(
    explorer: Open, cloud: Cloud, project: str, tmp_path: Path
) -> None:
    name, protected = f"disk-{uuid.uuid4()}", f"protected-{uuid.uuid4()}"
    alice = explorer()
    expect(alice.heading("Sign in")).to_be_visible()
    alice.keep("story-1-sign-in")
    alice.sign_in("alice", cloud.password("alice"), project)
    expect(alice.page.get_by_role("link", name="Ubuntu 24.04 LTS")).to_be_visible()
    data = bytes(range(256)) * (100 * MIB // 256)
    image_id = create_from_a_file(alice, name, tmp_path / "disk.raw", data)
    image = cloud.glance("alice", project).get(f"/v2/images/{image_id}")
    assert (image["status"], image["size"]) == ("active", len(data))
    assert image["os_hash_value"] == hashlib.sha512(data).hexdigest()
    share(alice, "partner", cloud.projects["partner"])
    alice.sign_out()

    bob = explorer().sign_in("bob", cloud.password("bob"), "partner")
    accept(bob, name, "partner")
    bob.sign_out()

    make_images(cloud, project, protected, protected=True)
    alice.open().sign_in("alice", cloud.password("alice"), project)
    delete(alice, name, protected)
    expect(alice.page.get_by_role("heading", name="1 deleted, 1 failed")).to_be_focused()
    failed = alice.page.locator(".failures tr")
    expect(failed).to_have_count(1)
    expect(failed).to_contain_text(protected)
    expect(failed).to_contain_text("FORBIDDEN")
    assert name not in image_names(alice.page)
    assert protected in image_names(alice.page)
    alice.keep("story-6-deleted")
    alice.sign_out()
    assert alice.page.context.cookies() == []


def create_from_a_file(tab: Explorer, name: str, file: Path, data: bytes) -> str:
    """Create an image and upload its data; returns its id."""
    file.write_bytes(data)
    page = tab.page
    page.get_by_role("link", name="New image").click()
    page.get_by_label("File").set_input_files(file)
    page.get_by_label("Name", exact=True).fill(name)
    expect(page.get_by_label("Disk format")).to_have_value("raw")
    page.evaluate(WATCH_PROGRESS)
    page.get_by_role("button", name="Create and upload").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    tab.keep("story-2-upload")
    tab.says(f"{name} has its data, and is active.")
    shares = page.evaluate("window.shares")
    assert [share for share in shares if 0 < share < 1], shares
    assert shares == sorted(shares)
    return page.url.rpartition("/")[2]


def share(tab: Explorer, project: str, project_id: str) -> None:
    page = tab.page
    page.get_by_role("button", name="Make it shared").click()
    tab.says("The image is shared now.")
    page.get_by_label("Share with a project").fill(project_id)
    page.get_by_role("button", name="Share", exact=True).click()
    tab.says(f"The image is offered to {project}.")
    expect(page.locator(".members tbody tr")).to_contain_text("pending")
    tab.keep("story-3-shared")


def accept(tab: Explorer, name: str, project: str) -> None:
    tab.page.get_by_label("Show").select_option(label="Offered to this project")
    tab.page.get_by_role("link", name=name).click()
    tab.page.get_by_role("button", name="Accept", exact=True).click()
    tab.says(f"{project} lists the image now.")
    tab.keep("story-4-accepted")


def delete(tab: Explorer, *names: str) -> None:
    for name in names:
        tab.page.get_by_label(f"Select {name}").check()
    expect(tab.page.get_by_text(f"{len(names)} selected")).to_be_visible()
    tab.page.locator(".bulk").get_by_role("button", name="Delete").click()
    tab.keep("story-5-question")
    tab.page.get_by_role("dialog").get_by_role("button", name="Delete").click()


def test_an_upload_that_is_stopped_leaves_an_image_that_waits_for_another(
    explorer: Open, cloud: Cloud, project: str, tmp_path: Path
) -> None:
    (image_id,) = make_images(cloud, project, "slow", disk_format="raw", container_format="bare")
    (tmp_path / "large.raw").write_bytes(bytes(32 * MIB))
    (tmp_path / "small.raw").write_bytes(b"polaris " * 64)
    # Glance takes a moment to have it queued again.
    tab = explorer(looks_again=True).sign_in("alice", cloud.password("alice"), project)
    page = tab.open(f"images/{image_id}").page
    throttle = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": MIB}
    throttle.send("Network.emulateNetworkConditions", slow)
    page.get_by_label("Upload its data").set_input_files(tmp_path / "large.raw")
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_role("progressbar")).not_to_have_js_property("value", 0)
    tab.keep("upload")
    page.get_by_role("button", name="Stop the upload of slow").click()
    tab.says("The upload of slow was stopped. The image is still queued.")
    throttle.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
    expect(page.get_by_role("button", name="Upload", exact=True)).to_be_visible()
    page.get_by_label("Upload its data").set_input_files(tmp_path / "small.raw")
    page.get_by_role("button", name="Upload", exact=True).click()
    tab.says("slow has its data, and is active.")
    expect(page.locator(".id")).to_contain_text("active")


def test_data_that_glance_refuses_is_said_with_its_reason(
    explorer: Open, cloud: Cloud, project: str, tmp_path: Path
) -> None:
    (image_id,) = make_images(cloud, project, "odd", disk_format="qcow2", container_format="bare")
    (tmp_path / "odd.qcow2").write_bytes(b"not a qcow2 file " * 5000)
    tab = explorer().sign_in("alice", cloud.password("alice"), project).open(f"images/{image_id}")
    tab.page.get_by_label("Upload its data").set_input_files(tmp_path / "odd.qcow2")
    tab.page.get_by_role("button", name="Upload", exact=True).click()
    tab.says("qcow2")
    assert cloud.glance("alice", project).get(f"/v2/images/{image_id}")["status"] == "queued"
    # The browser notes the refusal's status by itself.
    (complaint,) = tab.complaints
    assert "the server responded with a status of 4" in complaint
    tab.complaints.clear()


# Notes the share of each change of a <progress>.
WATCH_PROGRESS = """() => {
  window.shares = []
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      if (target.tagName === "PROGRESS") window.shares.push(target.value / target.max)
    }
  }).observe(document.body, { subtree: true, attributes: true, attributeFilter: ["value"] })
}"""


def test_a_person_without_a_mouse_signs_in_and_calls_a_procedure(
    explorer: Open, cloud: Cloud, project: str
) -> None:
    tab = explorer()
    keys = tab.page.keyboard
    expect(tab.heading("Sign in")).to_be_visible()
    reach(tab, "textbox", "User")
    keys.type("alice")
    reach(tab, "textbox", "Password")
    keys.type(cloud.password("alice"))
    keys.press("Enter")
    expect(tab.heading("Choose a project")).to_be_focused()
    reach(tab, "button", project)
    keys.press("Enter")
    expect(tab.heading("Images")).to_be_focused()
    keys.press("Shift+Tab")
    reach(tab, "link", "Procedures", key="Shift+Tab")
    keys.press("Enter")
    expect(tab.heading("polaris-bff")).to_have_count(0)
    reach(tab, "searchbox", "Search procedures")
    keys.type("every image page")
    keys.press("ControlOrMeta+A")
    keys.type("listImagesWithPagination")
    expect(tab.page.locator(".tree li")).to_have_count(1)
    reach(tab, "link", "listImagesWithPagination query")
    keys.press("Enter")
    expect(
        tab.page.get_by_role("heading", name="compute.image.listImagesWithPagination")
    ).to_be_focused()
    reach(tab, "textbox", "limit")
    keys.type("7")
    reach(tab, "textbox", "Input as JSON")
    expect(tab.page.get_by_label("Input as JSON")).to_have_value('{\n  "limit": 7\n}')
    # The editor is no trap: Tab leaves it.
    keys.press("Tab")
    reach(tab, "button", "Call")
    keys.press("Enter")
    expect(tab.page.get_by_role("region", name="The answer")).to_contain_text('"images"')
    reach(tab, "button", "Sign out", key="Shift+Tab")
    keys.press("Enter")
    expect(tab.heading("Sign in")).to_be_visible()


def reach(tab: Explorer, role: Any, name: str, *, key: str = "Tab") -> None:
    """Go there with the keyboard; the focus can be seen on each step."""
    target = tab.page.get_by_role(role, name=name, exact=True)
    expect(target).to_be_visible()
    for _ in range(120):
        if target.evaluate("(element) => element === document.activeElement"):
            return
        tab.page.keyboard.press(key)
        assert tab.page.evaluate(FOCUS_IS_SEEN), f"no focus ring on the way to {name}"
    raise AssertionError(f"{name} cannot be reached")


FOCUS_IS_SEEN = """() => {
  const element = document.activeElement
  return element === document.body || /^H[12]$/.test(element.tagName)
    || getComputedStyle(element).outlineStyle !== "none"
}"""


def test_what_the_server_says_is_text_and_never_markup(
    explorer: Open, cloud: Cloud, project: str
) -> None:
    (image_id,) = make_images(
        cloud, project, HOSTILE, visibility="shared", tags=[HOSTILE], os_distro=HOSTILE
    )
    tab = explorer().sign_in("alice", cloud.password("alice"), project)
    page = tab.page
    page.get_by_role("link", name=HOSTILE).click()
    expect(tab.heading(HOSTILE)).to_be_visible()
    expect(page.locator(".properties")).to_contain_text(HOSTILE)
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog")).to_contain_text(HOSTILE)
    page.get_by_role("button", name="Cancel").click()
    tab.open("procedures/compute.image.getImageById")
    page.get_by_label("imageId").fill(image_id)
    page.get_by_role("button", name="Call").click()
    expect(page.get_by_role("region", name="The answer")).to_contain_text(HOSTILE)
    page.get_by_label("imageId").fill(HOSTILE)
    page.get_by_role("button", name="Call").click()
    expect(page.locator(".outcome")).to_contain_text("BAD_REQUEST")
    expect(page.locator(".snippets pre")).to_contain_text(HOSTILE)
    tab.open(f"procedures/{HOSTILE}")
    expect(page.get_by_role("heading", name="There is no such procedure")).to_be_visible()
    assert page.locator("img, [onerror]").count() == 0


def test_the_browser_itself_refuses_text_as_markup(explorer: Open) -> None:
    tab = explorer()
    expect(tab.heading("Sign in")).to_be_visible()
    code = "try { document.body.innerHTML = '<b>x</b>' } catch (error) { error.name }"
    assert tab.page.evaluate(code) == "TypeError"
    assert tab.page.locator("b").count() == 0
    (complaint,) = tab.complaints
    assert "TrustedHTML" in complaint
    tab.complaints.clear()


def test_form_and_editor_say_the_same(explorer: Open) -> None:
    tab = explorer("procedures/compute.image.createImage")
    page = tab.page
    editor = page.get_by_label("Input as JSON")

    def given() -> Any:
        return json.loads(editor.input_value())

    page.get_by_label("name", exact=True).fill("from the form")
    page.get_by_label("disk_format").select_option("qcow2")
    page.get_by_text("More parameters").click()
    page.get_by_label("protected").select_option("false")
    page.get_by_label("min_ram").fill("512")
    page.get_by_label("tags").fill("one\ntwo")
    assert given() == {
        "name": "from the form",
        "disk_format": "qcow2",
        "protected": False,
        "min_ram": 512,
        "tags": ["one", "two"],
    }
    editor.fill(
        '{"name": "from the editor", "tags": ["three"], "hw_video_model": "vga", "min_ram": 0}'
    )
    expect(page.get_by_label("name", exact=True)).to_have_value("from the editor")
    expect(page.get_by_label("tags")).to_have_value("three")
    expect(page.get_by_label("min_ram")).to_have_value("0")
    expect(page.get_by_label("disk_format")).to_have_value("")
    page.get_by_label("name", exact=True).fill("")
    assert given() == {"tags": ["three"], "hw_video_model": "vga", "min_ram": 0}
    editor.fill('{"name": ')
    expect(editor).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("button", name="Call")).to_be_disabled()
    editor.fill("")
    expect(page.get_by_role("button", name="Call")).to_be_enabled()


def test_a_list_of_objects_has_a_form_for_each(explorer: Open) -> None:
    tab = explorer("procedures/compute.image.updateImage")
    page = tab.page
    for op, path, value in (("add", "/tags/-", "x"), ("replace", "/min_ram", "512")):
        page.get_by_role("button", name="Add one").click()
        last = page.locator(".items > li").last
        last.get_by_label("op").select_option(op)
        last.get_by_label("path").fill(path)
        last.get_by_label("value").fill(value)
    page.locator(".items > li").first.get_by_role("button", name="Remove").click()
    assert json.loads(page.get_by_label("Input as JSON").input_value()) == {
        "operations": [{"op": "replace", "path": "/min_ram", "value": 512}]
    }


def test_a_refused_parameter_is_marked_where_it_is(explorer: Open, cloud: Cloud) -> None:
    tab = explorer().sign_in("alice", cloud.password("alice"), "demo")
    tab.open("procedures/compute.image.listImages")
    page = tab.page
    page.get_by_label("limit").fill("ten")
    page.get_by_role("button", name="Call").click()
    expect(page.get_by_label("limit")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("limit")).to_have_accessible_description(re.compile("integer"))
    expect(page.get_by_text("Answered in")).to_contain_text(re.compile(r"\d+ ms"))
    expect(page.locator(".request-id")).to_contain_text(re.compile(r"^req-[0-9a-f-]{36}$"))
    page.get_by_label("limit").fill("1")
    page.get_by_role("button", name="Call").click()
    expect(page.get_by_label("limit")).to_have_attribute("aria-invalid", "false")


def test_the_calls_of_a_batch_go_out_as_one_and_are_answered_one_by_one(
    explorer: Open, cloud: Cloud
) -> None:
    tab = explorer().sign_in("alice", cloud.password("alice"), "demo")
    page = tab.page
    for name, fields in (
        ("compute.image.listImages", {"limit": "1"}),
        ("compute.image.getImageById", {"imageId": "no id"}),
        ("auth.listProjects", {}),
    ):
        tab.open(f"procedures/{name}")
        for field, value in fields.items():
            page.get_by_label(field).fill(value)
        page.get_by_role("button", name="Add to batch").click()
    page.get_by_role("link", name="Batch 3").click()
    with page.expect_request("**/rpc") as sent:
        page.get_by_role("button", name="Send 3 calls").click()
    expect(page.locator(".outcome")).to_have_count(3)
    methods = [call["method"] for call in sent.value.post_data_json or []]
    assert methods == [
        "compute.image.listImages",
        "compute.image.getImageById",
        "auth.listProjects",
    ]
    expect(page.locator(".entries > li").nth(0).locator(".outcome.good")).to_be_visible()
    expect(page.locator(".entries > li").nth(1).locator(".outcome.bad")).to_contain_text(
        "BAD_REQUEST"
    )
    expect(page.locator(".entries > li").nth(2)).to_contain_text('"demo"')


def test_the_same_call_in_other_languages_does_what_it_did_in_the_page(
    explorer: Open, cloud: Cloud, project: str, tmp_path: Path
) -> None:
    name = 'it\'s "quoted" \\ $HOME `x` ${y} – 雪'
    make_images(cloud, project, name, "another")
    page = explorer("procedures/compute.image.listImages").page
    params = {"name": name, "protected": False, "tag": [], "visibility": "private"}
    page.get_by_label("Input as JSON").fill(json.dumps(params))
    install_client(tmp_path)
    for language, program in (
        ("curl", ["bash"]),
        ("Python", [sys.executable]),
        ("TypeScript", [str(NODE), "--no-warnings", "--input-type=module"]),
    ):
        page.get_by_role("button", name=language, exact=True).click()
        code = page.get_by_role("region", name="The call as code").text_content() or ""
        answer = subprocess.run(
            program,
            input=code,
            cwd=tmp_path,
            env={**os.environ, "OS_TOKEN": cloud.token("alice", project), "PYTHONUTF8": "1"},
            check=True,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        ).stdout
        assert "queued" in answer
        assert "another" not in answer


def install_client(folder: Path) -> None:
    """Put the TypeScript client where a script in the folder finds it."""
    package = folder / "node_modules" / "@polaris-bff" / "client"
    options = ("--noCheck", "--outDir", str(package / "dist"))
    run(CLIENT, "tsc", "--project", "tsconfig.build.json", *options)
    shutil.copy(CLIENT / "package.json", package)


def test_the_password_goes_to_the_endpoint_alone_and_nothing_is_stored(
    explorer: Open, cloud: Cloud, address: str
) -> None:
    tab = explorer()
    seen: list[Request] = []

    def note(request: Request) -> None:
        seen.append(request)

    tab.page.on("request", note)
    tab.sign_in("alice", cloud.password("alice"), "demo")
    tab.open("procedures/auth.createUserSession")
    page = tab.page
    for name in ("password", "passcode", "applicationCredentialSecret", "token"):
        expect(page.get_by_label(name, exact=True)).to_have_attribute("type", "password")
    page.get_by_label("user", exact=True).fill("alice")
    page.get_by_label("password", exact=True).fill("secret-of-alice")
    assert "secret-of-alice" not in page.locator("main").inner_text()
    assert "secret-of-alice" not in page.get_by_label("Input as JSON").input_value()
    expect(page.get_by_role("button", name="Add to batch")).to_have_count(0)
    with page.expect_request(lambda request: "UserSession" in str(request.post_data)) as sent:
        page.get_by_role("button", name="Call").click()
    assert "secret-of-alice" in (sent.value.post_data or "")
    expect(page.locator(".outcome")).to_contain_text("UNAUTHORIZED")
    for request in seen:
        assert request.url.startswith(address)
        if "alice" in (request.post_data or ""):
            assert request.url == f"{address}rpc"
    stored = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    assert page.evaluate(stored) == '[{},{},""]'
    assert page.evaluate("indexedDB.databases()") == []
    (cookie,) = page.context.cookies()
    assert cookie["httpOnly"]
    assert cookie["secure"]


def test_an_ended_session_leads_back_to_signing_in(explorer: Open, cloud: Cloud) -> None:
    tab = explorer().sign_in("alice", cloud.password("alice"), "demo")
    # The last call that the list makes by itself, which would be the first to be refused.
    expect(tab.page.get_by_text(re.compile("Page 1, [0-9]+ of"))).to_be_visible()
    tab.page.context.clear_cookies()
    tab.page.get_by_role("button", name="Search").click()
    expect(tab.heading("Sign in")).to_be_visible()
    tab.says("Your session has ended.")


def test_a_browser_that_does_not_keep_the_cookie_is_told_why(explorer: Open, cloud: Cloud) -> None:
    tab = explorer()

    def without_cookie(route: Route) -> None:
        answer = route.fetch()
        kept = {name: text for name, text in answer.headers.items() if name != "set-cookie"}
        tab.page.context.clear_cookies()
        route.fulfill(response=answer, headers=kept)

    tab.page.route("**/rpc", without_cookie)
    tab.page.get_by_label("User").fill("alice")
    tab.page.get_by_label("Password").fill(cloud.password("alice"))
    tab.page.get_by_role("button", name="Sign in").click()
    expect(tab.page.get_by_role("alert").filter(has_text="did not keep")).to_be_visible()


def test_nothing_is_left_of_one_person_for_the_next(explorer: Open, cloud: Cloud) -> None:
    tab = explorer().sign_in("alice", cloud.password("alice"), "demo")
    page = tab.page
    tab.open("procedures/compute.image.listImages")
    page.get_by_label("limit").fill("7")
    page.get_by_role("button", name="Add to batch").click()
    page.context.clear_cookies()
    page.get_by_role("button", name="Call").click()
    expect(page.locator(".outcome")).to_contain_text("UNAUTHORIZED")
    tab.open("images").sign_in("bob", cloud.password("bob"), "partner")
    assert page.get_by_role("link", name="Batch", exact=True).is_visible()
    tab.open("procedures/compute.image.listImages")
    expect(page.get_by_label("limit")).to_have_value("")
    page.get_by_label("limit").fill("8")
    tab.sign_out()
    tab.open("procedures/compute.image.listImages")
    expect(page.get_by_label("limit")).to_have_value("")


@pytest.mark.parametrize("place", ["images/%", "procedures/%E0%A4%A", "nothing", "//", "batch/x"])
def test_an_odd_address_still_shows_a_page(explorer: Open, place: str) -> None:
    expect(explorer(place).page.get_by_role("heading", level=1)).to_be_visible()


def test_a_wrong_password_is_said_in_the_form(explorer: Open) -> None:
    tab = explorer()
    tab.page.get_by_label("User").fill("alice")
    tab.page.get_by_label("Password").fill("wrong")
    tab.page.get_by_role("button", name="Sign in").click()
    expect(tab.page.get_by_role("alert").filter(has_text="password")).to_be_visible()
    expect(tab.page.get_by_label("Password")).to_be_focused()


def test_images_are_paged_sorted_and_searched(explorer: Open, cloud: Cloud, project: str) -> None:
    names = [f"{project}-{number:02}" for number in range(30)]
    make_images(cloud, project, *names)
    tab = explorer().sign_in("alice", cloud.password("alice"), project)
    page = tab.page
    page.get_by_label("Show").select_option("private")
    page.get_by_role("button", name="Name", exact=True).click()
    expect(page.locator(".rows tbody th a").first).to_have_text(names[0])
    assert image_names(page) == names[:25]
    expect(page.get_by_role("button", name="Name", exact=True)).to_be_focused()
    page.get_by_role("button", name="Next page").click()
    expect(page.get_by_text("Page 2, 5 of 30 images")).to_be_visible()
    assert image_names(page) == names[25:]
    page.get_by_label(f"Select {names[27]}").check()
    page.get_by_role("link", name=names[26]).click()
    expect(tab.heading(names[26])).to_be_focused()
    expect(page.get_by_text("Page 2, 5 of 30 images")).to_be_visible()
    expect(page.get_by_label(f"Select {names[27]}")).to_be_checked()
    page.get_by_role("link", name="Close").click()
    page.get_by_role("button", name="First page").click()
    expect(page.get_by_text("Page 1, 25 of 30 images")).to_be_visible()
    page.get_by_label("Search in name").fill(f"{project}-2")
    page.get_by_label("Search in name").press("Enter")
    expect(page.get_by_text("Page 1, 10 of 10 images")).to_be_visible()
    assert image_names(page) == names[20:]


def test_the_page_works_below_another_prefix(explorer: Open, cloud: Cloud, project: str) -> None:
    make_images(cloud, project, "an image")
    variables = {"BFF_AUTH_URL": cloud.auth_url, "BFF_PREFIX": "/cloud/images"}
    with running("bff", "serve", "--port", "0", **variables, BFF_LOG_LEVEL="error") as process:
        other = line_of(process, containing="ready ").removeprefix("ready ")
        tab = explorer()
        tab.page.goto(other.rstrip("/"))
        tab.sign_in("alice", cloud.password("alice"), project)
        expect(tab.page.get_by_role("link", name="an image")).to_be_visible()
        expect(tab.page.get_by_text(re.compile("Page 1, [0-9]+ of"))).to_be_visible()
