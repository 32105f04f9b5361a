"""nginx and HAProxy with the configurations of deploy/, changed in addresses and paths alone."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.process import ROOT, SECONDS

NGINX = (ROOT / "deploy/nginx/polaris-bff.conf").read_text()
HAPROXY = (ROOT / "deploy/haproxy/haproxy.cfg").read_text()
KINDS = ("nginx", "haproxy")

# Around the file of deploy/, as a distribution's nginx.conf is.
_NGINX_MAIN = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/errors warn;
events {{ }}
http {{
    log_format who '$upstream_addr "$request" $status';
    access_log {folder}/access who;
    gzip on;
    gzip_types *;
    gzip_proxied any;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/polaris-bff.conf;
}}
"""


def changed(text: str, *changes: tuple[str, str]) -> str:
    """Return a text with replacements, each of which must have something to replace."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def program(name: str) -> str:
    """Return the path of a program; Debian has some in /usr/sbin, which not every PATH has."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    assert found, f"{name} is missing: run tests/install {name}"
    return found


def promtool(*words: str) -> subprocess.CompletedProcess[str]:
    """Run Prometheus' own tool; returns its status and what it says."""
    return subprocess.run(
        [program("promtool"), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for 127.0.0.1 and its key; returns both paths."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "polaris-bff of a test")])
    now = datetime.now(UTC)
    address = x509.IPAddress(IPv4Address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "tls.crt", folder / "tls.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


@dataclass(frozen=True)
class Proxy:
    """A running proxy: where it listens, whom it trusts, and what it logged."""

    port: int
    plain_port: int
    ssl: ssl.SSLContext
    servers: tuple[str, ...]
    log: Path

    @property
    def origin(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def servers_of(self, text: str, *, requests: int) -> list[int]:
        """Return which server (0 or 1) answered each request whose address has a text.

        A line is written when its request is over; this waits for as many as there were.
        """
        deadline = time.monotonic() + SECONDS
        while len(lines := [line for line in self._lines() if text in line]) < requests:
            assert time.monotonic() < deadline, lines
            time.sleep(0.02)
        return [self._server_of(line) for line in lines]

    def _lines(self) -> list[str]:
        # Without a line that is half written.
        return self.log.read_text().split("\n")[:-1]

    def _server_of(self, line: str) -> int:
        names = (self.servers[0], "/bff-1 "), (self.servers[1], "/bff-2 ")
        [found] = [number for number, known in enumerate(names) if any(n in line for n in known)]
        return found


def nginx_words(folder: Path, port: int, plain_port: int, servers: tuple[str, str]) -> list[str]:
    """Write nginx's files; returns the command that runs it."""
    cert, key = certificate(folder)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(_NGINX_MAIN.format(folder=folder, user=user))
    text = changed(
        NGINX,
        ("listen 80;", f"listen 127.0.0.1:{plain_port};"),
        ("listen 443 ", f"listen 127.0.0.1:{port} "),
        ("bff-1:8080", servers[0]),
        ("bff-2:8080", servers[1]),
        ("/etc/nginx/tls/tls.crt", str(cert)),
        ("/etc/nginx/tls/tls.key", str(key)),
    )
    (folder / "polaris-bff.conf").write_text(text)
    # -e: what it says before it has read where to.
    words = ["-p", str(folder), "-e", str(folder / "errors"), "-c", str(folder / "nginx.conf")]
    return [program("nginx"), *words]


def haproxy_words(folder: Path, port: int, plain_port: int, servers: tuple[str, str]) -> list[str]:
    """Write HAProxy's files; returns the command that runs it."""
    cert, key = certificate(folder)
    pem = folder / "polaris-bff.pem"
    pem.write_bytes(cert.read_bytes() + key.read_bytes())
    text = changed(
        HAPROXY,
        ("    user haproxy\n    group haproxy\n", ""),
        ("bind :80\n", f"bind 127.0.0.1:{plain_port}\n"),
        ("bind :443 ", f"bind 127.0.0.1:{port} "),
        (" bff-1:8080", f" {servers[0]}"),
        (" bff-2:8080", f" {servers[1]}"),
        ("/etc/haproxy/tls/polaris-bff.pem", str(pem)),
    )
    (folder / "haproxy.cfg").write_text(text)
    return [program("haproxy"), "-db", "-f", str(folder / "haproxy.cfg")]


WORDS = {"nginx": nginx_words, "haproxy": haproxy_words}


@contextmanager
def running_proxy(kind: str, folder: Path, servers: tuple[str, str]) -> Iterator[Proxy]:
    """Run nginx or HAProxy in front of two servers, each as ``host:port``."""
    folder.mkdir(exist_ok=True)
    port, plain_port = free_port(), free_port()
    words = WORDS[kind](folder, port, plain_port, servers)
    trusting = ssl.create_default_context(cafile=folder / "tls.crt")
    log = folder / "access"
    with log.open("ab") as stdout, subprocess.Popen(words, stdout=stdout, cwd=folder) as process:
        try:
            _wait_for(port, process)
            yield Proxy(port, plain_port, trusting, servers, log)
        finally:
            process.terminate()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), SECONDS).close()
        except ConnectionRefusedError:
            assert process.poll() is None, "the proxy ended before it listened"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return
