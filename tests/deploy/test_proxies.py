"""The configurations of nginx and HAProxy: what the programs say of them, and our sizes."""

from __future__ import annotations

import inspect
import math
import re
import subprocess
from pathlib import Path

import pytest
import uvicorn

from bff.server.protocol import MAX_HEAD_BYTES
from bff.session.batch import MAX_GATHER_SECONDS
from bff.session.cookies import MAX_COOKIE_BYTES
from bff.settings import Settings
from tests.deploy.files import documents, text
from tests.deploy.proxies import HAPROXY, KINDS, NGINX, WORDS, changed

SERVERS = ("127.0.0.1:1", "127.0.0.1:2")
OURS = Settings(auth_url="http://keystone.example/v3")
CHECK = {"nginx": "-t", "haproxy": "-c"}
HEARTBEAT_SECONDS = 15
DRAIN = "BFF_DRAIN_SECONDS"


def checked(kind: str, folder: Path) -> tuple[int, str]:
    """Return a program's status and what it says of its configuration."""
    words = [*WORDS[kind](folder, 1, 2, SERVERS), CHECK[kind]]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    errors = folder / "errors"
    said = done.stderr + (errors.read_text() if errors.exists() else "")
    # nginx 1.25 has another word for it, which 1.22 does not know.
    lines = [line for line in said.splitlines() if 'the "listen ... http2" directive' not in line]
    return done.returncode, "\n".join(lines)


@pytest.mark.parametrize("kind", KINDS)
def test_the_program_takes_it_without_a_warning(kind: str, tmp_path: Path) -> None:
    status, said = checked(kind, tmp_path)
    assert status == 0, said
    assert not re.search(r"\[?warn|alert|emerg", said, re.IGNORECASE), said


def nginx_block(location: str) -> str:
    """Return what nginx has of one location."""
    return NGINX.split(f"location {location} {{")[1].split("}")[0]


def haproxy_section(name: str) -> str:
    """Return what HAProxy has of one section."""
    return re.split(r"\n(?=\w)", HAPROXY.split(f"\n{name}\n")[1])[0]


def number(pattern: str, text: str) -> int:
    """Return the one number, with nginx's unit, that a pattern finds."""
    [(digits, unit)] = re.findall(pattern + r"(\d+)([km]?)", text)
    return int(digits) * {"": 1, "k": 1024, "m": 1024 * 1024}[unit]


def longest_batch() -> float:
    """Return how long the calls of a batch may take, in seconds."""
    by_turns = math.ceil(OURS.max_batch / OURS.batch_concurrency) * OURS.call_timeout
    return MAX_GATHER_SECONDS + by_turns


def test_what_is_too_large_is_refused_by_us_and_not_by_the_proxy() -> None:
    assert number(r"large_client_header_buffers 4 ", NGINX) == MAX_HEAD_BYTES
    assert number(r"proxy_buffer_size ", NGINX) > 2 * MAX_COOKIE_BYTES
    assert number(r"client_max_body_size ", nginx_block("= /polaris-bff/rpc")) > OURS.max_body
    assert number(r"client_max_body_size ", nginx_block("= /polaris-bff/upload-image")) == 0

    buffer = number(r"tune.bufsize ", HAPROXY) - number(r"tune.maxrewrite ", HAPROXY)
    assert buffer > MAX_HEAD_BYTES
    assert number(r"content-length\) gt ", HAPROXY) > OURS.max_body


def test_time_runs_out_for_us_before_it_does_for_the_proxy() -> None:
    upload = nginx_block("= /polaris-bff/upload-image")
    assert number("client_body_timeout ", upload) > OURS.upload_client_timeout
    assert number("proxy_send_timeout ", upload) > OURS.upload_glance_timeout
    assert number("proxy_read_timeout ", upload) > OURS.upload_answer_timeout
    assert number("proxy_read_timeout ", nginx_block("= /polaris-bff/rpc")) > longest_batch()
    progress = nginx_block("/polaris-bff/upload-progress/")
    assert number("proxy_read_timeout ", progress) > HEARTBEAT_SECONDS

    defaults = haproxy_section("defaults")
    assert number("timeout client ", defaults) > OURS.upload_client_timeout
    assert number("timeout server ", haproxy_section("backend uploads")) > (
        OURS.upload_answer_timeout
    )
    assert number("timeout server ", haproxy_section("backend calls")) > longest_batch()


def test_the_proxy_closes_an_idle_connection_before_we_do() -> None:
    ours = inspect.signature(uvicorn.Config).parameters["timeout_keep_alive"].default
    assert number("    keepalive_timeout ", NGINX) < ours
    for backend in ("backend calls", "backend uploads"):
        assert 2 * number("pool-purge-delay ", haproxy_section(backend)) < ours


def test_a_stop_waits_until_the_proxy_knows_and_keeps_no_idle_connection() -> None:
    drains = [
        float(documents("compose.yaml")[0]["services"]["bff-1"]["environment"][DRAIN]),
        float(re.findall(rf"{DRAIN}=(\d+)", text("systemd/polaris-bff.service"))[0]),
    ]
    needed = [number("    keepalive_timeout ", NGINX)]
    for backend in ("backend calls", "backend uploads"):
        section = haproxy_section(backend)
        needed += [
            number(" check inter ", section) * number(" fall ", section),
            2 * number("pool-purge-delay ", section),
        ]
    assert min(drains) > max(needed)


def test_nothing_waits_in_the_proxy_that_is_to_flow() -> None:
    assert "proxy_request_buffering off;" in nginx_block("= /polaris-bff/upload-image")
    assert "proxy_buffering off;" in nginx_block("/polaris-bff/upload-progress/")
    assert "\n    option http-buffer-request" not in HAPROXY


def test_what_runs_behind_a_proxy_is_the_file_of_the_repository() -> None:
    """The guard of the guard: a substitution that finds nothing is an error."""
    with pytest.raises(AssertionError, match="not there"):
        changed(NGINX, ("not there", ""))
