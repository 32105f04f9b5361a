"""What the Keystone and the Glance of the stage answer when nothing is wrong with them.

Recorded from a real Keystone 30 and Glance 33, and shortened.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from tests.fakes.errors import glance_error, keystone_error

# Each user with a token of that name, in a project of their own.
USERS = {"alice": "a" * 32, "bob": "b" * 32}
PASSWORD = "secret-password"
EXPIRES = "2099-01-01T00:00:00.000000Z"
DOMAIN = {"id": "default", "name": "Default"}
NAMES = {"x-openstack-request-id": "req-11111111-2222-4333-8444-555555555555"}


@dataclass(frozen=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def user(self) -> str:
        """Whose token came with it; empty for one that is nobody's."""
        token = self.headers.get("x-subject-token") or self.headers.get("x-auth-token", "")
        return user_of(token)


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    """Return an answer as bytes; ``body`` is JSON, or bytes as they are."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if status != 204:
        lines.append(f"Content-Length: {len(content)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


def user_of(token: str) -> str:
    """Return the user whose token this is; empty when there is none."""
    name = token.removeprefix("token-of-").removesuffix("-unscoped")
    return name if name in USERS else ""


def token_of(user: str) -> str:
    """Return a user's token, as a script would send it."""
    return f"token-of-{user}"


def image_id_of(user: str, number: int = 0) -> str:
    """Return the id of one of a user's images."""
    return f"{USERS[user][:8]}-0000-4000-8000-{number:012}"


def image(user: str, image_id: str) -> dict[str, Any]:
    """Return an image as a real Glance shows it."""
    times = {"created_at": "2026-01-31T12:00:00Z", "updated_at": "2026-01-31T12:00:00Z"}
    paths = {key: f"/v2/images/{image_id}{end}" for key, end in (("self", ""), ("file", "/file"))}
    hashes = {"checksum": "0" * 32, "os_hash_algo": "sha512", "os_hash_value": "0" * 128}
    base = {"id": image_id, "name": f"an image of {user}", "owner": USERS[user], "tags": []}
    formats = {"disk_format": "raw", "container_format": "bare", "visibility": "private"}
    numbers = {"size": 5, "virtual_size": None, "min_ram": 0, "min_disk": 0}
    flags = {"protected": False, "os_hidden": False, "status": "active"}
    schema = {"schema": "/v2/schemas/image"}
    return {**base, **formats, **numbers, **flags, **hashes, **times, **paths, **schema}


def member(image_id: str) -> dict[str, Any]:
    """Return a member of an image as a real Glance shows it."""
    times = {"created_at": "2026-01-31T12:00:00Z", "updated_at": "2026-01-31T12:00:00Z"}
    base = {"member_id": USERS["bob"], "image_id": image_id, "status": "pending"}
    return {**base, **times, "schema": "/v2/schemas/member"}


def project(user: str) -> dict[str, Any]:
    """Return a user's project as a list of projects has it."""
    names = {"id": USERS[user], "name": f"of {user}", "domain_id": "default"}
    return {**names, "enabled": True, "description": ""}


def token_body(user: str, glance_url: str, *, scoped: bool = True) -> dict[str, Any]:
    """Return what Keystone says of a user's token."""
    body: dict[str, Any] = {
        "methods": ["password"],
        "user": {"id": f"user-{user}", "name": user, "domain": DOMAIN, "password_expires_at": None},
        "audit_ids": ["3T2dc1CGQxyJsHdDu1xkcw"],
        "expires_at": EXPIRES,
        "issued_at": "2026-01-31T12:00:00.000000Z",
    }
    if scoped:
        endpoint = {"id": "e", "interface": "public", "region_id": "RegionOne", "url": glance_url}
        entry = {"type": "image", "id": "s", "name": "glance", "endpoints": [endpoint]}
        body["project"] = {"id": USERS[user], "name": f"of {user}", "domain": DOMAIN}
        body |= {"is_domain": False, "roles": [{"id": "r", "name": "member"}], "catalog": [entry]}
    return {"token": body}


def versions(url: str) -> dict[str, Any]:
    """Return Keystone's version document, as at ``GET /v3``."""
    links = [{"rel": "self", "href": f"{url}/v3/"}]
    return {"version": {"id": "v3.14", "status": "stable", "links": links}}


def keystone_answer(request: Request, glance_url: str) -> bytes:
    """Return what Keystone says."""
    url = f"http://{request.headers['host']}"
    user, path = request.user, request.path.rstrip("/")
    known: dict[tuple[str, str], Callable[[], tuple[Any, int]]] = {
        ("GET", ""): lambda: ({"versions": {"values": [versions(url)["version"]]}}, 300),
        ("GET", "/v3"): lambda: (versions(url), 200),
        ("POST", "/v3/auth/tokens"): lambda: _issued(json.loads(request.body)["auth"], glance_url),
        ("DELETE", "/v3/auth/tokens"): lambda: (b"", 204),
        ("GET", "/v3/auth/tokens"): lambda: (_checked(request, glance_url), 200),
        ("GET", "/v3/auth/projects"): lambda: ({"projects": [project(user)]}, 200),
    }
    body, status = known[request.method, path]()
    if request.method == "GET" and "/auth/" in path and not user:
        body, status = keystone_error(404), 404
    token = request.headers.get("x-subject-token")
    if request.method == "POST" and status == 201:
        token = f"token-of-{body['token']['user']['name']}"
        token += "" if "project" in body["token"] else "-unscoped"
    return answer(body, status, NAMES if token is None else {**NAMES, "X-Subject-Token": token})


def _checked(request: Request, glance_url: str) -> dict[str, Any]:
    unscoped = request.headers.get("x-subject-token", "").endswith("-unscoped")
    return token_body(request.user or "alice", glance_url, scoped=not unscoped)


def _issued(auth: dict[str, Any], glance_url: str) -> tuple[Any, int]:
    identity, scope = auth["identity"], auth["scope"]
    if identity["methods"] == ["password"]:
        who = identity["password"]["user"]
        user = who["name"] if who["password"] == PASSWORD else ""
    else:
        user = user_of(identity["token"]["id"])
    scoped = scope != "unscoped"
    if not user or (scoped and scope["project"].get("id", USERS[user]) != USERS[user]):
        return keystone_error(401), 401
    return token_body(user, glance_url, scoped=scoped), 201


def glance_answer(request: Request) -> bytes:
    """Return what Glance says; it adopts the request id that a client chose."""
    ids = {"x-openstack-request-id": request.headers.get("x-openstack-request-id", "req-none")}
    return answer(*_of_glance(request), ids)


def _of_glance(request: Request) -> tuple[Any, int]:
    path, user = request.path.partition("?")[0], request.user
    image_id, *rest = path.removeprefix("/v2/images").strip("/").split("/")
    if not user:
        return b"Authentication required", 401
    if image_id and not image_id.startswith(USERS[user][:8]):
        return glance_error(404, f"No image found with ID {image_id}"), 404
    if chosen := parse_qs(request.path.partition("?")[2]).get("id"):
        return {"images": _listed(user, chosen[0].removeprefix("in:").split(","))}, 200
    return _of_images(request.method, user, image_id, "/".join(rest))


def _listed(user: str, image_ids: list[str]) -> list[dict[str, Any]]:
    """Return the images of a list of some; as a hidden one, the first is in no list."""
    mine = (image_id for image_id in image_ids if image_id.startswith(USERS[user][:8]))
    return [image(user, image_id) for image_id in mine if image_id != image_id_of(user, 1)]


def _of_images(method: str, user: str, image_id: str, below: str) -> tuple[Any, int]:
    if not image_id:
        page = {"images": [image(user, image_id_of(user))], "first": "/v2/images"}
        new = image(user, image_id_of(user, 9))
        return (new, 201) if method == "POST" else ({**page, "schema": "/v2/schemas/images"}, 200)
    if method == "DELETE" or below == "file" or below.startswith("actions/"):
        return b"", 204
    if below == "members" and method == "GET":
        return {"members": [member(image_id)], "schema": "/v2/schemas/members"}, 200
    return (member(image_id) if below else image(user, image_id)), 200
