"""The choice of a project, where names repeat and where there are many."""

from __future__ import annotations

import uuid

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.devcloud import Cloud


@pytest.fixture(scope="module")
def twins(cloud: Cloud) -> tuple[str, str, str]:
    """Return a user with twelve projects, the name that two of them have, and one's domain."""
    user = cloud.new_user("demo", "member")
    keystone = cloud.keystone()
    user_id = keystone.get(f"/users?name={user}")["users"][0]["id"]
    role = keystone.get("/roles?name=member")["roles"][0]["id"]
    research, name = f"Research {uuid.uuid4()}", f"twin-{uuid.uuid4()}"
    domain = keystone.post("/domains", {"domain": {"name": research}})["domain"]["id"]
    others = [(f"other-{number}-{user}", "default") for number in range(9)]
    for title, home in [*others, (name, "default"), (name, domain)]:
        made = keystone.post("/projects", {"project": {"name": title, "domain_id": home}})
        keystone.put(f"/projects/{made['project']['id']}/users/{user_id}/roles/{role}")
    return user, name, research


def test_two_projects_of_one_name_are_told_apart_by_their_domain(
    explorer: Open, twins: tuple[str, str, str]
) -> None:
    user, name, research = twins
    tab = explorer()
    page = tab.page
    page.get_by_label("User").fill(user)
    page.get_by_label("Password").fill(user)
    page.get_by_role("button", name="Sign in").click()
    expect(tab.heading("Choose a project")).to_be_visible()
    choices = page.locator(".choices li:visible")
    expect(choices).to_have_count(12)
    expect(page.get_by_role("button", name="demo", exact=True)).to_be_visible()
    words = page.get_by_label("Find by name, domain or id")
    words.fill(name.upper())
    expect(choices.get_by_role("button")).to_have_count(2)
    assert {*choices.get_by_role("button").all_inner_texts()} == {
        f"{name} (Default)",
        f"{name} ({research})",
    }
    assert tab.faults() == []
    words.fill("nothing like that")
    expect(page.get_by_text("None of your projects is like that.")).to_be_visible()
    words.fill(research)
    choices.get_by_role("button").click()
    expect(tab.heading("Images")).to_be_visible()
    chosen = page.get_by_label("Project").locator("option:checked")
    expect(chosen).to_have_text(f"{name} ({research})")
    expect(page.get_by_label("Project").locator("option", has_text="demo")).to_have_text("demo")
