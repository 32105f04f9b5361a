"""The development cloud as a program: what it prints, and that it never leaves a process behind."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.conftest import Cloud
from tests.devcloud import copy_of
from tests.process import SECONDS, finished, line_of, running, with_polaris


def processes_below(folder: Path) -> list[int]:
    """Return the processes that were started for a cloud in this folder, found by its name."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in told:
            found.append(int(process.name))
    return found


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture(scope="module")
def folder(seeded_cloud: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one folder for all, where a cloud was set up: each start finds its state."""
    return copy_of(seeded_cloud, tmp_path_factory.mktemp("devcloud"))


def test_one_line_says_what_runs_and_holds_no_token_and_a_second_cloud_is_refused(
    folder: Path,
) -> None:
    with running("devcloud", "--dir", str(folder)) as process:
        line = line_of(process, containing="{")
        assert len(processes_below(folder)) >= 3
        status, errors = finished("devcloud", "--dir", str(folder))
        assert status == 1
        assert "another development cloud runs in" in errors
        assert process.poll() is None
        process.terminate()
        rest, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert wait_until(lambda: not processes_below(folder))
    assert rest == ""
    assert "gAAAA" not in line
    described = json.loads(line)
    users = {user["name"]: user for user in described["users"]}
    assert {name: user["password"] for name, user in users.items()} == {
        "alice": "alice",
        "bob": "bob",
        "admin": "admin-secret",
    }
    assert users["alice"]["projects"] == ["demo", "partner"]
    assert set(described["projects"]) == {"demo", "partner", "admin"}
    assert described["auth_url"].startswith("http://127.0.0.1:")
    assert described["glance_url"].startswith("http://127.0.0.1:")


@pytest.mark.parametrize("setting", ["x=y", "a.b", "a b.c=d", "auth.x=y\n[DEFAULT]"])
def test_a_setting_of_keystones_names_its_section(setting: str, tmp_path: Path) -> None:
    status, errors = finished("devcloud", "--dir", str(tmp_path), "--keystone", setting)
    assert status == 2
    assert "is not SECTION.NAME=VALUE" in errors


# How SIGTERM ends it is above.
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_the_cloud_however_it_ends(how: signal.Signals, folder: Path) -> None:
    with running("devcloud", "--dir", str(folder)) as process:
        line_of(process, containing="{")
        assert len(processes_below(folder)) >= 3
        process.send_signal(how)
        assert process.wait(SECONDS) == (-9 if how is signal.SIGKILL else 0)
        assert wait_until(lambda: not processes_below(folder))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_the_printed_lines_list_the_seeded_images(
    how: signal.Signals, folder: Path, tmp_path: Path
) -> None:
    environment = {name: "" for name in os.environ if name.startswith("BFF_")}
    words = ["devcloud.run", "--dir", str(folder), "--port", "0"]
    with running(*words, **environment) as process:
        curl = line_of(process, containing="curl -s ")
        polaris = line_of(process, containing="polaris --url")
        ready = line_of(process, containing="ready ")
        assert re.fullmatch(r"ready http://127\.0\.0\.1:\d+/polaris-bff/", ready)
        done = subprocess.run(shlex.split(curl), capture_output=True, check=True, timeout=SECONDS)
        answer: dict[str, Any] = json.loads(done.stdout)
        names = {image["name"] for image in answer["result"]}
        assert {"Ubuntu 24.04 LTS", "開発環境イメージ", "waiting for its data"} <= names
        listed = subprocess.run(
            ["sh", "-c", polaris],
            env=with_polaris(tmp_path),
            capture_output=True,
            text=True,
            check=True,
            timeout=SECONDS,
        )
        assert "| Ubuntu 24.04 LTS" in listed.stdout
        served = list(_descendants(process.pid))
        assert len(served) >= 3
        process.send_signal(how)
        process.wait(SECONDS)
        assert wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in served))


@pytest.mark.parametrize(
    ("port", "why"),
    [
        ("80000", "PORT must be a number from 0 to 65535"),
        ("-1", "PORT must be a number from 0 to 65535"),
        ("abc", "PORT must be a number from 0 to 65535"),
        ("", "PORT must be a number from 0 to 65535"),
        ("٨٠٨٠", "PORT must be a number from 0 to 65535"),
        ("taken", "cannot listen on port"),
    ],
)
def test_a_port_that_cannot_be_had_is_one_line_before_anything_is_started(
    folder: Path, port: str, why: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1]) if port == "taken" else port
        never = folder / "never"
        status, said = finished("devcloud.run", "--dir", str(never), f"--port={port}")
    assert status == 1
    assert said.startswith(f"devcloud: {why}")
    assert said.count("\n") == 1
    assert not never.exists()


def _descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children] + [
        deeper for child in children for deeper in _descendants(int(child))
    ]


def test_many_changes_at_a_time_take_turns(cloud: Cloud) -> None:
    glance = cloud.glance()
    made = [glance.post("/v2/images", {"name": str(number)})["id"] for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda image_id: glance.call("DELETE", f"/v2/images/{image_id}"), made))
    left = {image["id"] for image in glance.get("/v2/images?limit=1000")["images"]}
    assert not left & set(made)
