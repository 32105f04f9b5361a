"""Set up and start Keystone and Glance in one folder, and describe what runs there."""

from __future__ import annotations

import base64
import fcntl
import json
import secrets
from collections.abc import Iterator, Sequence
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
# Nothing here must outlive a loss of power, and each change is done without waiting for the disk.
sqlite_synchronous = false
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
{settings}
"""

GLANCE_CONF = """\
[DEFAULT]
log_file = {folder}/glance.log
{settings}
enabled_backends = files:file
enabled_import_methods = [glance-direct,web-download,copy-image]
[database]
connection = sqlite:///{folder}/glance.sqlite
# As in Keystone's settings.
sqlite_synchronous = false
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
# Without it Glance takes no token that has access rules.
service_type = image
auth_type = password
username = admin
password = {password}
project_name = admin
user_domain_name = Default
project_domain_name = Default
"""

SERVICES = ("keystone", "glance")
# Is there when the users and images have been made.
SEEDED = "images-seeded"

Description = dict[str, Any]


@contextmanager
def running(
    folder: Path,
    environment: Environment,
    settings: Sequence[str] = (),
    keystone_settings: Sequence[str] = (),
    processes: int = 1,
) -> Iterator[Description]:
    """Run the cloud in ``folder`` for as long as the context lasts; yields its description.

    Args:
        settings: More lines for the ``[DEFAULT]`` section of Glance's settings.
        keystone_settings: Some of Keystone's, as ``SECTION.NAME=VALUE``.
        processes: How many each service has; a tenth of a gigabyte each.

    Raises:
        RuntimeError: a service or a set-up step failed, or the folder is in use.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if keystone_settings and not (folder / SEEDED).exists():
        # The cloud's own users are made before: rules for new passwords are not for theirs.
        with running(folder, environment, settings):
            pass
    with ExitStack() as stack:
        lock = stack.enter_context((folder / "lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RuntimeError(f"another development cloud runs in {folder}") from None
        _write_keystone_conf(folder, keystone_settings)
        yield _start(folder, environment, settings, processes, stack)


def _start(
    folder: Path,
    environment: Environment,
    settings: Sequence[str],
    processes: int,
    stack: ExitStack,
) -> Description:
    _prepare(folder, environment)
    ports = _ports(folder)
    keystone, glance = (f"http://127.0.0.1:{ports[name]}" for name in SERVICES)
    _write_glance_conf(folder, environment, keystone, settings)
    variables = {"OS_KEYSTONE_CONFIG_DIR": str(folder), "OS_GLANCE_CONFIG_DIR": str(folder)}

    def start(name: str) -> None:
        log = folder / f"{name}.out"
        child = process.start(
            f"{name}.wsgi.api", environment, variables, log, ports[name], processes=processes
        )
        stack.callback(process.stop, child)

    # Side by side: none of them needs another one to begin.
    with ThreadPoolExecutor() as pool:
        bootstrapped = pool.submit(_bootstrap, folder, environment, keystone)
        list(pool.map(start, SERVICES))
        bootstrapped.result()
    description = people.settle(f"{keystone}/v3", glance)
    images.fill(description, folder / SEEDED)
    return description


def _prepare(folder: Path, environment: Environment) -> None:
    """Make keys and databases, once; the independent steps side by side."""
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


def _write_keystone_conf(folder: Path, settings: Sequence[str]) -> None:
    # A section may begin again, and what comes last counts.
    more = "\n".join("[{}]\n{}".format(*setting.split(".", 1)) for setting in settings)
    (folder / "keystone.conf").write_text(KEYSTONE_CONF.format(folder=folder, settings=more))


def _write_glance_conf(
    folder: Path, environment: Environment, keystone: str, settings: Sequence[str] = ()
) -> None:
    for name in ("images", "staging", "tasks"):
        (folder / name).mkdir(exist_ok=True)
    text = GLANCE_CONF.format(
        folder=folder,
        etc=environment.home / "etc",
        keystone=keystone,
        settings="\n".join(settings),
        password=people.ADMIN_PASSWORD,
    )
    (folder / "glance-api.conf").write_text(text)


def _bootstrap(folder: Path, environment: Environment, keystone: str) -> None:
    """Make the administrator and Keystone's own endpoints, once."""
    done = folder / "bootstrapped"
    if done.exists():
        return
    urls = [f"--bootstrap-{kind}-url={keystone}/v3" for kind in ("public", "internal", "admin")]
    command = [*_manage(folder, environment, "keystone", "keystone.conf"), "bootstrap", *urls]
    region = f"--bootstrap-region-id={people.REGION}"
    password = f"--bootstrap-password={people.ADMIN_PASSWORD}"
    process.run([*command, region, password], folder / "setup.log")
    done.touch()


def _ports(folder: Path) -> dict[str, int]:
    """Return each service's port, the same as at the last start when it is free."""
    file = folder / "ports.json"
    last = json.loads(file.read_text()) if file.exists() else {}
    ports = process.free_ports(last.get(name, 0) for name in SERVICES)
    chosen = dict(zip(SERVICES, ports, strict=True))
    file.write_text(json.dumps(chosen))
    return chosen
