"""The command line: ``bff serve``, and what prepares it."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import NoReturn

import click
import structlog
import uvicorn
import uvloop
from cryptography.fernet import Fernet
from pydantic import ValidationError

from bff import __version__, asgi
from bff import settings as settings_module
from bff.contract import markdown as page
from bff.contract.model import contract
from bff.contract.python import as_python
from bff.contract.typescript import as_typescript
from bff.reload import network_of
from bff.server.exposition import check_address, metrics_of_workers
from bff.server.protocol import Connection
from bff.server.stop import Server
from bff.settings import PREFIX, Settings, explain
from bff.variables import unknown_variables
from bff.workers import FACTORY, Workers, times_of

_CANNOT_LISTEN: Mapping[int, str] = {
    errno.EADDRINUSE: "another program listens there; stop it, or choose another --port",
    errno.EACCES: "this user may not listen there; choose a --port above 1023",
    errno.EADDRNOTAVAIL: "this host has no such address; choose another --host",
}


@click.group()
@click.version_option(__version__, message="polaris-bff %(version)s", help="Say the version.")
def app() -> None:
    """polaris-bff: a backend-for-frontend for the OpenStack Image service."""


@app.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="The port; 0 takes a free one.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="How many processes.",
)
def serve(host: str, port: int, workers: int) -> None:
    """Serve until ^C or SIGTERM; the settings come from the environment (docs/settings.md)."""
    settings = _settings()
    _check_network(settings)
    for told in unknown_variables(os.environ):
        click.echo(told, err=True)
    if not settings.fernet_keys:
        # Every worker must decrypt the cookies that another one encrypted.
        os.environ[f"{PREFIX}SECRET_KEYS"] = Fernet.generate_key().decode()
        click.echo(
            f"{PREFIX}SECRET_KEYS is not set: sessions will end when this server stops.", err=True
        )
    if workers > 1 and settings.redis_url is None:
        click.echo(
            f"{PREFIX}REDIS_URL is not set: with several workers, an upload's progress is seen only"
            " by whoever happens to watch through the worker that takes it, and each worker counts"
            " sign-ins for itself.",
            err=True,
        )
    config = uvicorn.Config(
        FACTORY,
        factory=True,
        host=host,
        port=port,
        workers=workers,
        loop="uvloop",
        http=Connection,
        access_log=False,
        log_config=None,
        server_header=False,
        # The application's own (BFF_TRUSTED_PROXIES): this would believe every local process.
        proxy_headers=False,
    )
    sock = _listen(host, port)
    address = f"http://{_url_host(host)}:{sock.getsockname()[1]}{settings.prefix}/"

    def ready() -> None:
        click.echo(f"ready {address}")

    with _metrics(settings, workers) as replaced:
        if workers == 1:
            Server(config, times_of(settings), ready=ready).run([sock])
        else:
            Workers(config, sock, ready, replaced).run()


@app.command()
def check() -> None:
    """Say whether the settings work from here, and what to do where not; ends with 1 then."""
    # A server would keep in memory what certificates are read with.
    from bff.check import report  # noqa: PLC0415

    # What is wrong is said here, in one place.
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    try:
        failed = uvloop.run(report(click.echo))
    finally:
        structlog.reset_defaults()
    raise click.exceptions.Exit(1 if failed else 0)


@app.command()
def settings_table() -> None:
    """Print docs/settings.md."""
    click.echo(settings_module.as_markdown(), nl=False)


@app.command()
def procedures_page() -> None:
    """Print docs/procedures.md."""
    click.echo(page.as_markdown(contract(asgi.registry())), nl=False)


@app.command()
def types() -> None:
    """Print clients/typescript/src/contract.ts: every procedure, its input and its output."""
    click.echo(as_typescript(contract(asgi.registry())), nl=False)


@app.command()
def python_types() -> None:
    """Print clients/python/src/polaris_bff/contract.py: every procedure and its types."""
    click.echo(as_python(contract(asgi.registry())), nl=False)


@app.command()
def new_key() -> None:
    """Print a new key for BFF_SECRET_KEYS."""
    click.echo(Fernet.generate_key().decode())


@contextmanager
def _metrics(settings: Settings, workers: int) -> Iterator[Callable[[int | None], None]]:
    """Serve the metrics of several workers; of one, which serves its own, check the address.

    Yields what is told of each worker that was replaced.
    """
    address = settings.metrics_host_and_port
    with ExitStack() as stack:
        replaced: Callable[[int | None], None] = lambda _pid: None  # noqa: E731
        try:
            if address is not None and workers > 1:
                replaced = stack.enter_context(metrics_of_workers(*address)).worker_replaced
            elif address is not None:
                check_address(*address)
        except OSError as problem:
            where = f"{settings.metrics_address} ({PREFIX}METRICS_ADDRESS)"
            click.echo(f"Cannot serve metrics at {where}: {problem.strerror}.", err=True)
            raise click.exceptions.Exit(1) from None
        yield replaced


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        _wrong(explain(error))


def _check_network(settings: Settings) -> None:
    try:
        network_of(settings)
    except ValueError as error:
        _wrong(str(error))


def _wrong(settings: str) -> NoReturn:
    click.echo(f"The settings are wrong; docs/settings.md explains them.\n{settings}", err=True)
    raise click.exceptions.Exit(2) from None


def _listen(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except OSError as problem:
        sock.close()
        reason = _CANNOT_LISTEN.get(problem.errno or 0, problem.strerror)
        if isinstance(problem, socket.gaierror):
            reason = "the name does not resolve; choose another --host"
        click.echo(f"Cannot listen on {_url_host(host)}:{port}: {reason}.", err=True)
        raise click.exceptions.Exit(1) from None
    sock.set_inheritable(True)
    return sock


def _url_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
