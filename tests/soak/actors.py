"""Who calls: each checks whatever it is answered, and counts it."""

from __future__ import annotations

import asyncio
import base64
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import aiohttp

from tests import canary
from tests.bff.upload.conftest import FORM, OCTETS, file_first, id_first
from tests.faults.services import PASSWORD, USERS, token_of
from tests.faults.shelf import Shelf, data

# What may be answered while services fail; each says what was wrong, and with whom.
HONEST = {"BAD_GATEWAY", "SERVICE_UNAVAILABLE", "GATEWAY_TIMEOUT", "TOO_MANY_REQUESTS", "TIMEOUT"}
IMAGE = "compute.image"


@dataclass
class Figures:
    """What was done, and what was wrong of it."""

    calls: int = 0
    batches: int = 0
    sign_ins: int = 0
    watchers: int = 0
    cut: int = 0
    uploads: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def check(self, is_right: object, what: str) -> None:
        """Note what is wrong."""
        if not is_right:
            self.wrong.append(what[:500])


@dataclass
class Actor:
    """One client, as one user."""

    origin: str
    client: aiohttp.ClientSession
    shelf: Shelf
    figures: Figures
    user: str
    chance: random.Random

    @property
    def token(self) -> dict[str, str]:
        """The header of a script."""
        return {"X-Auth-Token": token_of(self.user)}

    async def post(self, body: Any, headers: dict[str, str]) -> tuple[Any, str]:
        """Send JSON; returns the answer's JSON, and its cookie."""
        begun = monotonic()
        url = f"{self.origin}/polaris-bff/rpc"
        async with self.client.post(url, json=body, headers=headers) as response:
            content = await response.read()
            canary.check_answer(response.headers, content)
            self.figures.seconds.append(monotonic() - begun)
            cookie = response.headers.get("Set-Cookie", "").partition(";")[0]
            return await response.json(), cookie

    async def call(self, method: str, *more: str, **params: Any) -> Any:
        """Make a call; returns its result, or ``None`` where an honest error was told."""
        body = {"jsonrpc": "2.0", "id": 1, "method": f"{IMAGE}.{method}", "params": params}
        answered, _ = await self.post(body, self.token)
        return self.result(answered, *more)

    def result(self, answered: Any, *more: str) -> Any:
        """Return the result of an answer, or ``None`` where it is an error that may be."""
        self.figures.calls += 1
        if "result" in answered:
            return answered["result"]
        code = answered["error"]["data"]["code"]
        self.figures.errors[code] += 1
        self.figures.check(code in HONEST or code in more, f"{code}: {answered}")
        return None

    def check_own(self, images: list[Any]) -> None:
        """Nobody is shown what is another's."""
        owners = {image["owner"] for image in images}
        self.figures.check(owners <= {USERS[self.user]}, f"{self.user} was shown {owners}")


async def reads(actor: Actor) -> None:
    """List images, and ask for one's own and for another's."""
    listed = await actor.call("listImages", limit=actor.chance.randint(1, 50))
    actor.check_own(listed or [])
    for image in (listed or [])[:2]:
        shown = await actor.call("getImageById", "NOT_FOUND", imageId=image["id"])
        actor.check_own([shown] if shown else [])
    foreign = [
        one["id"] for one in actor.shelf.images.values() if one["owner"] != USERS[actor.user]
    ]
    if foreign:
        shown = await actor.call("getImageById", "NOT_FOUND", imageId=foreign[0])
        actor.figures.check(shown is None, "another's image was shown")


async def batches(actor: Actor) -> None:
    """Send a batch: each call has an answer of its own, in the order asked."""
    calls = [
        {"jsonrpc": "2.0", "id": number, "method": f"{IMAGE}.{method}", "params": {"limit": 5}}
        for number in range(20)
        for method in [actor.chance.choice(["listImages", "listImagesWithPagination"])]
    ]
    answers, _ = await actor.post(calls, actor.token)
    actor.figures.batches += 1
    actor.figures.check([one["id"] for one in answers] == list(range(20)), "a batch's order")
    for answered in answers:
        # One answer that swells takes what the calls of a batch may read together.
        result = actor.result(answered, "PAYLOAD_TOO_LARGE")
        actor.check_own(
            (result if isinstance(result, list) else (result or {}).get("images")) or []
        )


async def signs_in(actor: Actor) -> None:
    """Sign in with a password, look around, sign out; at times with a wrong password."""
    wrong = actor.chance.random() < 0.2
    password = base64.b64encode(actor.chance.randbytes(9)).decode() if wrong else PASSWORD
    params = {"user": actor.user, "password": password}
    body = {"jsonrpc": "2.0", "id": 1, "method": "auth.createUserSession", "params": params}
    answered, cookie = await actor.post(body, {})
    signed = actor.result(answered, "UNAUTHORIZED" if wrong else "")
    actor.figures.sign_ins += 1
    actor.figures.check(signed is None or not wrong, "signed in with a wrong password")
    actor.figures.check((signed is None) == (not cookie), "a cookie without a session, or none")
    for method in ("getCurrentUserSession", "listProjects", "terminateUserSession"):
        if signed is not None:
            body = {"jsonrpc": "2.0", "id": 1, "method": f"auth.{method}"}
            shown, _ = await actor.post(body, {"Cookie": cookie, "Origin": actor.origin})
            result = actor.result(shown)
            if method == "getCurrentUserSession" and result:
                actor.figures.check(result["user"]["name"] == actor.user, "another's session")


async def uploads(actor: Actor) -> None:
    """Make an image and fill it; done means whole, and anything else means not `active`."""
    params = {"name": "x", "disk_format": "raw", "container_format": "bare"}
    made = await actor.call("createImage", **params)
    if made is None:
        return
    image_id = made["id"]
    content = actor.chance.randbytes(actor.chance.randint(1, 300_000))
    told = await _send(actor, image_id, content)
    actor.figures.uploads[told] += 1
    stored = actor.shelf.images[image_id]
    is_whole = stored["os_hash_value"] == data(content)["os_hash_value"]
    actor.figures.check(told in HONEST | {"done", "cut"}, f"an upload: {told}")
    actor.figures.check(is_whole or told != "done", f"done, but {stored['status']}")
    actor.figures.check(is_whole or stored["status"] == "queued", f"stored a part, told {told}")
    await actor.call("deleteImage", imageId=image_id)
    # Where that failed: the list would grow all the time.
    actor.shelf.images.pop(image_id, None)


async def _send(actor: Actor, image_id: str, content: bytes) -> str:
    url = f"{actor.origin}/polaris-bff/upload-image"
    way = actor.chance.choice(["file", "id first", "file first"])
    bodies = {"file": content, "id first": id_first(image_id, content)}
    body = bodies.get(way) or file_first(image_id, content)
    media = OCTETS if way == "file" else FORM
    cut = actor.chance.random() < 0.15
    place = actor.chance.randrange(len(body)) if cut else len(body)

    async def pieces() -> Any:
        for begin in range(0, place, 65_536):
            yield body[begin : min(begin + 65_536, place)]
        if cut:
            raise ConnectionResetError

    headers = {**actor.token, "Content-Type": media, "Content-Length": str(len(body))}
    query = {"imageId": image_id} if way == "file" else {}
    try:
        async with actor.client.post(url, data=pieces(), headers=headers, params=query) as response:
            canary.check_answer(response.headers, await response.read())
            answered = await response.json()
            return "done" if "success" in answered else str(answered["error"]["data"]["code"])
    except aiohttp.ClientError:
        # Whoever still sends when it is refused may be cut off before it has read why.
        return "cut"


async def watches(actor: Actor) -> None:
    """Watch an upload's progress for a moment, and go away."""
    own = [one["id"] for one in actor.shelf.images.values() if one["owner"] == USERS[actor.user]]
    if not own:
        await asyncio.sleep(0.05)
        return
    url = f"{actor.origin}/polaris-bff/upload-progress/{own[0]}"
    async with actor.client.get(url, headers=actor.token) as response:
        actor.figures.watchers += 1
        with_room = response.status in (200, 404, 429, 502, 503, 504)
        actor.figures.check(with_room, f"a watcher: {response.status}")
        try:
            async with asyncio.timeout(actor.chance.random() / 2):
                canary.check_answer(response.headers, await response.content.read())
        except TimeoutError:
            pass


KINDS: tuple[Callable[[Actor], Awaitable[None]], ...] = (
    *(reads, reads, batches, signs_in, uploads, uploads, uploads, watches),
)


async def acts(actor: Actor, kind: Callable[[Actor], Awaitable[None]], until: float) -> None:
    """Do it again and again."""
    while monotonic() < until:
        try:
            await kind(actor)
        except aiohttp.ClientError as failure:
            actor.figures.wrong.append(f"{kind.__name__}: {failure!r}")
