"""A small Keystone and Glance in the test's own process: it records and asserts what it is asked.

It answers as the real services do where a test needs to count, to hold an answer back or to see an
image that a real Glance would not make. What the real ones answer is proven in ``tests/cloud``.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from tests.fakes.errors import glance_error, keystone_error

PROJECTS = {"demo": "d" * 32, "partner": "e" * 32}
PASSWORD = "secret-password"
# Of an application credential, and of a receipt.
APP_SECRET = "secret-password-of-an-application"
PASSCODE = "secret-password-of-a-minute"
RECEIPT = "Openstack-Auth-Receipt"


# The request is never answered, or the connection breaks instead.
SILENCE, BREAK = 0, 1


def image(name: str = "an image", **more: Any) -> dict[str, Any]:
    """Return an image with the keys that Glance always gives."""
    base = {"id": str(uuid.uuid4()), "name": name, "status": "active", "visibility": "private"}
    return base | {"tags": [], "protected": False, "owner": PROJECTS["demo"]} | more


def _unauthorized(message: str) -> web.Response:
    return web.json_response({"error": {"message": message, "code": 401}}, status=401)


def _refused(status: int) -> web.Response:
    return web.Response(status=status, body=keystone_error(status), content_type="application/json")


@dataclass
class FakeOpenStack:
    """State and recorder; ``serve`` it with aiohttp's own server."""

    images: list[dict[str, Any]] = field(default_factory=list)
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    requests: list[web.Request] = field(default_factory=list)
    # Set to hold Glance's answers back; ``arrived`` and ``cancelled`` say what happened meanwhile.
    gate: asyncio.Event | None = None
    arrived: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    cancelled: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    # The most images in one answer.
    page_size: int = 1000
    at_a_time: int = 0
    most_at_a_time: int = 0
    glance_status: int | None = None
    # What Glance does with requests for single images: a status, or one of the two below.
    trouble: dict[str, int] = field(default_factory=dict)
    members: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    # Set to refuse uploads before their data is read.
    upload_status: int | None = None
    # Set to refuse changes of metadata.
    patch_status: int | None = None
    # Set while no upload is under way.
    at_rest: asyncio.Event = field(default_factory=asyncio.Event)
    # Set for an id that no real Glance would make.
    new_id: str | None = None
    url: str = ""
    # Of tokens that Keystone makes: how long they live, and their least length.
    lifetime: timedelta = timedelta(hours=1)
    token_length: int = 0
    # Requests to Keystone, as "DELETE /v3/auth/tokens": refused with a status, or not answered
    # before an event; ``arrived`` says that one is there.
    refused: dict[str, int] = field(default_factory=dict)
    held: dict[str, asyncio.Event] = field(default_factory=dict)
    # Projects besides ``PROJECTS``: by their names, the ids of their domains.
    elsewhere: dict[str, str] = field(default_factory=dict)
    # Set so that a password alone is answered with a receipt, and these rules.
    rules: Any = None
    receipts: list[str] = field(default_factory=list)
    # Set so that the password has expired.
    has_expired: bool = False
    has_changed: asyncio.Event = field(default_factory=asyncio.Event)
    password: str = PASSWORD

    def __post_init__(self) -> None:
        self.at_rest.set()

    def new_token(
        self, project: str | None = "demo", parent: str | None = None, **more: Any
    ) -> str:
        """Make a token; tests hand it to the BFF as a script would."""
        secret = f"token-{uuid.uuid4()}".ljust(self.token_length, "-")
        self.tokens[secret] = {"project": project, "parent": parent, **more}
        return secret

    def application(self) -> web.Application:
        """Return the services as one application."""
        app = web.Application(middlewares=[self._record])
        app.router.add_get("/", self._versions)
        app.router.add_get("/v3", self._versions)
        app.router.add_post("/v3/auth/tokens", self._issue)
        app.router.add_get("/v3/auth/tokens", self._validate)
        app.router.add_delete("/v3/auth/tokens", self._revoke)
        app.router.add_get("/v3/auth/projects", self._list_projects)
        app.router.add_post("/v3/users/{id}/password", self._change_password)
        app.router.add_get("/v2/images", self._list)
        app.router.add_post("/v2/images", self._create)
        app.router.add_get("/v2/images/{id}", self._show)
        app.router.add_delete("/v2/images/{id}", self._delete)
        app.router.add_patch("/v2/images/{id}", self._update)
        app.router.add_put("/v2/images/{id}/file", self._upload)
        app.router.add_post("/v2/images/{id}/actions/{action}", self._act)
        app.router.add_put("/v2/images/{id}/tags/{tag}", self._tag)
        app.router.add_delete("/v2/images/{id}/tags/{tag}", self._untag)
        app.router.add_get("/v2/images/{id}/members", self._members)
        app.router.add_post("/v2/images/{id}/members", self._add_member)
        app.router.add_get("/v2/images/{id}/members/{member}", self._member)
        app.router.add_put("/v2/images/{id}/members/{member}", self._set_member)
        app.router.add_delete("/v2/images/{id}/members/{member}", self._remove_member)
        return app

    @web.middleware
    async def _record(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests.append(request)
        self.calls[f"{request.method} {request.path}"] += 1
        assert request.headers["Accept"] == "application/json"
        if not request.path.startswith("/v2/"):
            return await self._as_keystone(request, handler)
        self.at_a_time += 1
        self.most_at_a_time = max(self.most_at_a_time, self.at_a_time)
        self.arrived.release()
        try:
            if self.gate is not None:
                await self.gate.wait()
            return await self._as_glance(request, handler)
        except asyncio.CancelledError:
            self.cancelled.release()
            raise
        finally:
            self.at_a_time -= 1

    async def _as_keystone(self, request: web.Request, handler: Any) -> web.StreamResponse:
        asked = f"{request.method} {request.path}"
        if asked in self.refused:
            return _refused(self.refused[asked])
        if asked in self.held:
            self.arrived.release()
            await self.held[asked].wait()
        response: web.StreamResponse = await handler(request)
        return response

    async def _as_glance(self, request: web.Request, handler: Any) -> web.StreamResponse:
        token = self.tokens.get(request.headers.get("X-Auth-Token", ""))
        if token is None or token["project"] is None:
            return web.Response(status=401, text="Authentication required")
        trouble = self.trouble.get(request.match_info.get("id", ""), self.glance_status)
        if trouble == SILENCE:
            await asyncio.Event().wait()
        if trouble == BREAK:
            assert request.transport is not None
            request.transport.abort()
        if trouble is not None:
            body = {"message": "for a <b>reason</b><br /><br />\n\n\n", "code": "x", "title": "y"}
            return web.json_response(body, status=trouble)
        response: web.StreamResponse = await handler(request)
        return response

    def _body(self, secret: str) -> dict[str, Any]:
        token = self.tokens[secret]
        domain = {"id": "default", "name": "Default"}
        expires = token.get("expires", datetime.now(UTC) + self.lifetime)
        body: dict[str, Any] = {
            "user": {"id": "u" * 32, "name": "alice", "domain": domain},
            "expires_at": expires.isoformat(),
        }
        if "application_credential" in token:
            body["application_credential"] = token["application_credential"]
        if project := token["project"]:
            if home := self.elsewhere.get(project):
                domain = {"id": home, "name": f"the {home}"}
            body["project"] = {"id": self._projects()[project], "name": project, "domain": domain}
            body["roles"] = [{"id": "r", "name": "member"}]
            endpoint = {"interface": "public", "url": self.url, "region_id": "RegionOne"}
            body["catalog"] = [{"type": "image", "endpoints": [endpoint]}]
        return {"token": body}

    async def _versions(self, request: web.Request) -> web.Response:
        # An inner address, as behind a proxy: nobody may go there.
        link = {"rel": "self", "href": "http://keystone.invalid/v3/"}
        version = {"id": "v3.14", "status": "stable", "links": [link]}
        if request.path == "/v3":
            return web.json_response({"version": version})
        return web.json_response({"versions": {"values": [version]}}, status=300)

    async def _issue(self, request: web.Request) -> web.Response:
        auth = (await request.json())["auth"]
        identity = auth["identity"]
        parent = None
        if "token" in identity:
            parent = identity["token"]["id"]
            if parent not in self.tokens:
                return _refused(404)
        elif (refused := self._refusal(request, identity)) is not None:
            return refused
        if "application_credential" in identity:
            assert "scope" not in auth
            return self._issued(self.new_token("demo", application_credential={"id": "c"}))
        scope = auth["scope"]
        project = None
        if scope != "unscoped":
            requested = scope["project"]
            known = self._projects()
            names = {name for name, key in known.items() if requested.get("id", key) == key}
            project = requested.get("name") or next(iter(names), None)
            if project not in known:
                return _refused(401)
        return self._issued(self.new_token(project, parent))

    def _issued(self, secret: str) -> web.Response:
        return web.json_response(
            self._body(secret), status=201, headers={"X-Subject-Token": secret}
        )

    def _refusal(self, request: web.Request, identity: dict[str, Any]) -> web.Response | None:
        if "application_credential" in identity:
            is_right = identity["application_credential"]["secret"] == APP_SECRET
            return None if is_right else _refused(401)
        given = {name: identity[name]["user"] for name in identity["methods"]}
        password = given.get("password", {}).get("password", self.password)
        passcode = given.get("totp", {}).get("passcode", PASSCODE)
        if (password, passcode) != (self.password, PASSCODE):
            return _refused(401)
        if self.has_expired:
            expired = "The password is expired and needs to be changed for user: "
            return _unauthorized(f"{expired}{'u' * 32}.")
        receipt = request.headers.get(RECEIPT)
        if receipt is not None and receipt not in self.receipts:
            return _unauthorized(f"Could not find auth receipt: {receipt}.")
        if self.rules is None or receipt or len(given) > 1:
            return None
        self.receipts.append(f"token-{uuid.uuid4()}")
        body = {"receipt": {"methods": [*given], "user": {"id": "u" * 32}}}
        return web.json_response(
            body | {"required_auth_methods": self.rules},
            status=401,
            headers={RECEIPT: self.receipts[-1]},
        )

    async def _change_password(self, request: web.Request) -> web.Response:
        user = (await request.json())["user"]
        if user["original_password"] != self.password or request.match_info["id"] != "u" * 32:
            return _refused(401)
        self.password, self.has_expired = user["password"], False
        self.has_changed.set()
        return web.Response(status=204)

    async def _validate(self, request: web.Request) -> web.Response:
        secret = request.headers["X-Subject-Token"]
        assert secret == request.headers["X-Auth-Token"]
        # Lets the others that wait for the same validation catch up with the first.
        await asyncio.sleep(0)
        if secret not in self.tokens:
            message = {"error": {"message": f"Could not find token: {secret}."}}
            return web.json_response(message, status=404)
        return web.json_response(self._body(secret))

    async def _revoke(self, request: web.Request) -> web.Response:
        dead = {request.headers["X-Subject-Token"]}
        while more := {t for t, d in self.tokens.items() if d["parent"] in dead} - dead:
            dead |= more
        for secret in dead:
            self.tokens.pop(secret, None)
        return web.Response(status=204)

    def _projects(self) -> dict[str, str]:
        return PROJECTS | {name: f"{name}-id" for name in self.elsewhere}

    async def _list_projects(self, _request: web.Request) -> web.Response:
        projects = [
            {"id": key, "name": name, "domain_id": self.elsewhere.get(name, "default")}
            for name, key in sorted(self._projects().items())
        ]
        return web.json_response({"projects": projects})

    async def _list(self, request: web.Request) -> web.Response:
        limit = min(int(request.query.get("limit", 25)), self.page_size)
        images = self._chosen(request)
        ids = [item["id"] for item in images]
        marker = request.query.get("marker")
        begin = ids.index(marker) + 1 if marker else 0
        page = images[begin : begin + limit]
        answer: dict[str, Any] = {"images": page, "first": "/v2/images", "schema": "/v2/schemas"}
        if len(page) == limit and page:
            answer["next"] = f"/v2/images?limit={limit}&marker={page[-1]['id']}"
        return web.Response(text=json.dumps(answer), content_type="application/json")

    def _chosen(self, request: web.Request) -> list[dict[str, Any]]:
        if "id" not in request.query:
            return self.images
        assert request.query["visibility"] == request.query["member_status"] == "all"
        ids = request.query["id"].removeprefix("in:").split(",")
        hidden = request.query.get("os_hidden") == "true"
        return [
            item
            for item in self.images
            if item["id"] in ids and item.get("os_hidden", False) == hidden
        ]

    async def _create(self, request: web.Request) -> web.Response:
        made = image(**(await request.json()))
        made["id"] = self.new_id or made["id"]
        self.images.append(made)
        return web.json_response(made, status=201)

    def _found(self, request: web.Request) -> dict[str, Any]:
        for item in self.images:
            if item["id"] == request.match_info["id"]:
                return item
        raise web.HTTPNotFound(text=glance_error(404).decode(), content_type="application/json")

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(self._found(request))

    async def _delete(self, request: web.Request) -> web.Response:
        if self._found(request).get("protected"):
            return web.json_response({"message": "It is protected."}, status=403)
        self.images.remove(self._found(request))
        return web.Response(status=204)

    async def _update(self, request: web.Request) -> web.Response:
        assert request.content_type == "application/openstack-images-v2.1-json-patch"
        found = self._found(request)
        if self.patch_status is not None:
            return web.json_response({"message": "for a reason."}, status=self.patch_status)
        for step in await request.json():
            name = step["path"].removeprefix("/")
            assert step["op"] in ("add", "replace", "remove")
            if step["op"] == "remove" and name not in found:
                return web.json_response({"message": "It does not exist."}, status=409)
            if step["op"] == "remove":
                del found[name]
            else:
                found[name] = step["value"]
        return web.json_response(found)

    async def _upload(self, request: web.Request) -> web.Response:
        assert request.content_type == "application/octet-stream"
        found = self._found(request)
        if self.upload_status is not None:
            return web.json_response({"message": "for a reason."}, status=self.upload_status)
        if found["status"] != "queued":
            return web.json_response({"message": "It is not queued."}, status=409)
        found["status"] = "saving"
        self.at_rest.clear()
        size, digest = 0, hashlib.sha512()
        try:
            async for chunk in request.content.iter_any():
                size += len(chunk)
                digest.update(chunk)
        except BaseException:
            # Broken off, or cancelled with its connection.
            found["status"] = "queued"
            raise
        finally:
            self.at_rest.set()
        assert request.headers.get("X-Openstack-Image-Size", str(size)) == str(size)
        hashed = {"os_hash_algo": "sha512", "os_hash_value": digest.hexdigest()}
        found.update(status="active", size=size, **hashed)
        return web.Response(status=204)

    async def _act(self, request: web.Request) -> web.Response:
        states = {"deactivate": "deactivated", "reactivate": "active"}
        self._found(request)["status"] = states[request.match_info["action"]]
        return web.Response(status=204)

    async def _tag(self, request: web.Request) -> web.Response:
        tags = self._found(request)["tags"]
        tags += [tag for tag in (request.match_info["tag"],) if tag not in tags]
        return web.Response(status=204)

    async def _untag(self, request: web.Request) -> web.Response:
        tags = self._found(request)["tags"]
        if request.match_info["tag"] not in tags:
            raise web.HTTPNotFound(text=glance_error(404).decode(), content_type="application/json")
        tags.remove(request.match_info["tag"])
        return web.Response(status=204)

    def _shared_with(self, request: web.Request) -> dict[str, dict[str, Any]]:
        return self.members.setdefault(self._found(request)["id"], {})

    async def _members(self, request: web.Request) -> web.Response:
        members = list(self._shared_with(request).values())
        return web.json_response({"members": members, "schema": "/v2/schemas/members"})

    async def _add_member(self, request: web.Request) -> web.Response:
        name = (await request.json())["member"]
        if name in self._shared_with(request):
            return web.json_response({"message": "It is a member."}, status=409)
        time = datetime.now(UTC).isoformat()
        made = {"member_id": name, "image_id": request.match_info["id"], "status": "pending"}
        made |= {"created_at": time, "updated_at": time, "schema": "/v2/schemas/member"}
        self._shared_with(request)[name] = made
        return web.json_response(made)

    def _known(self, request: web.Request) -> dict[str, Any]:
        member = self._shared_with(request).get(request.match_info["member"])
        if member is None:
            raise web.HTTPNotFound(text=glance_error(404).decode(), content_type="application/json")
        return member

    async def _member(self, request: web.Request) -> web.Response:
        return web.json_response(self._known(request))

    async def _set_member(self, request: web.Request) -> web.Response:
        member = self._known(request)
        member["status"] = (await request.json())["status"]
        return web.json_response(member)

    async def _remove_member(self, request: web.Request) -> web.Response:
        del self._shared_with(request)[self._known(request)["member_id"]]
        return web.Response(status=204)
