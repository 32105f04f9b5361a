"""Signing in and choosing a scope: what the inputs let in, and that no password gets out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bff.errors import BffError
from bff.rpc.validation import validated
from schemas.auth import (
    ChangePasswordInput,
    CreateUserSessionInput,
    Domain,
    SetCurrentScopeInput,
    User,
    UserSession,
)
from schemas.base import Input
from schemas.keystone import DomainKey, UserKey

PASSWORD = "s3cret-päss\nword"
WHO = {"user": "alice", "password": PASSWORD}


def refusal(model: type[Input], raw: Any) -> BffError:
    with pytest.raises(BffError) as caught:
        validated(model, raw)
    return caught.value


def message(model: type[Input], raw: Any) -> str:
    """Return the message of the only fault."""
    [issue] = refusal(model, raw).data["issues"]
    return str(issue["message"])


def test_user_and_password_are_enough_to_sign_in() -> None:
    params = validated(CreateUserSessionInput, WHO)
    assert (params.user, params.domain_name) == ("alice", "Default")
    assert params.password is not None
    assert params.password.get_secret_value() == PASSWORD
    assert params.project_name is params.scope_project_id is None


@pytest.mark.parametrize(
    ("more", "chosen"),
    [({"projectName": "demo"}, ("demo", None)), ({"projectId": "d" * 32}, (None, "d" * 32))],
)
def test_a_project_is_chosen_by_its_name_or_its_id(
    more: dict[str, str], chosen: tuple[str | None, str | None]
) -> None:
    params = validated(CreateUserSessionInput, WHO | more | {"domainName": "Partners"})
    assert (params.project_name, params.scope_project_id) == chosen
    assert params.domain_name == "Partners"


BY_ID = {"userId": "u1", "password": PASSWORD}
TOKEN = {"token": "gAAAA"}
SECRET = {"applicationCredentialSecret": PASSWORD}


@pytest.mark.parametrize(
    ("raw", "user"),
    [
        (WHO, UserKey(name="alice", domain=DomainKey(name="Default"))),
        (WHO | {"userDomainId": "d1"}, UserKey(name="alice", domain=DomainKey("d1"))),
        (BY_ID, UserKey("u1", domain=DomainKey(name="Default"))),
        (BY_ID | {"userDomainId": "d1"}, UserKey("u1", domain=DomainKey("d1"))),
    ],
)
def test_a_user_is_a_name_in_a_domain_or_an_id(raw: dict[str, str], user: UserKey) -> None:
    assert validated(CreateUserSessionInput, raw).user_key == user
    change = validated(ChangePasswordInput, raw | {"newPassword": "x"})
    assert change.user_key == user


@pytest.mark.parametrize(
    ("more", "scope"),
    [
        ({}, None),
        ({"projectId": "p1"}, {"project": {"id": "p1"}}),
        ({"projectName": "demo"}, {"project": {"name": "demo", "domain": {"id": "own"}}}),
        (
            {"projectName": "demo", "projectDomainId": "d1"},
            {"project": {"name": "demo", "domain": {"id": "d1"}}},
        ),
        (
            {"projectName": "demo", "projectDomainName": "Partners"},
            {"project": {"name": "demo", "domain": {"name": "Partners"}}},
        ),
    ],
)
@pytest.mark.parametrize("raw", [WHO, BY_ID, TOKEN, WHO | {"passcode": "1"}])
def test_a_project_is_in_the_users_domain_unless_another_is_given(
    raw: dict[str, str], more: dict[str, str], scope: Any
) -> None:
    project = validated(CreateUserSessionInput, raw | more).project_key
    assert (project and project.to_keystone("own")) == scope


@pytest.mark.parametrize(
    "raw",
    [
        WHO | {"passcode": "123456", "userDomainId": "d1"},
        {"passcode": "123456"},
        TOKEN,
        SECRET | {"applicationCredentialId": "c1"},
        SECRET | {"applicationCredentialName": "ci", "user": "alice", "domainName": "x"},
        SECRET | {"applicationCredentialName": "ci", "userId": "u1"},
        # What is null is not given.
        WHO | dict.fromkeys(["userId", "passcode", "token", "applicationCredentialId"]),
        TOKEN | {"project_id": "p1"},
    ],
)
def test_each_way_to_sign_in_takes_what_goes_along_with_it(raw: dict[str, str]) -> None:
    assert validated(CreateUserSessionInput, raw)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({}, "give a password with user or userId, applicationCredentialSecret, token,"),
        ({"projectName": "demo"}, "give a password with user or userId,"),
        (WHO | {"userId": "u1"}, "give user or userId, not both"),
        (
            WHO | {"domainName": "x", "userDomainId": "d1"},
            "give domainName or userDomainId, not both",
        ),
        (WHO | {"projectDomainName": "x"}, "projectDomainName needs projectName"),
        (WHO | {"projectId": "p", "projectDomainId": "d"}, "projectDomainId needs projectName"),
        (
            WHO | {"projectName": "p", "projectDomainId": "d", "projectDomainName": "D"},
            "give projectDomainName or projectDomainId, not both",
        ),
        (
            {"user": "alice", "passcode": "1"},
            "user does not go with passcode without password",
        ),
        (
            {"passcode": "1", "projectName": "demo"},
            "projectName does not go with passcode without password",
        ),
        (WHO | TOKEN, "password does not go with token"),
        (TOKEN | {"passcode": "1"}, "passcode does not go with token"),
        (TOKEN | {"domainName": "x"}, "domainName does not go with token"),
        (TOKEN | {"applicationCredentialId": "c"}, "applicationCredentialId does not go with"),
        (SECRET, "needs applicationCredentialId or applicationCredentialName"),
        (WHO | SECRET, "password does not go with applicationCredentialSecret"),
        (
            SECRET | {"applicationCredentialId": "c", "projectId": "p"},
            "projectId does not go with applicationCredentialSecret",
        ),
        (
            SECRET | {"applicationCredentialId": "c", "applicationCredentialName": "n"},
            "give applicationCredentialName or applicationCredentialId, not both",
        ),
        (
            SECRET | {"applicationCredentialName": "n"},
            "applicationCredentialName needs user or userId",
        ),
        (
            SECRET | {"applicationCredentialId": "c", "user": "alice"},
            "applicationCredentialId needs no user",
        ),
        (WHO | {"applicationCredentialId": "c"}, "applicationCredentialId does not go with"),
    ],
)
def test_what_does_not_go_together_is_named(raw: dict[str, str], expected: str) -> None:
    assert expected in message(CreateUserSessionInput, raw)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"password": "a", "newPassword": "b"}, "password needs user or userId"),
        (BY_ID | {"user": "a", "newPassword": "b"}, "give user or userId, not both"),
        (BY_ID, "newPassword: required"),
        (BY_ID | {"newPassword": ""}, "newPassword: "),
        (BY_ID | {"newPassword": PASSWORD * 1000}, "newPassword: "),
        ({"user": "a", "newPassword": "b"}, "password: required"),
    ],
)
def test_a_change_of_password_needs_a_user_and_both(raw: dict[str, str], expected: str) -> None:
    assert expected in message(ChangePasswordInput, raw)


@pytest.mark.parametrize(
    "token", ["", "a b", "a\r\nX-Auth-Token: b", "t\u00f6ken", "a\x7f", "x" * 8193, 5, ["a"]]
)
def test_a_token_that_no_header_could_hold_is_refused(token: Any) -> None:
    assert message(CreateUserSessionInput, {"token": token}).startswith("token: ")


def test_a_project_by_name_and_id_at_once_is_refused() -> None:
    both = WHO | {"projectName": "demo", "projectId": "d" * 32}
    assert message(CreateUserSessionInput, both) == "give projectName or projectId, not both"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"password": PASSWORD}, "password needs user or userId"),
        ({"user": "alice"}, "give a password with user or userId,"),
        (WHO | {"domain_name": "x"}, "unknown parameter; did you mean domainName?"),
        (WHO | {"domain": "x"}, "unknown parameter; did you mean domainName?"),
        (WHO | {"projectID": "x"}, "unknown parameter; did you mean projectId?"),
        (WHO | {"scope_project_id": "x"}, "unknown parameter"),
    ],
)
def test_a_missing_or_unknown_parameter_is_named_as_on_the_wire(
    raw: dict[str, str], expected: str
) -> None:
    assert expected in message(CreateUserSessionInput, raw)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("user", value) for value in ("", 5, "a\0", "a\nb", "x" * 256)),
        *(("password", value) for value in (5, True, ["a"], "x" * 4097)),
        *(("domainName", value) for value in (5, None, "a\r", "x" * 256)),
        *(("projectName", value) for value in (5, "a\t", "x" * 256)),
        *(("projectId", value) for value in (5, "", "a/b", "../v3", "x" * 256)),
    ],
)
def test_a_value_of_another_type_or_length_is_refused(field: str, value: Any) -> None:
    assert message(CreateUserSessionInput, WHO | {field: value}).startswith(f"{field}: ")


@pytest.mark.parametrize(
    "raw",
    [
        {"user": "alice", "password": [PASSWORD]},
        {"user": "alice", "password": {"value": PASSWORD}},
        {"user": "alice", "password": PASSWORD * 1000},
        {"user": "alice", "passwort": PASSWORD},
        {"user": [PASSWORD], "password": PASSWORD},
        {"user": PASSWORD, "password": PASSWORD},
        {"password": PASSWORD},
        WHO | {"projectName": "demo", "projectId": "x"},
        WHO | {"unknown": PASSWORD},
        WHO | {"domainName": PASSWORD},
        {"token": PASSWORD},
        {"passcode": PASSWORD * 10},
        {"passcode": PASSWORD, "user": "alice"},
        {"applicationCredentialSecret": PASSWORD},
        {"applicationCredentialSecret": PASSWORD * 1000, "applicationCredentialId": "c"},
        {"token": PASSWORD.encode().hex(), "password": PASSWORD},
        [PASSWORD],
        PASSWORD,
    ],
)
def test_a_password_never_gets_into_an_error(raw: Any) -> None:
    error = refusal(CreateUserSessionInput, raw)
    for shown in (error, error.data, error.__context__):
        assert "s3cret" not in f"{shown!s} {shown!r}"


@pytest.mark.parametrize(
    "raw",
    [
        WHO | {"passcode": "s3cret"},
        {"token": "s3cret"},
        {"applicationCredentialSecret": "s3cret", "applicationCredentialId": "c"},
    ],
)
def test_a_secret_does_not_show_in_the_inputs_repr_or_dump(raw: Any) -> None:
    params = validated(CreateUserSessionInput, raw)
    assert "s3cret" not in f"{params!r} {params} {params.model_dump()} {params.model_dump_json()}"


@pytest.mark.parametrize(
    ("raw", "chosen"),
    [
        ({"type": "project", "projectId": "p1"}, ("p1", None)),
        ({"type": "domain", "domainId": "default"}, (None, "default")),
        ({"type": "unscoped"}, (None, None)),
    ],
)
def test_a_scope_is_a_project_a_domain_or_none(
    raw: dict[str, str], chosen: tuple[str | None, str | None]
) -> None:
    params = validated(SetCurrentScopeInput, raw)
    assert (params.project, params.domain) == chosen


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({}, "type: required"),
        ({"type": "system"}, "type: Input should be 'project', 'domain' or 'unscoped'"),
        ({"type": "Project", "projectId": "p1"}, "type: Input should be 'project', 'domain' or"),
        ({"type": "project"}, "type 'project' needs projectId"),
        ({"type": "domain"}, "type 'domain' needs domainId"),
        ({"type": "project", "domainId": "d"}, "type 'project' needs projectId"),
        (
            {"type": "project", "projectId": "p", "domainId": "d"},
            "domainId does not go with type 'project'",
        ),
        (
            {"type": "domain", "domainId": "d", "projectId": "p"},
            "projectId does not go with type 'domain'",
        ),
        ({"type": "unscoped", "projectId": "p"}, "projectId does not go with type 'unscoped'"),
        ({"type": "unscoped", "domainId": "d"}, "domainId does not go with type 'unscoped'"),
        ({"type": "project", "projectId": "a/b"}, "projectId: must be an id"),
        ({"type": "unscoped", "projectID": "p"}, "unknown parameter; did you mean projectId?"),
    ],
)
def test_a_scope_that_does_not_fit_its_type_is_refused(raw: Any, expected: str) -> None:
    assert expected in message(SetCurrentScopeInput, raw)


def test_a_session_is_in_camel_case_and_has_no_token() -> None:
    domain = Domain(id="default", name="Default")
    session = UserSession(
        user=User(id="u1", name="alice", domain=domain),
        project=None,
        domain=None,
        roles=["member"],
        expires_at=datetime(2026, 1, 31, 12, tzinfo=UTC),
    )
    assert session.model_dump(mode="json") == {
        "user": {"id": "u1", "name": "alice", "domain": {"id": "default", "name": "Default"}},
        "project": None,
        "domain": None,
        "roles": ["member"],
        "expiresAt": "2026-01-31T12:00:00Z",
    }
