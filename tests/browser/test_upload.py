"""A browser's own way to upload, without any client of ours. Specification: "Upload Image Data"."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Open
from tests.devcloud import Cloud

MIB = 1024 * 1024
SMALL = b"polaris " * (24 * MIB // 8)
# Glance takes the better part of a second for it, and progress is told five times a second.
LARGE = b"polaris " * (192 * MIB // 8)

# The specification's example, "Example Request (HTTP Fallback)", as it stands there.
EXAMPLE = """
const fileInput = document.getElementById("imageFile") as HTMLInputElement
const file = fileInput.files?.[0]
const imageId = "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac"

if (file) {
  const formData = new FormData()
  formData.append("file", file)
  formData.append("imageId", imageId)

  const response = await fetch("/polaris-bff/upload-image", {
    method: "POST",
    body: formData,
  })

  if (response.ok) {
    const result = await response.json() // { success: true, imageId }
  }
}
"""
EXAMPLE_ID = "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac"

# What it takes beside the example to show how far the upload is.
FOLLOW = """
const progress = document.body.appendChild(document.createElement("progress"))
const events = new EventSource(`/polaris-bff/upload-progress/${imageId}`)
const shares = []
events.addEventListener("progress", ({ data }) => {
  const { uploaded, total } = JSON.parse(data)
  progress.max = total ?? file.size
  progress.value = uploaded
  shares.push(progress.position)
})
const complete = new Promise((resolve) => events.addEventListener("complete", resolve))
await new Promise((resolve) => events.addEventListener("open", resolve))
"""
ENDED = """
await complete
events.close()
return shares
"""


Choose = Callable[[bytes], Page]


@pytest.fixture
def choose(explorer: Open, cloud: Cloud, tmp_path: Path) -> Choose:
    """Return a function that chooses the example's file, on a page of the BFF's own origin."""

    def choose(data: bytes) -> Page:
        (tmp_path / "disk.raw").write_bytes(data)
        page = explorer().sign_in("alice", cloud.password("alice"), "demo").page
        page.evaluate(
            "Object.assign(document.body.appendChild(document.createElement('input')),"
            " { type: 'file', id: 'imageFile' })"
        )
        page.locator("#imageFile").set_input_files(tmp_path / "disk.raw")
        return page

    return choose


@pytest.fixture
def image_id(cloud: Cloud) -> str:
    """Return an image that waits for its data."""
    image = {"name": "uploaded", "disk_format": "raw", "container_format": "bare"}
    return str(cloud.glance().post("/v2/images", image)["id"])


def compiled(code: str, image_id: str) -> str:
    """Return what a TypeScript compiler leaves of the example, for another image."""
    assert EXAMPLE_ID in code
    return code.replace(" as HTMLInputElement", "").replace(EXAMPLE_ID, image_id)


def assert_holds(image: dict[str, Any], data: bytes) -> None:
    assert (image["status"], image["size"]) == ("active", len(data))
    assert image["os_hash_value"] == hashlib.sha512(data).hexdigest()


def test_the_example_uploads_the_whole_file(choose: Choose, cloud: Cloud, image_id: str) -> None:
    page = choose(SMALL)
    with page.expect_response("**/upload-image") as answered:
        page.evaluate(f"async () => {{ {compiled(EXAMPLE, image_id)} }}")
    assert answered.value.json() == {"success": True, "imageId": image_id}
    assert_holds(cloud.glance().get(f"/v2/images/{image_id}"), SMALL)


def test_the_example_can_move_a_progress_bar(choose: Choose, cloud: Cloud, image_id: str) -> None:
    page = choose(LARGE)
    begun = "  const formData"
    ended = "  if (response.ok) {"
    code = EXAMPLE.replace(begun, f"{FOLLOW}{begun}").replace(ended, f"{ENDED}{ended}")
    shares = page.evaluate(f"async () => {{ {compiled(code, image_id)} }}")
    assert_holds(cloud.glance().get(f"/v2/images/{image_id}"), LARGE)
    assert [share for share in shares if 0 < share < 1], shares
    assert shares == sorted(shares)
