"""What is measured: the same question to each server, in its own words."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from bench.speed.wrk import Request

OURS, MINI, BARE, ALONE = "ours", "mini", "bare", "alone"
SERVERS = (OURS, MINI, BARE, ALONE)
# So many different ids are asked for: whoever keeps answers for a moment gains nothing by it.
IDS = 4000
IMAGE = b'"disk_format"'
CONNECTIONS = 32

Questions = Mapping[str, Callable[[], list[Request]]]


@dataclass(frozen=True)
class Case:
    """A question, the load, and by how many of what a right answer is known.

    Args:
        calls: How many calls a request carries.
        session: How the caller is known to ours: ``token`` or ``cookie``.
    """

    name: str
    title: str
    questions: Questions
    mark: bytes = IMAGE
    marks: int = 1
    calls: int = 1
    connections: int = CONNECTIONS
    workers: int = 1
    session: str = "token"

    @property
    def servers(self) -> list[str]:
        """Who is asked."""
        return [server for server in SERVERS if server in self.questions]


def new_ids(count: int) -> list[str]:
    """Return ids of images."""
    return [str(uuid.uuid4()) for _ in range(count)]


def _call(method: str, params: Any, number: int = 1) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def rpc(asked: Any) -> Request:
    """Return a call or a batch to ours."""
    return Request("POST", "/polaris-bff/rpc", json.dumps(asked))


def trpc(procedures: list[str], inputs: list[Any]) -> Request:
    """Return what tRPC's httpBatchLink sends: a GET, also for a single call."""
    given = quote(json.dumps({str(number): value for number, value in enumerate(inputs)}))
    return Request("GET", f"/trpc/{','.join(procedures)}?batch=1&input={given}")


def get() -> Case:
    """Ask for one image."""
    paths = [f"/v2/images/{image_id}" for image_id in new_ids(IDS)]
    return Case(
        "get",
        "getImageById",
        {
            OURS: lambda: [
                rpc(_call("compute.image.getImageById", {"imageId": i})) for i in new_ids(IDS)
            ],
            MINI: lambda: [trpc(["getImageById"], [{"imageId": i}]) for i in new_ids(IDS)],
            BARE: lambda: [Request("GET", path) for path in paths],
            ALONE: lambda: [Request("GET", path) for path in paths],
        },
    )


def images(limit: int) -> Case:
    """Ask for a list."""
    path = f"/v2/images?limit={limit}"
    return Case(
        f"list{limit}",
        f"listImages, {limit} images",
        {
            OURS: lambda: [rpc(_call("compute.image.listImages", {"limit": limit}))],
            MINI: lambda: [trpc(["listImages"], [{"limit": limit}])],
            BARE: lambda: [Request("GET", path)],
            ALONE: lambda: [Request("GET", path)],
        },
        marks=limit,
    )


def batch(size: int) -> Case:
    """Ask for many images, each by a call of its own."""
    count = max(2, IDS // size)
    name = "compute.image.getImageById"

    def ours() -> list[Request]:
        return [
            rpc([_call(name, {"imageId": i}, n) for n, i in enumerate(new_ids(size))])
            for _ in range(count)
        ]

    def mini() -> list[Request]:
        inputs = ([{"imageId": i} for i in new_ids(size)] for _ in range(count))
        return [trpc(["getImageById"] * size, given) for given in inputs]

    def alone() -> list[Request]:
        fixed = "visibility=all&member_status=all&limit=1000"
        lists = (",".join(new_ids(size)) for _ in range(count))
        return [Request("GET", f"/v2/images?id=in:{ids}&{fixed}") for ids in lists]

    return Case(
        f"batch{size}",
        f"batch of {size} getImageById",
        {OURS: ours, MINI: mini, ALONE: alone},
        marks=size,
        calls=size,
    )


def delete(size: int) -> Case:
    """Delete many images by one call."""
    name = "compute.image.deleteImages"

    def ours() -> list[Request]:
        return [rpc(_call(name, {"imageIds": new_ids(size)})) for _ in range(IDS // size)]

    title = f"deleteImages of {size}"
    return Case(f"delete{size}", title, {OURS: ours}, mark=b'"failed":[]')


def sign_in() -> Case:
    """Sign in to a project."""
    given = {"user": "alice", "password": "secret", "projectName": "demo"}
    request = rpc(_call("auth.createUserSession", given))
    return Case("signin", "createUserSession", {OURS: lambda: [request]}, mark=b'"expiresAt"')


def only(case: Case, *servers: str, **changes: Any) -> Case:
    """Return a case for some of its servers, changed otherwise too."""
    chosen = {name: case.questions[name] for name in servers}
    return replace(case, questions=chosen, **changes)


def main_cases() -> list[Case]:
    """Return the rows of the large table."""
    return [get(), images(25), images(1000), batch(20), batch(100), delete(100), sign_in()]


def quick_cases() -> list[Case]:
    """Return those that tell most in little time."""
    return [get(), images(25), images(1000), batch(20)]


def ways() -> list[Case]:
    """Return other ways to ask ours: by cookie, and with two workers."""
    return [
        only(case, OURS, name=f"{case.name}-{word}", title=f"{case.title}, {title}", **changes)
        for case in (get(), images(25))
        for word, title, changes in (
            ("cookie", "by cookie", {"session": "cookie"}),
            ("workers", "2 workers", {"workers": 2}),
        )
    ]


def by_name() -> dict[str, Case]:
    """Return every case that can be chosen alone."""
    return {case.name: case for case in [*main_cases(), *ways()]}
