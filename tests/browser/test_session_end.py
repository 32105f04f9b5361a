"""The end of a session, in front of a Keystone whose tokens live for seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.devcloud import Cloud, copy_of, running_cloud

# Longer than it takes to sign in and to fill in a form, also on a machine that is busy.
LIFETIME = 25
MILLISECONDS = 2 * LIFETIME * 1000


@pytest.fixture(scope="module")
def cloud(seeded_cloud: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Return a cloud of its own."""
    folder = copy_of(seeded_cloud, tmp_path_factory.mktemp("short"))
    with running_cloud(folder, keystone=[f"token.expiration={LIFETIME}"]) as cloud:
        yield cloud


def test_who_is_asked_for_the_password_again_loses_nothing(explorer: Open) -> None:
    tab = explorer()
    tab.sign_in("alice", "alice", "demo")
    page = tab.page
    page.get_by_role("link", name="New image").click()
    page.get_by_label("Name", exact=True).fill("half written")
    bar = page.locator(".ending")
    expect(bar).to_contain_text("Your session ends in a few minutes.")
    again = bar.get_by_role("button", name="Sign in again")
    dialog = page.get_by_role("dialog")
    again.click()
    expect(dialog.get_by_label("As", exact=True)).to_have_value("alice")
    assert tab.faults() == []
    dialog.get_by_label("Password").fill("a guess")
    dialog.get_by_role("button", name="Sign in", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("Wrong user, password or domain")
    dialog.get_by_label("Password").fill("alice")
    dialog.get_by_role("button", name="Sign in", exact=True).click()
    tab.says("You are signed in again.")
    expect(bar).to_be_empty()
    # The new session ends in its time, too.
    expect(bar).to_contain_text("Your session has ended.", timeout=MILLISECONDS)
    again.click()
    dialog.get_by_label("Password").fill("alice")
    dialog.get_by_role("button", name="Sign in", exact=True).click()
    tab.says("You are signed in again.")
    expect(page.get_by_label("Name", exact=True)).to_have_value("half written")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("heading", name="half written")).to_be_visible()


def test_a_call_after_the_end_leaves_the_page_and_another_way_to_sign_in(explorer: Open) -> None:
    tab = explorer()
    tab.sign_in("bob", "bob", "partner")
    bar = tab.page.locator(".ending")
    expect(bar).to_contain_text("Your session has ended.", timeout=MILLISECONDS)
    with tab.page.expect_response("**/rpc"):
        tab.page.evaluate("dispatchEvent(new Event('focus'))")
    expect(tab.heading("Images")).to_be_visible()
    bar.get_by_role("button", name="Sign in again").click()
    tab.page.get_by_role("dialog").get_by_role("button", name="In another way").click()
    expect(tab.heading("Sign in")).to_be_visible()
    expect(bar).to_be_empty()


def test_a_session_that_is_ended_elsewhere_before_its_time_shows_nothing_more(
    explorer: Open,
) -> None:
    tab = explorer()
    tab.sign_in("bob", "bob", "partner")
    expect(tab.page.locator(".ending")).to_contain_text("ends in a few minutes")
    tab.page.context.clear_cookies()
    tab.page.evaluate("dispatchEvent(new Event('focus'))")
    expect(tab.heading("Sign in")).to_be_visible()
