"""A Glance that keeps what it is given: what stands there after a fault can be looked up."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from tests.fakes.errors import glance_error
from tests.faults.services import USERS, Request, answer, image

Result = tuple[Any, int]
FORMATS = {"disk_format": "raw", "container_format": "bare"}
NO_DATA = {"status": "queued", "size": None, "checksum": None}
NO_DATA |= {"os_hash_algo": None, "os_hash_value": None}


@dataclass
class Shelf:
    """The images of all users, by their ids; of the data it keeps size and digest."""

    images: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, user: str, **more: Any) -> str:
        """Make an image that waits for its data; returns its id."""
        image_id = str(uuid.uuid4())
        self.images[image_id] = {**image(user, image_id), **NO_DATA, **more}
        return image_id

    def answer(self, request: Request) -> bytes:
        """Return what Glance says, having done it."""
        ids = {"x-openstack-request-id": request.headers.get("x-openstack-request-id", "req-none")}
        return answer(*self._result(request), ids)

    def _result(self, request: Request) -> Result:
        path, _, query = request.path.partition("?")
        image_id, _, below = path.removeprefix("/v2/images").strip("/").partition("/")
        if not request.user:
            return b"Authentication required", 401
        if not image_id:
            return self._all(request, query)
        found = self.images.get(image_id)
        if found is None or found["owner"] != USERS[request.user]:
            return glance_error(404, f"No image found with ID {image_id}"), 404
        if below:
            return _stored(found, request) if below == "file" else _acted(found, below)
        return self._one(found, request)

    def _all(self, request: Request, query: str) -> Result:
        if request.method == "POST":
            made = self.add(request.user, **json.loads(request.body))
            return self.images[made], 201
        asked = parse_qs(query)
        own = [one for one in self.images.values() if one["owner"] == USERS[request.user]]
        ids = [one["id"] for one in own]
        begin = ids.index(asked["marker"][0]) + 1 if "marker" in asked else 0
        limit = int(asked.get("limit", ["25"])[0])
        page = own[begin : begin + limit]
        body: dict[str, Any] = {"images": page, "first": "/v2/images"}
        if begin + limit < len(own):
            body["next"] = f"/v2/images?limit={limit}&marker={page[-1]['id']}"
        return {**body, "schema": "/v2/schemas/images"}, 200

    def _one(self, found: dict[str, Any], request: Request) -> Result:
        if request.method == "DELETE":
            del self.images[found["id"]]
            return b"", 204
        if request.method == "PATCH":
            found |= {step["path"][1:]: step.get("value") for step in json.loads(request.body)}
        return found, 200


def _acted(found: dict[str, Any], below: str) -> Result:
    found["status"] = {"actions/deactivate": "deactivated", "actions/reactivate": "active"}[below]
    return b"", 204


def _stored(found: dict[str, Any], request: Request) -> Result:
    if found["status"] != "queued":
        return glance_error(409, f"Image status transition from {found['status']}"), 409
    found |= data(request.body)
    return b"", 204


def data(content: bytes) -> Mapping[str, Any]:
    """Return what an image says of its data."""
    digest = hashlib.sha512(content).hexdigest()
    return {"status": "active", "size": len(content), "os_hash_algo": "sha512"} | {
        "os_hash_value": digest,
        "checksum": "0" * 32,
    }
