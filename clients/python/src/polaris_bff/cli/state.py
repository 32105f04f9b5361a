"""What a command knows of its surroundings: the options, and the session that was begun."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from polaris_bff.errors import BffError

if TYPE_CHECKING:
    from polaris_bff import AsyncClient, Client, Session

_OPENSTACK: tuple[str, ...] = ("OS_CLOUD", "OS_AUTH_URL", "OS_TOKEN")


@dataclass
class Options:
    """The options that stand before a command."""

    url: str | None = None
    cloud: str | None = None
    project: str | None = None
    timeout: float = 60.0


def session_file() -> Path:
    """Return where the session is kept, for its owner alone."""
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "polaris" / "session.json"


def save_session(url: str, session: Session) -> None:
    """Keep a session, or forget it when it has ended."""
    file = session_file()
    if not session.cookie:
        file.unlink(missing_ok=True)
        return
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Made anew, for its owner alone: what is there may be open to others, or a link.
    descriptor, new = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(descriptor, "w") as out:
        json.dump({"url": url, "cookie": session.cookie}, out)
    Path(new).replace(file)


def _saved() -> tuple[str, str] | None:
    try:
        saved: Any = json.loads(session_file().read_text())
        return str(saved["url"]), str(saved["cookie"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def address(options: Options) -> str | None:
    """Return the BFF's address, as it was given or as the session has it."""
    saved = _saved()
    return options.url or os.environ.get("BFF_URL") or (saved[0] if saved else None)


@contextmanager
def connected(options: Options) -> Iterator[Client]:
    """Yield a client: of ``--os-cloud`` or ``OS_*`` variables, else of the session begun.

    Raises:
        BffError: UNAUTHORIZED, there is nothing to sign in with.
    """
    from polaris_bff import Client  # noqa: PLC0415  # httpx

    url, account = _account(options)
    with _kept(url, account), Client(url, **account) as client:
        yield client


@asynccontextmanager
async def connected_async(options: Options) -> AsyncIterator[AsyncClient]:
    """Yield the same with asyncio.

    Raises:
        BffError: UNAUTHORIZED, there is nothing to sign in with.
    """
    from polaris_bff import AsyncClient  # noqa: PLC0415  # httpx

    url, account = _account(options)
    with _kept(url, account):
        async with AsyncClient(url, **account) as client:
            yield client


def _account(options: Options) -> tuple[str | None, dict[str, Any]]:
    """Return a client's address and its further arguments."""
    from polaris_bff import Session  # noqa: PLC0415  # httpx

    more: dict[str, Any] = {"timeout": options.timeout, "project": options.project}
    if options.cloud or any(os.environ.get(name) for name in _OPENSTACK):
        return options.url, {"cloud": options.cloud, **more}
    saved = _saved()
    url = address(options)
    # The cookie is for the server that set it.
    if saved is None or not url or url.rstrip("/") != saved[0].rstrip("/"):
        message = "Not signed in: use `polaris login`, or set OS_CLOUD"
        raise BffError("UNAUTHORIZED", message)
    return url, {"auth": Session(saved[1]), **more}


@contextmanager
def _kept(url: str | None, account: dict[str, Any]) -> Iterator[None]:
    """Keep the session again if another scope or its end has changed it."""
    session = account.get("auth")
    before = session and session.cookie
    try:
        yield
    finally:
        if url and session and session.cookie != before:
            save_session(url, session)
