"""The tasks of docs/scripts.md, run as they stand there: in Python, and as commands in a shell."""

from __future__ import annotations

import asyncio
import io
import os
import re
import sqlite3
import uuid
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from polaris_bff.cli import run
from tests import canary
from tests.bff.conftest import Bff
from tests.cloud.conftest import Cloud
from tests.cloud.shelf import CONTENT, Shelf
from tests.process import ROOT, SECONDS, with_polaris

PAGE = (ROOT / "docs" / "scripts.md").read_text()
BLOCKS = {
    language: {
        section.partition("\n")[0]: found[1]
        for section in PAGE.split("\n## ")
        if (found := re.search(rf"```{language}\n(.*?)```", section, re.DOTALL))
    }
    for language in ("python", "sh")
}
BEGIN = BLOCKS["python"].pop("# Scripts")
TASKS = tuple(BLOCKS["python"])
# openstacksdk warns of InfluxDB, which nobody asked for.
pytestmark = pytest.mark.filterwarnings("ignore:Support for InfluxDB")


def test_each_task_has_both_forms_and_is_short() -> None:
    assert set(BLOCKS["sh"]) == set(TASKS) == set(SCENES)
    for task in TASKS:
        assert sum(map(bool, BLOCKS["python"][task].splitlines())) <= 6, task
        assert len(re.findall(r"\bpolaris\b|\bawk\b", BLOCKS["sh"][task])) <= 2, task


class Scene:
    """A new project of alice's, in which a task is run.

    Args:
        language: ``python`` or ``sh``.
        folder: Where it runs, with the files that it is about.
    """

    def __init__(
        self,
        language: str,
        cloud: Cloud,
        folder: Path,
        variables: dict[str, str],
        logged: list[Any],
    ) -> None:
        self.language = language
        self.cloud = cloud
        self.folder = folder
        self.variables = variables
        self.logged = logged
        self.project = cloud.new_project("alice")
        self.project_id = cloud.projects[self.project]
        self.glance = cloud.glance("alice", self.project)
        self.shelf = Shelf(self.glance)

    async def run(self, task: str) -> str:
        """Run a task; returns what it printed. Nothing may go wrong."""
        block = BLOCKS[self.language][task]
        done = await (self._python(block) if self.language == "python" else self._shell(block))
        canary.check("what a task printed", done)
        return done

    async def _python(self, block: str) -> str:
        printed = io.StringIO()
        scope: dict[str, Any] = {"print": lambda *each, **how: print(*each, **how, file=printed)}

        def whole() -> None:
            exec(BEGIN, scope)
            with scope["client"]:
                exec(block, scope)

        await asyncio.to_thread(whole)
        return printed.getvalue()

    async def _shell(self, block: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *("sh", "-e", "-c", block),
            cwd=self.folder,
            env=self.variables,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), SECONDS)
        assert (process.returncode, err.decode()) == (0, "")
        return out.decode()

    def listed(self, query: str = "visibility=private") -> list[dict[str, Any]]:
        """Return images as Glance lists them."""
        images: list[dict[str, Any]] = self.glance.get(f"/v2/images?limit=1000&{query}")["images"]
        return images


@pytest.fixture(params=["python", "sh"])
def scene(
    request: pytest.FixtureRequest,
    bff: Bff,
    cloud: Cloud,
    tmp_path: Path,
    logged: list[Any],
) -> Scene:
    """Return a scene for each of the two forms."""
    variables = {"BFF_URL": f"{bff.origin}/polaris-bff", **with_polaris(tmp_path)}
    return Scene(request.param, cloud, tmp_path, variables, logged)


@pytest.fixture
async def signed_in(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sign alice in: by variables, or with a session of `polaris`."""
    for name in [name for name in os.environ if name.startswith("OS_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(scene.folder)
    monkeypatch.setenv("BFF_URL", scene.variables["BFF_URL"])
    if scene.language == "python":
        for name, value in scene.cloud.variables("alice", scene.project).items():
            monkeypatch.setenv(name, value)
        return
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", scene.variables["HOME"])
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{scene.cloud.password('alice')}\n"))
    words = ("login", "--user", "alice", "--project", scene.project)
    assert await asyncio.to_thread(run, words) == 0


async def old_ones(scene: Scene, task: str) -> None:
    mine = {"name": "mine", "visibility": "private"}
    old, new = scene.shelf.queued(**mine), scene.shelf.queued(**mine)
    shared = scene.shelf.shared()
    database = scene.cloud.folder / "glance.sqlite"
    with closing(sqlite3.connect(database, timeout=SECONDS)) as opened, opened:
        change = "UPDATE images SET created_at = datetime('now', '-91 days') WHERE id IN (?, ?)"
        opened.execute(change, (old, shared))
    assert await scene.run(task) == ""
    assert [image["id"] for image in scene.listed()] == [new]
    assert scene.shelf.show(shared)["id"] == shared


async def with_fifty(scene: Scene, task: str) -> None:
    image_id = scene.shelf.shared(name="golden")
    projects = {uuid.uuid4().hex for _ in range(50)}
    (scene.folder / "projects.txt").write_text("".join(f"{each}\n" for each in projects))
    assert await scene.run(task) == ""
    members = scene.glance.get(f"/v2/images/{image_id}/members")["members"]
    assert {member["member_id"] for member in members} == projects


TABLES = {"images": "id", "image_properties": "image_id", "image_tags": "image_id"}


def copies(database: Path, image_id: str, count: int) -> list[str]:
    """Make images like one in Glance's own tables, in one go; returns their ids."""
    ids = [str(uuid.uuid4()) for _ in range(count)]
    with closing(sqlite3.connect(database, timeout=SECONDS)) as opened, opened:
        for table, key in TABLES.items():
            found = opened.execute(f"SELECT * FROM {table} WHERE {key} = ?", (image_id,))
            names = [column[0] for column in found.description]
            for row in found.fetchall():
                kept = {n: v for n, v in zip(names, row, strict=True) if n not in ("id", key)}
                into = f"{table} ({', '.join((key, *kept))})"
                marks = ", ".join("?" * (1 + len(kept)))
                made = [(each, *kept.values()) for each in ids]
                opened.executemany(f"INSERT INTO {into} VALUES ({marks})", made)
    return ids


async def certified(scene: Scene, task: str) -> None:
    one = scene.shelf.queued(os_type="linux", tags=["kept"])
    ids = [one, *copies(scene.cloud.folder / "glance.sqlite", one, 199)]
    scene.shelf.queued(os_type="windows", tags=["kept"])
    assert await scene.run(task) == ""
    found = {image["id"]: set(image["tags"]) for image in scene.listed("tag=certified")}
    assert found == {image_id: {"kept", "certified"} for image_id in ids}


async def by_owner(scene: Scene, task: str) -> None:
    scene.shelf.active()
    scene.shelf.queued()
    sizes: dict[str, list[int]] = {}
    for image in scene.listed("visibility=all"):
        sizes.setdefault(image["owner"], []).append(image["size"] or 0)
    assert sizes[scene.project_id] == [0, len(CONTENT)]
    rows = {f"{owner},{len(each)},{sum(each)}" for owner, each in sizes.items()}
    assert set((await scene.run(task)).splitlines()) == rows


async def three_files(scene: Scene, task: str) -> None:
    for name in ("web", "db", "cache"):
        (scene.folder / f"{name}.raw").write_bytes(name.encode() * 1000)
    await scene.run(task)
    found = {image["name"]: (image["status"], image["size"]) for image in scene.listed()}
    assert found == {name: ("active", 1000 * len(name)) for name in ("web", "db", "cache")}


async def golden(scene: Scene, task: str) -> None:
    copied = {
        "name": "golden",
        "visibility": "shared",
        "tags": ["lts"],
        "min_ram": 512,
        "os_type": "linux",
        "hw_qemu_guest_agent": "yes",
        "team/contact": "ops@example.org",
    }
    old = scene.shelf.active(**copied)
    (scene.folder / "golden.raw").write_bytes(b"new" * 1000)
    await scene.run(task)
    (new,) = scene.listed(f"owner={scene.project_id}&visibility=shared")
    assert (new["status"], new["size"]) == ("active", 3000)
    assert new["id"] != old
    assert {key: new[key] for key in copied} == copied
    assert scene.shelf.show(old)["os_hidden"] is True


async def without_os_type(scene: Scene, task: str) -> None:
    scene.shelf.queued(name="linux", os_type="linux")
    ids = {name: scene.shelf.queued(name=name) for name in ("one", "another")}
    printed = set((await scene.run(task)).splitlines())
    assert printed == {f"{image_id} {name}" for name, image_id in ids.items()}


async def retired(scene: Scene, task: str) -> None:
    ids = [scene.shelf.active(tags=["retired", str(number)]) for number in range(3)]
    kept = scene.shelf.active(tags=["kept"])
    assert (await scene.run(task)).strip() in ("", "[]")
    assert {scene.shelf.show(image_id)["status"] for image_id in ids} == {"deactivated"}
    assert scene.shelf.show(kept)["status"] == "active"


async def offered(scene: Scene, task: str) -> None:
    theirs = Shelf(scene.cloud.glance("bob", "partner"))
    ids = {theirs.shared(scene.project_id) for _ in range(3)}
    scene.shelf.shared(scene.cloud.projects["partner"])
    own = f"owner={scene.cloud.projects['partner']}&visibility=shared"
    assert scene.listed(own) == []
    assert await scene.run(task) == ""
    assert {image["id"] for image in scene.listed(own)} == ids


async def waiting(scene: Scene, task: str) -> None:
    image_id = scene.shelf.queued(name="web")
    running = asyncio.create_task(scene.run(task))
    async with asyncio.timeout(SECONDS):
        while not any("getImageById" in str(line) for line in scene.logged):  # noqa: ASYNC110  # a list
            await asyncio.sleep(0.01)
    file = f"/v2/images/{image_id}/file"
    await asyncio.to_thread(scene.glance.put, file, CONTENT, "application/octet-stream")
    assert await running == ""


SCENES: dict[str, Callable[[Scene, str], Awaitable[None]]] = {
    "Delete private images that are older than 90 days": old_ones,
    "Share one image with fifty projects": with_fifty,
    "Tag two hundred images": certified,
    "Report images and bytes by owner": by_owner,
    "Upload three files side by side": three_files,
    "Replace a golden image, and hide the old one": golden,
    "Find images without `os_type`": without_os_type,
    "Deactivate all images with a tag": retired,
    "Accept everything that is shared with the project": offered,
    "Wait until an image is active": waiting,
}


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize("task", TASKS)
async def test_a_task_is_done_as_the_page_says(scene: Scene, task: str) -> None:
    await SCENES[task](scene, task)
