"""Signing in and choosing a scope: what the inputs let in, and that no password gets out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bff.errors import BffError
from bff.rpc.validation import validated
from schemas.auth import CreateUserSessionInput, Domain, SetCurrentScopeInput, User, UserSession
from schemas.base import Input

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


def test_a_project_by_name_and_id_at_once_is_refused() -> None:
    both = WHO | {"projectName": "demo", "projectId": "d" * 32}
    assert message(CreateUserSessionInput, both) == "give projectName or projectId, not both"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"password": PASSWORD}, "user: required"),
        ({"user": "alice"}, "password: required"),
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
        *(("user", value) for value in ("", 5, None, "a\0", "a\nb", "x" * 256)),
        *(("password", value) for value in (5, None, True, ["a"], "x" * 4097)),
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
        [PASSWORD],
        PASSWORD,
    ],
)
def test_a_password_never_gets_into_an_error(raw: Any) -> None:
    error = refusal(CreateUserSessionInput, raw)
    for shown in (error, error.data, error.__context__):
        assert "s3cret" not in f"{shown!s} {shown!r}"


def test_a_password_does_not_show_in_the_inputs_repr_or_dump() -> None:
    params = validated(CreateUserSessionInput, WHO)
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
