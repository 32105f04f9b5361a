"""``python -m bench.stand_in``: a Keystone and a Glance that have as much time as one wants.

Every token is valid, and its own user's; every password is right but ``wrong``. ``POST /mode`` says
what Glance does with requests that come from now on: ``answer`` after some milliseconds, ``hang``,
or ``reset`` the connection; and how long Keystone takes for a password. ``GET /count`` says how
many requests Glance was sent since. Every image is there and waits for its data, until it has them.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

PROJECT = {"id": "d" * 32, "name": "demo", "domain": {"id": "default", "name": "Default"}}


def token_body(user: str) -> dict[str, Any]:
    """Return what Keystone says of a token (Identity API v3, "Validate and show information")."""
    domain = {"id": "default", "name": "Default"}
    expires = datetime.now(UTC) + timedelta(hours=1)
    return {
        "token": {
            "methods": ["password"],
            "user": {"id": user, "name": user, "domain": domain},
            "project": PROJECT,
            "roles": [{"id": "member", "name": "member"}],
            "expires_at": expires.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "issued_at": "2026-01-01T00:00:00.000000Z",
            "audit_ids": ["a"],
            "catalog": [],
        }
    }


class StandIn:
    """The services, and how Glance is at the moment."""

    def __init__(self) -> None:
        self.mode, self.seconds, self.count = "answer", 0.02, 0
        self.password_seconds = 0.0
        self.sizes: dict[str, int] = {}

    def application(self) -> web.Application:
        """Return both as one application."""
        app = web.Application()
        app.router.add_post("/mode", self._set_mode)
        app.router.add_get("/count", self._tell_count)
        app.router.add_get("/v3", self._version)
        app.router.add_post("/v3/auth/tokens", self._sign_in)
        app.router.add_get("/v3/auth/tokens", self._validate)
        app.router.add_route("*", "/v2/{rest:.*}", self._glance)
        return app

    async def _set_mode(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self.mode, self.seconds, self.count = asked["mode"], asked["seconds"], 0
        self.password_seconds = asked.get("password_seconds", 0.0)
        return web.Response()

    async def _tell_count(self, _request: web.Request) -> web.Response:
        return web.json_response(self.count)

    async def _version(self, _request: web.Request) -> web.Response:
        return web.json_response({"version": {"id": "v3.14", "links": []}})

    async def _sign_in(self, request: web.Request) -> web.Response:
        identity = (await request.json())["auth"]["identity"]
        given = identity.get("password", {"user": {"name": "x", "password": ""}})["user"]
        if "password" in identity:
            await asyncio.sleep(self.password_seconds)
        if given["password"] == "wrong":
            error = {"code": 401, "title": "Unauthorized", "message": "Wrong."}
            return web.json_response({"error": error}, status=401)
        user = given["name"]
        headers = {"X-Subject-Token": f"{user}-{uuid.uuid4()}"}
        body = token_body(user)
        if "scope" in (await request.json())["auth"]:
            del body["token"]["project"]
        return web.json_response(body, status=201, headers=headers)

    async def _validate(self, request: web.Request) -> web.Response:
        subject = request.headers["X-Subject-Token"]
        headers = {"X-Subject-Token": subject}
        return web.json_response(token_body(subject.split("-")[0]), headers=headers)

    async def _glance(self, request: web.Request) -> web.Response:
        self.count += 1
        if self.mode == "hang":
            await asyncio.Event().wait()
        if self.mode == "reset" and request.transport is not None:
            request.transport.abort()
        if request.method == "PUT":
            return await self._store(request)
        await asyncio.sleep(self.seconds)
        if request.method == "DELETE":
            return web.Response(status=204)
        if image_id := request.match_info["rest"].partition("images/")[2]:
            return web.json_response(self._image(image_id))
        return web.json_response({"images": [], "first": "/v2/images", "schema": "/v2/schemas"})

    def _image(self, image_id: str) -> dict[str, Any]:
        size = self.sizes.get(image_id)
        status = "queued" if size is None else "active"
        formats = {"disk_format": "raw", "container_format": "bare"}
        return {"id": image_id, "status": status, "size": size, "owner": PROJECT["id"], **formats}

    async def _store(self, request: web.Request) -> web.Response:
        size = 0
        async for chunk in request.content.iter_any():
            size += len(chunk)
        self.sizes[request.match_info["rest"].split("/")[1]] = size
        return web.Response(status=204)


async def main() -> None:
    """Serve until the process is ended; print the address first."""
    runner = web.AppRunner(StandIn().application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(json.dumps(f"http://127.0.0.1:{runner.addresses[0][1]}"), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
