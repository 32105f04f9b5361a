"""``bff serve``, which says at SIGUSR2 how many tasks its event loop has."""

from __future__ import annotations

import asyncio
import signal
import socket

import uvicorn

from bff.cli import app

startup = uvicorn.Server.startup


def _tell() -> None:
    print(f"tasks {len(asyncio.all_tasks())}", flush=True)


async def _counting(self: uvicorn.Server, sockets: list[socket.socket] | None = None) -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, _tell)
    await startup(self, sockets)


if __name__ == "__main__":
    uvicorn.Server.startup = _counting  # type: ignore[method-assign]
    app()
