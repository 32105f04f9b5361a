"""Set up and start Keystone and Glance in one folder, and describe what runs there."""

from __future__ import annotations

import base64
import fcntl
import json
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from devcloud import images, people, process
from devcloud.environment import Environment

KEYSTONE_CONF = """\
[DEFAULT]
log_file = {folder}/keystone.log
[database]
connection = sqlite:///{folder}/keystone.sqlite
[token]
provider = fernet
[fernet_tokens]
key_repository = {folder}/fernet-keys
[fernet_receipts]
key_repository = {folder}/fernet-keys
[credential]
key_repository = {folder}/credential-keys
[cache]
enabled = true
backend = dogpile.cache.memory
[identity]
# The cheapest hash that Keystone allows: these passwords guard nothing.
password_hash_rounds = 4
"""

GLANCE_CONF = """\
[DEFAULT]
log_file = {folder}/glance.log
enabled_backends = files:file
enabled_import_methods = [glance-direct,web-download,copy-image]
[database]
connection = sqlite:///{folder}/glance.sqlite
[glance_store]
default_backend = files
[files]
filesystem_store_datadir = {folder}/images
[os_glance_staging_store]
filesystem_store_datadir = {folder}/staging
[os_glance_tasks_store]
filesystem_store_datadir = {folder}/tasks
[paste_deploy]
flavor = keystone
config_file = {etc}/glance/glance-api-paste.ini
[keystone_authtoken]
www_authenticate_uri = {keystone}
auth_url = {keystone}
auth_type = password
username = admin
password = {password}
project_name = admin
user_domain_name = Default
project_domain_name = Default
"""

Description = dict[str, Any]


@contextmanager
def running(folder: Path, environment: Environment) -> Iterator[Description]:
    """Run the cloud in ``folder`` for as long as the context lasts; yields its description.

    Raises:
        RuntimeError: a service or a set-up step failed, or the folder is in use.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        lock = stack.enter_context((folder / "lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RuntimeError(f"another development cloud runs in {folder}") from None
        yield _start(folder, environment, stack)


def _start(folder: Path, environment: Environment, stack: ExitStack) -> Description:
    ports = _remembered_ports(folder)
    variables = {"OS_KEYSTONE_CONFIG_DIR": str(folder), "OS_GLANCE_CONFIG_DIR": str(folder)}
    _prepare(folder, environment)

    def start(name: str) -> process.Service:
        log = folder / f"{name}.out"
        port = ports.get(name, 0)
        service = process.start(f"{name}.wsgi.api", environment, variables, log, port)
        stack.callback(service.stop)
        return service

    keystone = start("keystone")
    _bootstrap(folder, environment, keystone.url)
    _write_glance_conf(folder, environment, keystone.url)
    glance = start("glance")
    _remember_ports(folder, {"keystone": keystone.port, "glance": glance.port})
    description = people.settle(f"{keystone.url}/v3", glance.url)
    images.fill(description, folder / "images-seeded")
    return description


def _prepare(folder: Path, environment: Environment) -> None:
    """Make keys and databases, once; the independent steps side by side."""
    (folder / "keystone.conf").write_text(KEYSTONE_CONF.format(folder=folder))
    _write_glance_conf(folder, environment, "http://127.0.0.1:5000")
    done = folder / "prepared"
    if done.exists():
        return
    for name in ("fernet-keys", "credential-keys"):
        _write_key(folder / name)
    log = folder / "setup.log"
    steps = [
        [*_manage(folder, environment, "keystone", "keystone.conf"), "db_sync"],
        [*_manage(folder, environment, "glance", "glance-api.conf"), "db_sync"],
    ]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda step: process.run(step, log), steps))
    done.touch()


def _manage(folder: Path, environment: Environment, name: str, conf: str) -> list[str]:
    return [environment.command(f"{name}-manage"), "--config-file", str(folder / conf)]


def _write_key(repository: Path) -> None:
    """Make a staged and a primary key, as ``keystone-manage fernet_setup`` does."""
    repository.mkdir(mode=0o700, exist_ok=True)
    for index in ("0", "1"):
        key = repository / index
        key.write_bytes(base64.urlsafe_b64encode(secrets.token_bytes(32)))
        key.chmod(0o600)


def _write_glance_conf(folder: Path, environment: Environment, keystone: str) -> None:
    for name in ("images", "staging", "tasks"):
        (folder / name).mkdir(exist_ok=True)
    text = GLANCE_CONF.format(
        folder=folder,
        etc=environment.home / "etc",
        keystone=keystone,
        password=people.ADMIN_PASSWORD,
    )
    (folder / "glance-api.conf").write_text(text)


def _bootstrap(folder: Path, environment: Environment, keystone: str) -> None:
    """Make the administrator and Keystone's own endpoints; again when its address has changed."""
    done = folder / "bootstrapped"
    if done.exists() and done.read_text() == keystone:
        return
    urls = [f"--bootstrap-{kind}-url={keystone}/v3" for kind in ("public", "internal", "admin")]
    command = [*_manage(folder, environment, "keystone", "keystone.conf"), "bootstrap", *urls]
    region = f"--bootstrap-region-id={people.REGION}"
    password = f"--bootstrap-password={people.ADMIN_PASSWORD}"
    process.run([*command, region, password], folder / "setup.log")
    done.write_text(keystone)


def _remembered_ports(folder: Path) -> dict[str, int]:
    file = folder / "ports.json"
    ports: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    return ports


def _remember_ports(folder: Path, ports: dict[str, int]) -> None:
    (folder / "ports.json").write_text(json.dumps(ports))
