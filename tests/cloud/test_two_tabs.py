"""Two tabs of one browser before the real services: each call is for what its tab shows."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import Any

from tests.bff.conftest import Bff
from tests.cloud.conftest import Cloud

CREATE = "compute.image.createImage"
SESSION = "auth.getCurrentUserSession"


class Browser:
    """The cookies that all tabs share."""

    def __init__(self, bff: Bff) -> None:
        self.bff = bff
        self.cookies: dict[str, str] = {}

    def headers(self) -> dict[str, str]:
        pairs = [f"{name}={value}" for name, value in self.cookies.items()]
        return {"Origin": self.bff.origin} | ({"Cookie": "; ".join(pairs)} if pairs else {})

    async def send(self, url: str, headers: dict[str, str], **body: Any) -> Any:
        response = await self.bff.request("POST", url, headers=self.headers() | headers, **body)
        for line in response.headers.getall("Set-Cookie", []):
            ((name, morsel),) = SimpleCookie(line).items()
            self.cookies.pop(name, None)
            if morsel.value:
                self.cookies[name] = morsel.value
        return await response.json()


class Tab:
    """A page, which shows the session that it last heard of."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.shows: dict[str, str] = {}

    async def call(self, method: str, **params: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return await self.browser.send(self.browser.bff.url, self.shows, json=body)

    async def begin(self) -> Any:
        """Ask whose session it is, and show that."""
        self.shows = {}
        session = (await self.call(SESSION))["result"]
        self.shows = {
            "X-Session-User": session["user"]["id"],
            "X-Session-Scope": f"project:{session['project']['id']}",
        }
        return session

    async def sign_in(self, user: str, project: str) -> None:
        params = {"user": user, "password": user, "projectName": project}
        assert "result" in await self.call("auth.createUserSession", **params)
        await self.begin()

    async def upload(self, image_id: str) -> Any:
        url = f"{self.browser.bff.origin}/polaris-bff/upload-image?imageId={image_id}"
        headers = self.shows | {"Content-Type": "application/octet-stream"}
        return await self.browser.send(url, headers, data=b"data")


def code(answer: Any) -> Any:
    return answer["error"]["data"]["code"]


async def created(tab: Tab, name: str) -> Any:
    formats = {"disk_format": "raw", "container_format": "bare"}
    answer = await tab.call(CREATE, name=name, **formats)
    return answer["result"]


async def test_a_tab_makes_no_image_in_the_project_that_another_tab_chose(
    cloud: Cloud, bff: Bff
) -> None:
    browser = Browser(bff)
    first, second = Tab(browser), Tab(browser)
    await first.sign_in("alice", "demo")
    await second.begin()
    image = await created(first, "of the first tab")
    move = {"type": "project", "projectId": cloud.projects["partner"]}
    assert "result" in await second.call("auth.setCurrentScope", **move)
    assert code(await first.call(CREATE, name="astray")) == "SESSION_CHANGED"
    assert code(await first.upload(image["id"])) == "SESSION_CHANGED"
    for project in ("demo", "partner"):
        found = cloud.glance("alice", project).get("/v2/images?name=astray")
        assert found["images"] == []
    assert (await first.begin())["project"]["name"] == "partner"
    assert (await created(first, "of partner"))["owner"] == cloud.projects["partner"]


async def test_a_tab_of_alice_does_nothing_as_bob_and_does_not_sign_him_out(
    cloud: Cloud, bff: Bff
) -> None:
    browser = Browser(bff)
    alices, bobs = Tab(browser), Tab(browser)
    await alices.sign_in("alice", "partner")
    await bobs.begin()
    assert (await bobs.call("auth.terminateUserSession"))["result"] is True
    # Nobody is signed in: that is no changed session.
    assert code(await alices.call("compute.image.listImages")) == "UNAUTHORIZED"
    assert (await alices.call(SESSION))["result"] is None
    bobs.shows = {}
    await bobs.sign_in("bob", "partner")
    image = await created(bobs, "of bob")
    for method in (CREATE, SESSION, "auth.listProjects", "auth.terminateUserSession"):
        answer = await alices.call(method)
        assert code(answer) == "SESSION_CHANGED"
        assert bobs.shows["X-Session-User"] not in answer["error"]["message"]
    assert code(await alices.upload(image["id"])) == "SESSION_CHANGED"
    assert (await bobs.upload(image["id"]))["success"] is True
    assert (await bobs.call("auth.terminateUserSession"))["result"] is True
