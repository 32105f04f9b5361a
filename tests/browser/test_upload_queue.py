"""Uploads in the explorer: dropped, queued, seen from every view, broken off and taken up again."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import CDPSession, Locator, expect

from tests.browser.conftest import Explorer, context_of
from tests.browser.views import check
from tests.devcloud import Cloud

MIB = 1024 * 1024
FREE = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
SLOW = {**FREE, "uploadThroughput": 2 * MIB}
OFFLINE = {**FREE, "offline": True}

# Files cannot be dragged in from outside; what the page is told of them is the same.
DROP = """([files, selector]) => {
  const dataTransfer = new DataTransfer()
  for (const [name, size] of files) {
    dataTransfer.items.add(new File([new Uint8Array(size).fill(7)], name))
  }
  const target = document.querySelector(selector)
  const options = { bubbles: true, cancelable: true, dataTransfer }
  const over = new DragEvent("dragover", options)
  target.dispatchEvent(over)
  const said = document.querySelector(".drop").checkVisibility()
    && document.querySelector(".drop").textContent
  const drop = new DragEvent("drop", options)
  target.dispatchEvent(drop)
  return [over.defaultPrevented && drop.defaultPrevented, said]
}"""

File = tuple[str, int]


class Line(ThreadingTCPServer):
    """The way to a server, which can be cut."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, server: tuple[str, int]) -> None:
        self.server = server
        self.is_cut = False
        self.flows = threading.Event()
        self.flows.set()
        self.ends: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Connection)

    def cut(self) -> None:
        """End every connection, and let no other one through."""
        self.is_cut = True
        for end in list(self.ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self.flows.set()


class _Connection(BaseRequestHandler):
    server: Line

    def handle(self) -> None:
        if self.server.is_cut:
            return
        with socket.create_connection(self.server.server) as other:
            self.server.ends |= {self.request, other}
            back = threading.Thread(target=self.carry, args=(other, self.request), daemon=True)
            back.start()
            self.carry(self.request, other)
            back.join()
            self.server.ends -= {self.request, other}

    def carry(self, source: socket.socket, to: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(64 * 1024):
                self.server.flows.wait()
                to.sendall(data)
        with suppress(OSError):
            to.shutdown(socket.SHUT_WR)


class Uploader(Explorer):
    """A tab in which files are dropped, on a network that obeys."""

    wire: CDPSession
    line: Line

    def network(self, conditions: dict[str, Any]) -> None:
        self.wire.send("Network.emulateNetworkConditions", conditions)

    def drop(self, *files: File, on: str = "body") -> str:
        """Drop files; returns what was said while they hung over the page."""
        taken, said = self.page.evaluate(DROP, [files, on])
        assert taken, "the browser would have opened the file in place of the page"
        return str(said)

    def confirm(self) -> None:
        self.page.get_by_role("dialog").get_by_role("button", name="Create and upload").click()

    def upload(self, name: str) -> Locator:
        """Return what is said of an upload."""
        return self.page.locator(".upload", has_text=name)

    def sums_up(self, text: str | re.Pattern[str]) -> None:
        expect(self.page.locator(".uploads summary")).to_contain_text(text)

    def offer(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)


@pytest.fixture(scope="module")
def signed_in(chromium: Chromium, address: str, cloud: Cloud) -> Iterator[Uploader]:
    server = urlsplit(address)
    assert server.hostname
    assert server.port
    with Line((server.hostname, server.port)) as line:
        threading.Thread(target=line.serve_forever, daemon=True).start()
        here = server._replace(netloc=f"{server.hostname}:{line.server_address[1]}").geturl()
        context = context_of(chromium, here)
        tab = Uploader(context.new_page())
        tab.line = line
        tab.wire = context.new_cdp_session(tab.page)
        tab.wire.send("Network.enable")
        tab.open().sign_in("alice", cloud.password("alice"), "demo")
        yield tab
        context.close()
        line.shutdown()


@pytest.fixture
def project(cloud: Cloud) -> str:
    """Return a project of alice's in which nothing is yet."""
    return cloud.new_project("alice")


@pytest.fixture
def tab(signed_in: Uploader, cloud: Cloud, project: str) -> Iterator[Uploader]:
    """Return the tab of the module, at work in a project of the test's own."""
    page = signed_in.open().page
    page.reload()
    page.get_by_label("Project").select_option(label=project)
    expect(page.get_by_label("Project").locator("option:checked")).to_have_text(project)
    expect(page.get_by_label("Project")).not_to_have_attribute("aria-busy", "true")
    expect(page.locator(".rows")).to_have_attribute("aria-busy", "false")
    yield signed_in
    signed_in.network(FREE)
    assert signed_in.complaints == []


def images(cloud: Cloud, project: str) -> dict[str, Any]:
    """Return the images of a project by name."""
    found = cloud.glance("alice", project).get("/v2/images?visibility=private")["images"]
    return {image["name"]: image for image in found}


def assert_holds(image: dict[str, Any], size: int) -> None:
    assert (image["status"], image["size"]) == ("active", size)
    assert image["os_hash_value"] == hashlib.sha512(b"\7" * size).hexdigest()


def test_files_are_dropped_anywhere_and_uploaded_in_turn_while_one_works_elsewhere(
    tab: Uploader, cloud: Cloud, project: str
) -> None:
    page = tab.page
    tab.open("procedures/auth.listProjects")
    sizes = {"a.img": 8 * MIB, "b.raw": 8 * MIB, "c.iso": 3 * MIB, "d.vmdk": MIB}
    assert tab.drop(*list(sizes.items())[:3]) == "Drop files to make images of them"
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text(f"3 new images in {project}")
    expect(dialog.get_by_role("heading")).to_be_focused()
    # Also while something else is open.
    tab.drop(("d.vmdk", sizes["d.vmdk"]), ("empty", 0))
    expect(dialog.get_by_role("heading")).to_have_text(f"4 new images in {project}")
    disks = [each.input_value() for each in dialog.get_by_label("Disk format").all()]
    assert disks == ["raw", "raw", "iso", "vmdk"]
    dialog.get_by_label("Disk format").nth(2).select_option("raw")
    dialog.get_by_label("Name").nth(2).fill("third")
    check(tab, "new-images")
    tab.network(SLOW)
    tab.confirm()
    tab.sums_up("4 uploads: 2 going, 2 waiting")
    # Megabytes a second, and for how long.
    tab.sums_up(re.compile(r"– \d.* [KM]iB/s, \d+ s left"))
    expect(tab.upload("a.img")).to_contain_text(re.compile(r"\d+ % – .* sent, .*iB/s"))
    expect(tab.upload("third")).to_contain_text("waits for its turn")
    tab.offer("Stop the upload of d.vmdk").click()
    tab.says("d.vmdk was not begun; no image was made.")
    for view in ("batch", "images", "procedures"):
        tab.open(view)
        expect(tab.upload("a.img")).to_be_visible()
    check(tab, "uploads")
    # What is shown from now on is another project; uploads stay where they began.
    page.get_by_label("Project").select_option(label="demo")
    tab.network(FREE)
    tab.sums_up("3 uploads: 3 done")
    tab.offer("Dismiss what has ended").click()
    expect(page.locator(".uploads")).to_be_hidden()
    made = images(cloud, project)
    assert sorted(made) == ["a.img", "b.raw", "third"]
    for name, image in made.items():
        assert_holds(image, sizes[name if name in sizes else "c.iso"])


def test_one_file_dropped_on_an_image_that_waits_becomes_its_data(
    tab: Uploader, cloud: Cloud, project: str
) -> None:
    metadata = {"name": "waits", "disk_format": "raw", "container_format": "bare"}
    image = cloud.glance("alice", project).post("/v2/images", metadata)
    tab.open(f"images/{image['id']}")
    expect(tab.page.get_by_text("Upload its data")).to_be_visible()
    assert tab.drop(("any.name", MIB), on=".detail h1") == "Drop it as the data of waits"
    tab.says("waits has its data, and is active.")
    expect(tab.page.locator(".id")).to_contain_text("active")
    expect(tab.page.get_by_role("dialog")).to_have_count(0)
    assert_holds(cloud.glance("alice", project).get(f"/v2/images/{image['id']}"), MIB)
    # It waits no more.
    tab.drop(("another.raw", MIB), on=".detail h1")
    tab.page.get_by_role("dialog").get_by_role("button", name="Cancel").click()


def test_a_broken_connection_is_said_and_the_upload_offered_again(
    tab: Uploader, cloud: Cloud, project: str
) -> None:
    tab.network(SLOW)
    begin(tab, ("one.raw", 8 * MIB), ("two.raw", 8 * MIB), ("three.raw", MIB))
    tab.sums_up("2 going, 1 waiting")
    expect(tab.upload("two.raw")).to_contain_text(re.compile("[1-9] % –"))
    # The browser would send the rest of what goes as fast as it can.
    tab.line.flows.clear()
    tab.network(OFFLINE)
    tab.line.cut()
    tab.sums_up("1 waiting, 2 failed")
    expect(tab.upload("one.raw")).to_contain_text("This device is offline.")
    expect(tab.offer("Go on with those that wait")).to_be_visible()
    check(tab, "uploads-offline")
    tab.failed_to_load()
    tab.line.is_cut = False
    tab.network(FREE)
    tab.sums_up("1 done, 2 failed")
    tab.offer("Try all again").click()
    tab.sums_up("3 done")
    made = images(cloud, project)
    assert {name: image["size"] for name, image in made.items()} == {
        "one.raw": 8 * MIB,
        "two.raw": 8 * MIB,
        "three.raw": MIB,
    }


def begin(tab: Uploader, *files: File) -> None:
    tab.drop(*files)
    tab.confirm()


def test_a_tab_with_uploads_asks_before_it_closes(tab: Uploader) -> None:
    tab.network(SLOW)
    begin(tab, ("long.raw", 64 * MIB), ("longer.raw", 64 * MIB))
    expect(tab.upload("long.raw")).to_contain_text(re.compile("[1-9] % –"))
    with tab.page.expect_event("dialog") as asked:
        tab.page.evaluate("setTimeout(() => location.reload())")
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    tab.complaints.clear()
    for name in ("long.raw", "longer.raw"):
        tab.offer(f"Stop the upload of {name}").click()
        tab.says(f"The upload of {name} was stopped. The image is still queued.")
    expect(tab.page.locator(".uploads")).to_be_hidden()


def test_uploads_of_an_ended_session_wait_for_its_owner(
    tab: Uploader, cloud: Cloud, project: str
) -> None:
    tab.page.context.clear_cookies()
    begin(tab, ("mine.raw", MIB), ("also.raw", MIB), ("last.raw", MIB))
    expect(tab.heading("Sign in")).to_be_visible()
    expect(tab.upload("mine.raw")).to_contain_text("Sign in again as the same user")
    tab.sums_up("1 waiting, 2 failed")
    assert images(cloud, project) == {}
    assert tab.drop(("new.raw", MIB))
    tab.says("Sign in first, then drop the files again.")
    assert tab.faults() == []
    tab.sign_in("alice", cloud.password("alice"), project)
    tab.sums_up("1 done, 2 failed")
    tab.offer("Try all again").click()
    tab.sums_up("3 done")
    for image in images(cloud, project).values():
        assert_holds(image, MIB)


def test_files_are_chosen_without_a_mouse_too(tab: Uploader, cloud: Cloud, project: str) -> None:
    files: Sequence[Any] = [
        {"name": f"{name}.raw", "mimeType": "", "buffer": b"\7" * 1000} for name in "xy"
    ]
    with tab.page.expect_file_chooser() as chooser:
        tab.offer("Upload files").press("Enter")
    chooser.value.set_files(files)
    tab.offer("Remove y.raw").press("Enter")
    tab.page.get_by_role("textbox", name="Name").press("Enter")
    tab.says("x.raw has its data, and is active.")
    assert_holds(images(cloud, project)["x.raw"], 1000)
