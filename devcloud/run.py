"""``python -m devcloud.run``: the development cloud, and the BFF in front of it."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from devcloud.api import sign_in
from devcloud.cloud import running
from devcloud.environment import installed

STOP_SECONDS = 40


def main() -> int:
    """Run both in the foreground; the exit status is 1 when either could not start."""
    parser = argparse.ArgumentParser(prog="python -m devcloud.run", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="where the cloud keeps its state")
    parser.add_argument("--port", default="8080", help="the BFF's port; 0 takes a free one")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        port = _free_port(arguments.port)
        with (
            running(arguments.dir.resolve(), installed()) as cloud,
            _bff(cloud["auth_url"], port) as (process, address),
        ):
            print(_greeting(cloud, address), flush=True)
            return process.wait()
    except RuntimeError as problem:
        print(f"devcloud: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def _free_port(given: str) -> int:
    """Return the port on which the BFF can listen, before anything is started for it.

    Raises:
        RuntimeError: it is none, or it is taken.
    """
    if not (given.isascii() and given.isdigit() and len(given) <= 5 and int(given) <= 65535):
        raise RuntimeError(f"PORT must be a number from 0 to 65535, and {given!r} is none")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(given)))
            probe.listen()
        except OSError as problem:
            reason = f"cannot listen on port {given} ({problem.strerror})"
            raise RuntimeError(f"{reason}; choose another one: make run PORT=9000") from None
    return int(given)


@contextmanager
def _bff(auth_url: str, port: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run ``bff serve``; yields its process and its address.

    Raises:
        RuntimeError: it did not start; why stands on stderr.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "devcloud.follow", "bff", "serve", "--port", str(port)],
        env={**os.environ, "BFF_AUTH_URL": auth_url, "BFF_LOG_FORMAT": "console"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        if not line.startswith("ready "):
            raise RuntimeError("the BFF did not start")
        yield process, line.removeprefix("ready ")
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def _greeting(cloud: dict[str, Any], address: str) -> str:
    token = sign_in(cloud["auth_url"], "alice", "alice", "demo")
    users = "\n".join(
        f"  {user['name']:<6} password {user['password']:<13} in {', '.join(user['projects'])}"
        for user in cloud["users"]
    )
    return f"""
Keystone  {cloud["auth_url"]}
Glance    {cloud["glance_url"]}

{users}

In a browser: {address}

A first call, as alice in the project demo (her token is good for an hour):

curl -s {address}rpc -H 'content-type: application/json' -H 'x-auth-token: {token}' \
-d '{{"jsonrpc":"2.0","id":1,"method":"compute.image.listImages"}}'

The same by the command line of the Python client (pip install './clients/python[cli]'):

echo alice | polaris --url {address} login --user alice --project demo && polaris image list

^C stops everything.
ready {address}"""


if __name__ == "__main__":
    sys.exit(main())
