"""The command line against the real services: the life of an image, and how it is shared."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from polaris_bff.cli import run
from tests import canary
from tests.bff.conftest import Bff
from tests.cloud.conftest import Cloud
from tests.cloud.shelf import Shelf
from tests.process import ROOT, SECONDS

Polaris = Callable[..., Awaitable[tuple[int, str, str]]]
# What the BFF logs would be among what is printed.
pytestmark = pytest.mark.usefixtures("logged")
SignIn = Callable[[str, str], Awaitable[Polaris]]


@pytest.fixture
def sign_in(
    bff: Bff,
    cloud: Cloud,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> SignIn:
    """Return a function that signs somebody in; each has a session of their own."""
    for name in ("OS_CLOUD", "OS_AUTH_URL", "OS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BFF_URL", f"{bff.origin}/polaris-bff")

    async def sign_in(user: str, project: str) -> Polaris:
        async def polaris(*words: str) -> tuple[int, str, str]:
            monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / user))
            code = await asyncio.to_thread(run, words)
            out, err = capsys.readouterr()
            canary.check("what a command printed", out + err)
            return code, out, err

        monkeypatch.setattr("sys.stdin", io.StringIO(f"{cloud.password(user)}\n"))
        code, _, err = await polaris("login", "--user", user, "--project", project)
        assert (code, err) == (0, "")
        return polaris

    return sign_in


async def test_the_life_of_an_image(sign_in: SignIn, cloud: Cloud, tmp_path: Path) -> None:
    polaris = await sign_in("alice", cloud.new_project("alice"))
    (tmp_path / "disk").write_bytes(b"x" * 100_000)

    async def done(*words: str) -> None:
        assert await polaris("image", *words) == (0, "", "")

    async def field(name: str) -> Any:
        _, out, _ = await polaris("image", "show", "ours", "-f", "json", "-c", name)
        return json.loads(out)[name]

    code, out, err = await polaris(
        *("image", "create", "mine", "--file", str(tmp_path / "disk"), "--tag", "a", "--tag", "b"),
        *("--property", "hw_video_model=virtio", "--min-ram", "64", "--wait", "-f", "json"),
    )
    assert (code, err) == (0, "")
    assert json.loads(out)["status"] == "active"
    await done(
        "set", "mine", "--name", "ours", "--property", "a~b/c=1", "--tag", "c", "--protected"
    )
    assert await field("a~b/c") == "1"
    assert sorted(await field("tags")) == ["a", "b", "c"]
    await done("unset", "ours", "--property", "a~b/c", "--tag", "a")
    assert sorted(await field("tags")) == ["b", "c"]
    await done("tag", "ours", "--tag", "d")
    await done("untag", "ours", "--tag", "d", "--tag", "missing")
    assert sorted(await field("tags")) == ["b", "c"]
    await done("hide", "ours")
    assert (await polaris("image", "list", "-f", "value", "--visibility", "private"))[1] == ""
    await done("unhide", "ours")
    code, _, err = await polaris("image", "delete", "ours")
    assert (code, "protected" in err) == (3, True)
    await done("set", "ours", "--unprotected")
    await done("deactivate", "ours")
    assert await field("status") == "deactivated"
    await done("activate", "ours")
    await done("delete", "ours")
    assert (await polaris("image", "show", "ours"))[0] == 4


@pytest.mark.parametrize(
    "stopped",
    [
        (("upload", "cut"), signal.SIGINT, 130, "interrupted"),
        (("upload", "cut"), signal.SIGTERM, 143, "terminated"),
        (("image", "create", "made", "--file"), signal.SIGTERM, 143, "terminated"),
    ],
)
async def test_an_upload_that_is_stopped_in_the_middle_leaves_nothing_half_done(
    sign_in: SignIn,
    cloud: Cloud,
    tmp_path: Path,
    stopped: tuple[tuple[str, ...], signal.Signals, int, str],
) -> None:
    words, number, code, said = stopped
    project = cloud.new_project("alice")
    polaris = await sign_in("alice", project)
    assert (await polaris("image", "create", "cut", "--disk-format", "raw"))[0] == 0
    glance = cloud.glance("alice", project)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from polaris_bff.cli import main; main()", *words, str(pipe)),
        env={**os.environ, "PYTHONPATH": str(ROOT / "clients/python/src")},
        stderr=asyncio.subprocess.PIPE,
    )

    def states() -> dict[str, str]:
        images = glance.get("/v2/images?visibility=private")["images"]
        return {image["name"]: image["status"] for image in images}

    async def until(*expected: str) -> dict[str, str]:
        async with asyncio.timeout(SECONDS):
            found = await asyncio.to_thread(states)
            while sorted(found.values()) != sorted(expected):
                await asyncio.sleep(0.01)
                found = await asyncio.to_thread(states)
        return found

    with await asyncio.to_thread(pipe.open, "wb", buffering=0) as writer:
        for _ in range(20):
            await asyncio.to_thread(writer.write, b"x" * 60_000)
        await until("saving", *(["queued"] if "made" in words else []))
        # The pipe says nothing more, and is open still.
        process.send_signal(number)
        _, err = await asyncio.wait_for(process.communicate(), SECONDS)
    assert process.returncode == code
    assert err.decode().splitlines()[-1] == f"polaris: {said}"
    assert ("stays queued" in err.decode()) == ("upload" in words)
    assert await until("queued") == {"cut": "queued"}


async def test_an_image_is_shared_and_accepted(sign_in: SignIn, cloud: Cloud) -> None:
    owner, member = cloud.new_project("alice"), cloud.new_project("bob")
    alice = await sign_in("alice", owner)
    _, out, _ = await alice(
        "image", "create", "shared", "--visibility", "shared", "-f", "value", "-c", "id"
    )
    image_id = out.strip()
    shared = ("image", "share", "shared", cloud.projects[member])
    assert await alice(*shared, "--dry-run") == (0, f"{image_id}\n", "")
    assert (await alice("image", "members", "shared", "-f", "value"))[1] == ""
    assert await alice(*shared) == (0, "", "")
    status = ("image", "members", "shared", "-f", "value", "-c", "Status")
    assert (await alice(*status))[1] == "pending\n"
    bob = await sign_in("bob", member)
    listed = ("image", "list", "--visibility", "shared", "-f", "value", "-c", "ID")
    assert (await bob(*listed))[1] == ""
    assert await bob("image", "accept", "shared") == (0, "", "")
    assert (await bob(*listed))[1] == f"{image_id}\n"
    assert await bob("image", "reject", image_id) == (0, "", "")
    assert (await bob(*listed))[1] == ""
    assert (await bob("logout"))[0] == 0
    assert (await alice("image", "unshare", image_id, cloud.projects[member]))[0] == 0
    assert (await alice("image", "delete", image_id))[0] == 0


@pytest.mark.filterwarnings("ignore:Support for InfluxDB")
async def test_an_image_is_saved_as_it_was_uploaded(
    sign_in: SignIn,
    cloud: Cloud,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = cloud.new_project("alice")
    polaris = await sign_in("alice", project)
    content = os.urandom(1024) * 2000
    (tmp_path / "disk").write_bytes(content)
    assert (await polaris("image", "create", "--file", str(tmp_path / "disk")))[0] == 0
    shelf = Shelf(cloud.glance("alice", project))
    # The BFF takes no data without a byte.
    empty = f"/v2/images/{shelf.queued(name='empty')}/file"
    await asyncio.to_thread(shelf.glance.put, empty, b"", "application/octet-stream")
    shelf.queued(name="queued")
    for name, value in cloud.variables("alice", project).items():
        monkeypatch.setenv(name, value)
    saved = tmp_path / "saved"

    async def save(*words: str) -> tuple[int, str, str]:
        return await polaris("image", "save", *words, "--file", str(saved))

    assert await save("disk", "--chunk-size", "65536") == (0, "", "")
    assert saved.read_bytes() == content
    assert await save("empty") == (0, "", "")
    assert saved.read_bytes() == b""
    code, _, err = await save("queued")
    assert (code, "it has no data" in err) == (1, True)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from polaris_bff.cli import main; main()"),
        *("image", "save", "disk"),
        env={**os.environ, "PYTHONPATH": str(ROOT / "clients/python/src")},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), SECONDS)
    assert (process.returncode, out == content) == (0, True)
    assert (await polaris("image", "deactivate", "disk"))[0] == 0
    code, _, err = await save("disk")
    assert (code, "deactivated" in err) == (3, True)
    assert saved.read_bytes() == b""
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".part")]  # noqa: PTH208
