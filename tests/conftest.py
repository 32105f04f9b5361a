"""What every test may use: a served application, a client, and log lines as data."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import importlib
import inspect
import os
import pkgutil
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import aiohttp
import aioresponses.core
import pytest
import structlog
import uvicorn
from coverage import Coverage
from hypothesis import HealthCheck, settings
from starlette.types import ASGIApp
from structlog.testing import LogCapture

import bff
import procedures
import schemas
from bff import log_fields
from bff.server.protocol import Connection
from tests import canary
from tests.canary import pytest_runtest_makereport as pytest_runtest_makereport  # noqa: PLC0414  # a hook
from tests.devcloud import Cloud, copy_of, running_cloud, seed
from tests.node import CLIENT, run
from tests.strict_cloud import StrictCloud, running_strictly

Serve = Callable[[ASGIApp], Awaitable[str]]


def _aioresponses_for_aiohttp_3_14() -> None:
    """Give aioresponses 0.7.9 the argument that aiohttp 3.14.5 asks for (its issue 289)."""
    made_by = aiohttp.ClientResponse.__init__
    if "stream_writer" not in inspect.signature(made_by).parameters:
        return

    class Response(aiohttp.ClientResponse):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            writer = type("Writer", (), {"output_size": 0})()
            super().__init__(*args, **{"stream_writer": writer, **kwargs})

    aioresponses.core.ClientResponse = Response  # type: ignore[attr-defined]


_aioresponses_for_aiohttp_3_14()

# What hypothesis times says how busy the machine is, and nothing of what is tested.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# A run in the background ignores ^C, and so would every process that a test starts to interrupt it.
signal.signal(signal.SIGINT, signal.default_int_handler)


# What is imported and collected stays: no search for garbage goes through it.
gc.disable()


# Those that take longest, first: begun as the last ones, they would leave a core without work.
LONGEST = (
    *("cloud/test_ownership", "browser/test_session_end", "cloud/test_uploads"),
    *("clients/test_typescript", "deploy/test_losing_a_bff", "browser/test_tabs"),
    *("browser/test_explorer", "cloud/test_devcloud", "deploy/test_container"),
    *("browser/test_images", "faults/test_table", "browser/test_views", "cloud/test_cookbook"),
    *("browser/test_procedures", "browser/test_upload_queue", "browser/test_sign_in"),
    *("soak/test_soak", "faults/test_odd_answers", "cloud/test_ways_to_sign_in"),
    *("cloud/test_bulk_changes", "browser/test_edit", "browser/test_upload"),
)
RANKS = {f"tests/{name}.py": rank for rank, name in enumerate(LONGEST)}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return one process more than there are cores: tests of processes and of pages wait, too."""
    return (os.cpu_count() or 1) + 1


UNTRACED = pytest.StashKey[bool]()
# Of the server, all others run what these trace.
OF_THE_SERVER = ("tests/bff/", "tests/schemas/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, and choose whose lines are traced, where that is asked for.

    A tracer makes a test twice as slow. So it is left out where others cover the same: in further
    cases that each serve an application, in what hypothesis repeats, and in tests of other things.
    """
    items.sort(key=lambda item: RANKS.get(item.nodeid.partition("::")[0], len(RANKS)))
    seen = set[str]()
    for item in items:
        test = item.nodeid.partition("[")[0]
        is_further = test in seen and "serve" in getattr(item, "fixturenames", ())
        is_repeated = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        is_of_others = not test.startswith(OF_THE_SERVER)
        is_many = item.get_closest_marker("many") is not None
        item.stash[UNTRACED] = is_further or is_repeated or is_of_others or is_many
        seen.add(test)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Trace no lines of what is collected: what is measured is imported before."""
    for package in (bff, procedures, schemas):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    with untraced():
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Trace no lines where it was not chosen: in fixtures and in processes as little."""
    is_untraced = item.stash[UNTRACED]
    with untraced() if is_untraced else nullcontext(), pytest.MonkeyPatch.context() as patch:
        if is_untraced or item.get_closest_marker("processes") is None:
            patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        return (yield)


@contextmanager
def untraced() -> Iterator[None]:
    """Stop every tracer: when one stops, the one before it goes on; workers of xdist have three."""
    stopped: list[Coverage] = []
    while (tracing := Coverage.current()) is not None:
        tracing.stop()
        stopped.append(tracing)
    try:
        yield
    finally:
        for tracing in reversed(stopped):
            tracing.start()


def pytest_collection_finish() -> None:
    """Look for garbage from here on."""
    gc.freeze()
    gc.enable()


# structlog's own default draws each traceback with rich, in 0.2 s, with all local variables.
PLAIN = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.format_exc_info,
    structlog.processors.KeyValueRenderer(key_order=["level", "event"]),
)


def pytest_runtest_setup() -> None:
    """Let what a test does not configure otherwise write plain log lines."""
    structlog.configure(processors=PLAIN)


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """Serve an application on a free loopback port; yields its address.

    It is uvicorn in the test's own event loop, started and stopped without its clock of 0.1 s.
    """
    config = uvicorn.Config(
        app,
        http=Connection,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        # A test that runs a process between two calls finds its connection again.
        timeout_keep_alive=60,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # asyncio turns Nagle's delay of 40 ms off only where the protocol is said.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as sock:
        sock.bind(("127.0.0.1", 0))
        await server.startup([sock])
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            for listener in server.servers:
                listener.close()
            for connection in list(server.server_state.connections):
                connection.shutdown()
            await asyncio.gather(*server.server_state.tasks, return_exceptions=True)
            await server.lifespan.shutdown()


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Return a function that serves an application until the test ends."""
    async with AsyncExitStack() as stack:
        yield lambda app: stack.enter_async_context(served(app))


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """Return an HTTP client without cookies of its own."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """Return the log lines of this test, as they are written."""
    capture = LogCapture()
    structlog.configure(processors=[log_fields.merge, capture])
    yield capture.entries
    structlog.reset_defaults()
    canary.check("a log line", str(capture.entries))


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Any]) -> Path:
    """Fill a folder once for all tests of this run, in whatever process; returns it."""
    base = factory.getbasetemp()
    # The processes of a run, where there are several, have the folder above in common.
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"once-{name}"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = folder / "made"
        if not made.exists():
            make(folder)
            made.touch()
    return folder


@pytest.fixture(scope="session")
def typescript_client(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Compile the TypeScript client, once for all tests that run it, in whatever process."""
    once(tmp_path_factory, "client", lambda _: run(CLIENT, "tsc", "-p", "tsconfig.build.json"))


@pytest.fixture(scope="session")
def seeded_cloud(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a cloud that was started once, and stopped: others begin as its copy."""
    return once(tmp_path_factory, "cloud", seed) / "cloud"


@pytest.fixture(scope="session")
def cloud(seeded_cloud: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Return the real Keystone and Glance that all tests of a process share; they start once."""
    with running_cloud(copy_of(seeded_cloud, tmp_path_factory.mktemp("cloud"))) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def strict(seeded_cloud: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StrictCloud]:
    """Return a cloud whose Keystone has second factors, and rules for passwords."""
    with running_strictly(copy_of(seeded_cloud, tmp_path_factory.mktemp("strict"))) as cloud:
        yield cloud
