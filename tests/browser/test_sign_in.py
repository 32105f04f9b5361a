"""The sign-in form in a real browser: second factors, new passwords, and the other ways."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from devcloud.api import sign_in
from tests.browser.conftest import Explorer, Open
from tests.process import line_of, running
from tests.strict_cloud import (
    PASSWORD,
    RULE,
    StrictCloud,
    application_credential,
    passcode,
)


@pytest.fixture(scope="module")
def address(strict: StrictCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a BFF before the strict cloud."""
    variables = {
        "BFF_AUTH_URL": strict.auth_url,
        "BFF_LOG_LEVEL": "error",
        "BFF_SIGN_INS_PER_ADDRESS": "0",
        "BFF_AUDIT_FILE": str(tmp_path_factory.mktemp("bff") / "audit.log"),
    }
    with running("bff", "serve", "--port", "0", **variables) as process:
        yield line_of(process, containing="ready ").removeprefix("ready ")


def give(tab: Explorer, button: str = "Sign in", **fields: str) -> None:
    """Fill in fields by their labels, and submit by the keyboard."""
    for label, text in fields.items():
        tab.page.get_by_label(label.replace("_", " "), exact=True).fill(text)
    expect(tab.page.get_by_role("button", name=button, exact=True)).to_be_enabled()
    tab.page.keyboard.press("Enter")


def is_in(tab: Explorer, name: str) -> None:
    """Wait until somebody is signed in, and works in demo."""
    expect(tab.heading("Images")).to_be_visible()
    expect(tab.page.locator(".who")).to_have_text(name)
    expect(tab.page.get_by_label("Project").locator("option:checked")).to_have_text("demo")


def is_sound(tab: Explorer) -> None:
    """Prove that what is seen has no fault for a screen reader, and fits the window."""
    assert tab.faults() == []
    assert tab.overflow() == 0


@pytest.mark.parametrize("phone", [False, True])
def test_a_passcode_is_asked_for_after_the_password(
    explorer: Open, strict: StrictCloud, phone: bool
) -> None:
    name, user_id = strict.user("demo")
    secret = strict.second_factor(user_id)
    tab = explorer(phone=phone)
    give(tab, User=name, Password=PASSWORD)
    expect(tab.heading("Second factor")).to_be_visible()
    field = tab.page.get_by_label("Passcode")
    expect(field).to_be_focused()
    is_sound(tab)
    assert {cookie["name"] for cookie in tab.page.context.cookies()} == {
        "__Host-polaris-bff-receipt"
    }
    give(tab, Passcode="no code")
    expect(tab.page.get_by_role("alert").filter(has_text="Wrong passcode")).to_be_visible()
    expect(field).to_be_focused()
    code = passcode(secret)
    give(tab, Passcode=f"{code[:3]} {code[3:]}")
    is_in(tab, name)
    assert {cookie["name"] for cookie in tab.page.context.cookies()} == {"__Host-polaris-bff"}


def test_a_passcode_that_comes_too_late_begins_again(explorer: Open, strict: StrictCloud) -> None:
    name, user_id = strict.user("demo")
    strict.second_factor(user_id)
    tab = explorer()
    give(tab, User=name, Password=PASSWORD)
    expect(tab.page.get_by_label("Passcode")).to_be_focused()
    # As after five minutes.
    tab.page.context.clear_cookies()
    give(tab, Passcode="123456")
    expect(tab.page.get_by_role("alert").filter(has_text="begin again")).to_be_visible()
    expect(tab.page.get_by_label("User")).to_be_focused()
    expect(tab.page.get_by_label("Password")).to_have_value("")


@pytest.mark.parametrize("phone", [False, True])
def test_a_password_that_must_be_changed_is_changed_and_signs_in(
    explorer: Open, strict: StrictCloud, phone: bool
) -> None:
    name, _ = strict.user("demo", is_new=True)
    tab = explorer(phone=phone)
    give(tab, User=name, Password=PASSWORD)
    expect(tab.heading("New password")).to_be_visible()
    expect(tab.page.get_by_label("New password")).to_be_focused()
    is_sound(tab)
    change = "Change and sign in"
    give(tab, change, New_password="one-of-them", The_same_again="another")
    expect(tab.page.get_by_role("alert").filter(has_text="differ")).to_be_visible()
    give(tab, change, New_password="four", The_same_again="four")
    expect(tab.page.get_by_role("alert").filter(has_text=RULE)).to_be_visible()
    give(tab, change, New_password="a-new-one", The_same_again="a-new-one")
    is_in(tab, name)
    tab.page.reload()
    is_in(tab, name)


def test_a_new_password_and_a_passcode_after_it(explorer: Open, strict: StrictCloud) -> None:
    name, user_id = strict.user("demo", is_new=True)
    secret = strict.second_factor(user_id)
    tab = explorer()
    give(tab, User=name, Password=PASSWORD)
    give(tab, "Change and sign in", New_password="a-new-one", The_same_again="a-new-one")
    expect(tab.page.get_by_label("Passcode")).to_be_focused()
    give(tab, Passcode=passcode(secret))
    is_in(tab, name)


def test_ids_stand_behind_more(explorer: Open, strict: StrictCloud) -> None:
    name, user_id = strict.user("demo")
    tab = explorer()
    expect(tab.page.get_by_label("Account id")).to_be_hidden()
    tab.page.get_by_text("More", exact=True).click()
    is_sound(tab)
    give(tab, User=name, Password="wrong", Domain_id="default")
    expect(tab.page.get_by_role("alert").filter(has_text="Wrong user")).to_be_visible()
    # Without a name.
    give(tab, User="", Password=PASSWORD, Account_id=user_id)
    is_in(tab, name)


@pytest.mark.parametrize("phone", [False, True])
def test_an_application_credential_signs_in_and_out(
    explorer: Open, strict: StrictCloud, phone: bool
) -> None:
    rules = [{"service": "image", "method": "GET", "path": "/v2/images"}]
    made = application_credential(strict, "alice", "demo", access_rules=rules)
    tab = explorer(phone=phone)
    tab.page.get_by_role("button", name="Application credential").click()
    expect(tab.page.get_by_label("Id")).to_be_focused()
    is_sound(tab)
    give(tab, Id=made["id"], Secret="wrong")
    expect(tab.page.get_by_role("alert").filter(has_text="Wrong application")).to_be_visible()
    give(tab, Id=made["id"], Secret="a-secret")
    is_in(tab, "alice")
    tab.sign_out()
    assert tab.page.context.cookies() == []


def test_a_token_signs_in(explorer: Open, strict: StrictCloud) -> None:
    tab = explorer()
    tab.page.get_by_role("button", name="Token").click()
    is_sound(tab)
    give(tab, Token="nonsense")
    expect(tab.page.get_by_role("alert").filter(has_text="token")).to_be_visible()
    token = sign_in(strict.auth_url, "alice", strict.password("alice"), "demo")
    give(tab, Token=f" {token} ")
    is_in(tab, "alice")
    tab.sign_out()
    tab.page.get_by_role("button", name="Application credential").click()
    tab.page.get_by_role("button", name="Password").click()
    expect(tab.page.get_by_label("User")).to_be_focused()
