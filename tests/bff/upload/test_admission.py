"""How many uploads, and how many waiting bytes, one project and one process may have."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bff.conftest import Start
from tests.bff.upload.conftest import (
    CONTENT,
    FORM,
    OCTETS,
    Uploader,
    error_of,
    file_first,
    id_first,
)
from tests.fakes.openstack import FakeOpenStack, image


def queued_image(openstack: FakeOpenStack, **more: Any) -> str:
    """Make an image that waits for its data; returns its id."""
    made = image(status="queued", size=None, disk_format="raw", container_format="bare", **more)
    openstack.images.append(made)
    return str(made["id"])


@pytest.mark.parametrize(
    ("limits", "code", "message"),
    [
        (
            {"max_uploads_per_project": 1},
            "TOO_MANY_REQUESTS",
            "This project has too many uploads under way: retry later, with fewer at a time.",
        ),
        (
            {"max_uploads": 1},
            "SERVICE_UNAVAILABLE",
            "This server has too many uploads under way: retry later.",
        ),
    ],
)
async def test_one_upload_too_many_is_refused_before_it_sends_anything(
    start: Start, openstack: FakeOpenStack, limits: dict[str, int], code: str, message: str
) -> None:
    bff = await start(**limits)
    alice = Uploader(bff, openstack.new_token())
    partner = (
        alice if "max_uploads" not in limits else Uploader(bff, openstack.new_token("partner"))
    )
    first, second = queued_image(openstack), queued_image(openstack)
    form = id_first(first)
    async with alice.connection(len(form)) as slow:
        await slow.send(form[:-10])
        await openstack.arrived.acquire()
        more = ("Expect: 100-continue",)
        query = f"?imageId={second}"
        async with partner.connection(len(CONTENT), OCTETS, query, *more) as refused:
            status, headers, body = await refused.answer()
        assert status == {"TOO_MANY_REQUESTS": 429, "SERVICE_UNAVAILABLE": 503}[code]
        assert headers["retry-after"] == "1"
        assert (body["error"]["data"]["code"], body["error"]["message"]) == (code, message)
        await slow.send(form[-10:])
        assert (await slow.answer())[0] == 200
    # Whoever comes when it is over is served.
    assert (await alice.post(CONTENT, OCTETS, query))[0] == 200


async def test_another_projects_uploads_are_not_counted(
    start: Start, openstack: FakeOpenStack
) -> None:
    bff = await start(max_uploads_per_project=1)
    alice = Uploader(bff, openstack.new_token())
    first, second = queued_image(openstack), queued_image(openstack)
    openstack.images[-1]["owner"] = "e" * 32
    form = id_first(first)
    async with alice.connection(len(form)) as slow:
        await slow.send(form[:-10])
        await openstack.arrived.acquire()
        partner = Uploader(bff, openstack.new_token("partner"))
        assert (await partner.post(CONTENT, OCTETS, f"?imageId={second}"))[0] == 200


async def test_a_project_has_a_share_of_the_room_for_files_that_wait(
    start: Start, openstack: FakeOpenStack
) -> None:
    bff = await start(max_spool_bytes_per_project=len(CONTENT) - 1)
    alice = Uploader(bff, openstack.new_token())
    image_id = queued_image(openstack)
    status, body = await alice.post(file_first(image_id), FORM)
    assert status == 413
    assert error_of(body)[0] == "PAYLOAD_TOO_LARGE"
    assert (await alice.post(id_first(image_id), FORM))[0] == 200
