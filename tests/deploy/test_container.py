"""The container: what its file says, and its steps, carried out here one by one."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import tomllib
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any

import dockerfile_parse
import pytest

import bff
from tests.deploy.files import DEPLOY
from tests.deploy.proxies import free_port
from tests.deploy.wheels import pack
from tests.process import ROOT, SECONDS

FILE = dockerfile_parse.DockerfileParser(fileobj=BytesIO((DEPLOY / "Containerfile").read_bytes()))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
UID = 10001


def values(instruction: str) -> list[str]:
    """Return the values of an instruction, wherever it stands."""
    return [line["value"] for line in FILE.structure if line["instruction"] == instruction]


def copied() -> list[str]:
    """Return what is copied from the checkout."""
    return [
        source
        for value in values("COPY")
        if not value.startswith("--from=")
        for source in value.split()[:-1]
    ]


def test_both_stages_have_a_python_that_the_package_is_for() -> None:
    build, final = FILE.parent_images
    assert build == final
    [version] = re.findall(r"/python:(\d\.\d+)-slim-", final)
    assert f"Programming Language :: Python :: {version}" in PROJECT["classifiers"]


def test_every_source_is_in_the_checkout_and_nothing_else_goes_to_the_builder() -> None:
    assert copied()
    assert all((ROOT / source).exists() for source in copied())
    lines = (ROOT / ".containerignore").read_text().splitlines()
    assert lines[1] == "*"
    assert [line[1:] for line in lines if line.startswith("!")] == copied()
    assert (ROOT / ".dockerignore").resolve() == ROOT / ".containerignore"


def test_it_runs_as_a_user_by_number_and_takes_signals_itself() -> None:
    assert values("USER") == [f"{UID}:{UID}"]
    assert values("STOPSIGNAL") == ["SIGTERM"]
    [entrypoint] = values("ENTRYPOINT")
    assert json.loads(entrypoint) == ["bff", "serve", "--host", "0.0.0.0"]
    assert values("CMD") == []
    assert values("VOLUME") == ["/var/tmp"]


def test_its_labels_are_the_packages_own() -> None:
    assert FILE.labels["org.opencontainers.image.version"] == bff.__version__
    assert FILE.labels["org.opencontainers.image.title"] == PROJECT["name"]
    assert FILE.labels["org.opencontainers.image.licenses"] == PROJECT["license"]


class Health(BaseHTTPRequestHandler):
    """Answers a health check."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_health_check_asks_the_process_itself_whatever_proxy_is_set(
    status: int, healthy: bool
) -> None:
    handler = type("Handler", (Health,), {"status": status})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found = subprocess.run(
            health_check(server.server_port),
            env={"http_proxy": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1"},
            check=False,
            capture_output=True,
            timeout=SECONDS,
        )
        server.shutdown()
    assert (found.returncode == 0) == healthy


def test_the_health_check_fails_when_nobody_listens() -> None:
    done = subprocess.run(health_check(1), capture_output=True, check=False, timeout=SECONDS)
    assert done.returncode != 0


def health_check(port: int) -> list[str]:
    """Return the command, with this Python and another port."""
    [value] = values("HEALTHCHECK")
    words = json.loads(value[value.index("CMD") + 3 :])
    assert words[0] == "python"
    assert " 8080," in words[2]
    return [sys.executable, *words[1:-1], words[-1].replace(" 8080,", f" {port},")]


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    """Return a folder in which every step of the file was carried out."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "src").mkdir()
        for source in copied():
            subprocess.run(["cp", "-r", ROOT / source, folder / "src"], check=True)
        (folder / "dependencies").mkdir()
        extras = PROJECT["optional-dependencies"].values()
        pack(chain(PROJECT["dependencies"], *extras), folder / "dependencies")
        for step in values("RUN"):
            carry_out(step, folder)
        yield folder


def carry_out(step: str, folder: Path) -> None:
    """Run a step with this Python, and the container's folders below another one."""
    python = Path(sys.executable).parent
    variables = {
        "PATH": f"{python}:{os.environ['PATH']}",
        "PIP_CONSTRAINT": str(folder / "src/constraints.txt"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    if " install " in step:
        # Fifty pages of an index would take most of the time, and say what is known here.
        variables |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder / "dependencies")}
    for path in ("/src", "/wheels", "/opt/polaris-bff"):
        step = step.replace(f" {path}", f" {folder}{path}")
    step = step.replace('"$(echo /wheels', f'"$(echo {folder}/wheels')
    done = subprocess.run(
        ["sh", "-euc", step],
        cwd=folder / "src",
        env=os.environ | variables,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout


# A root file system that is read-only, as Python programs see it.
READ_ONLY = """
import errno, os, sys
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
def refuse(event, words):
    if event == "open" and isinstance(words[0], str) and words[2] & WRITING:
        path = words[0]
    elif event in {"os.mkdir", "os.rename", "os.symlink", "os.link", "sqlite3.connect"}:
        path = str(words[0])
    else:
        return
    if not path.startswith(("/dev/", "/proc/self/", "/var/tmp")):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
sys.addaudithook(refuse)
"""


def test_its_steps_make_a_server_that_needs_to_write_nowhere(root: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(READ_ONLY)
    python = root / "opt/polaris-bff/bin/python"
    # Nothing of this environment; no HOME, which nobody makes.
    variables = {
        "PYTHONPATH": str(tmp_path),
        "BFF_AUTH_URL": "http://127.0.0.1:1/v3",
        "BFF_REDIS_URL": "redis://127.0.0.1:1/0",
    }
    writes = [str(python), "-c", f"open({str(tmp_path / 'file')!r}, 'w')"]
    assert subprocess.run(writes, env=variables, check=False, capture_output=True).returncode == 1

    words = [str(python.with_name("bff")), "serve", "--host", "127.0.0.1", "--port", "0"]
    for workers in ("1", "2"):
        variables["BFF_METRICS_ADDRESS"] = f"127.0.0.1:{free_port()}"
        with subprocess.Popen(
            [*words, "--workers", workers],
            env=variables,
            cwd="/",
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stdout
                ready = next(line for line in process.stdout if line.startswith("ready "))
                address = ready.split("/")[2]
                document = json.loads(body_of(address, "/polaris-bff/openrpc.json"))
                metrics = body_of(variables["BFF_METRICS_ADDRESS"], "/metrics").decode()
                check = health_check(int(address.split(":")[1]))
                subprocess.run(check, check=True, timeout=SECONDS)
            finally:
                process.terminate()
            # uvicorn ends as whatever asked it to.
            assert process.wait(SECONDS) in {0, -signal.SIGTERM}
        assert document["info"]["version"] == bff.__version__
        assert f'bff_info{{version="{bff.__version__}"}} 1.0' in metrics


def body_of(address: str, path: str) -> bytes:
    """Return what is answered to a GET."""
    connection = HTTPConnection(address, timeout=SECONDS)
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    assert response.status == 200
    return body
