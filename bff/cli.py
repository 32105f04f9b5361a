"""The command line: ``bff serve``, and what prepares it."""

from __future__ import annotations

import os
import socket
from typing import Annotated

import typer
import uvicorn
from cryptography.fernet import Fernet
from pydantic import ValidationError
from uvicorn.supervisors import Multiprocess

from bff import asgi, page
from bff import settings as settings_module
from bff.connection import Connection
from bff.contract import contract
from bff.settings import PREFIX, Settings, explain
from bff.typescript import as_typescript

READY_SECONDS = 60

app = typer.Typer(
    help="polaris-bff: a backend-for-frontend for the OpenStack Image service.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 takes a free one.", min=0)] = 8080,
    workers: Annotated[int, typer.Option(help="How many processes.", min=1)] = 1,
) -> None:
    """Serve until ^C or SIGTERM; the settings come from the environment (docs/settings.md)."""
    settings = _settings()
    if settings.secret_keys is None:
        # Every worker must be able to open what another one sealed.
        os.environ[f"{PREFIX}SECRET_KEYS"] = Fernet.generate_key().decode()
        typer.echo(
            f"{PREFIX}SECRET_KEYS is not set: sessions will end when this server stops.", err=True
        )
    if workers > 1 and settings.redis_url is None:
        typer.echo(
            f"{PREFIX}REDIS_URL is not set: with several workers, an upload's progress is seen only"
            " by whoever happens to watch through the worker that takes it.",
            err=True,
        )
    config = uvicorn.Config(
        "bff.asgi:create",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        loop="uvloop",
        http=Connection,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_timeout,
    )
    sock = _listen(config)
    address = f"http://{_shown(host)}:{sock.getsockname()[1]}{settings.prefix}/"
    if workers == 1:
        _Server(config, address).run([sock])
    else:
        _Workers(config, sock, address).run()


@app.command()
def settings_table() -> None:
    """Print docs/settings.md."""
    typer.echo(settings_module.as_markdown(), nl=False)


@app.command()
def procedures_page() -> None:
    """Print docs/procedures.md."""
    typer.echo(page.as_markdown(contract(asgi.registry())), nl=False)


@app.command()
def types() -> None:
    """Print clients/typescript/src/contract.ts: every procedure, its input and its output."""
    typer.echo(as_typescript(asgi.registry()), nl=False)


@app.command()
def new_key() -> None:
    """Print a new key for BFF_SECRET_KEYS."""
    typer.echo(Fernet.generate_key().decode())


class _Server(uvicorn.Server):
    """Says when it is ready, and under which address."""

    def __init__(self, config: uvicorn.Config, address: str) -> None:
        super().__init__(config)
        self._address = address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        _announce(self._address)


class _Workers(Multiprocess):
    """Says when every worker is ready."""

    def __init__(self, config: uvicorn.Config, sock: socket.socket, address: str) -> None:
        super().__init__(config, [sock])
        self._address = address

    def init_processes(self) -> None:
        super().init_processes()
        if all(process.wait_until_ready(READY_SECONDS) for process in self.processes):
            _announce(self._address)


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        typer.echo(
            f"The settings are wrong; docs/settings.md explains them.\n{explain(error)}", err=True
        )
        raise typer.Exit(2) from None


def _listen(config: uvicorn.Config) -> socket.socket:
    try:
        return config.bind_socket()
    except SystemExit:
        typer.echo(f"Cannot listen on {config.host}:{config.port}.", err=True)
        raise


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _announce(address: str) -> None:
    typer.echo(f"ready {address}")
