"""Who is calling: inputs and results of the ``auth.*`` procedures.

Source: Keystone API v3, "Authentication and token management".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, WithJsonSchema, model_validator

from schemas.base import Input, KeystoneId, Output, Text
from schemas.keystone import DomainKey, ProjectKey, UserKey

EXAMPLE_PROJECT = "9f1c1f3a7d0e4c57a1b7c2d4e5f60718"
EXAMPLE_PASSWORD = "correct horse"  # noqa: S105  # of nobody
EXAMPLE_NEW_PASSWORD = "battery staple"  # noqa: S105  # likewise
EXAMPLE_USER = "4b7d1f0c9a8e4f6db2c35e7a90d1f682"
MAX_SECRET = 4096
MAX_TOKEN = 8192


def _header_value(secret: SecretStr) -> SecretStr:
    """Refuse what cannot be sent in a header; the message does not repeat it."""
    value = secret.get_secret_value()
    if not (value.isascii() and value.isprintable() and " " not in value):
        raise ValueError("must be a Keystone token: printable ASCII without spaces")
    return secret


# Without pydantic's format "password", which JSON Schema does not have: validators stop at it.
Secret = Annotated[SecretStr, WithJsonSchema({"type": "string", "writeOnly": True})]


class SignInUser(Input):
    """Which user: by an id, or by a name in a domain."""

    user: Text | None = Field(
        None, min_length=1, description="The user's name.", examples=["alice"]
    )
    user_id: KeystoneId | None = Field(
        None, alias="userId", description="The user's id, instead of the name."
    )
    domain_name: Text = Field(
        "Default",
        alias="domainName",
        description="The name of the user's domain.",
        examples=["Default"],
    )
    user_domain_id: KeystoneId | None = Field(
        None, alias="userDomainId", description="The id of the user's domain, instead of its name."
    )

    @property
    def given(self) -> frozenset[str]:
        """The parameters that were given, as on the wire."""
        fields = type(self).model_fields
        set_to = {name: getattr(self, name) for name in self.model_fields_set}
        return frozenset(
            fields[name].alias or name for name, value in set_to.items() if value is not None
        )

    @property
    def user_key(self) -> UserKey:
        """The user as Keystone is asked for one."""
        domain_name = self.domain_name if self.user_domain_id is None else None
        return UserKey(self.user_id, self.user, DomainKey(self.user_domain_id, domain_name))


_USER = frozenset({"user", "userId", "domainName", "userDomainId"})
_PROJECT = frozenset({"projectName", "projectId", "projectDomainName", "projectDomainId"})
_CREDENTIAL = frozenset({"applicationCredentialId", "applicationCredentialName"})
# What tells one way to sign in from the others, and what goes along with it.
_WAYS: Mapping[str, frozenset[str]] = {
    "token": _PROJECT,
    "applicationCredentialSecret": _USER | _CREDENTIAL,
    "password": _USER | _PROJECT | frozenset({"passcode"}),
    "passcode": frozenset(),
}
# Two names for one thing.
_EITHER: tuple[tuple[str, str], ...] = (
    ("user", "userId"),
    ("domainName", "userDomainId"),
    ("projectName", "projectId"),
    ("projectDomainName", "projectDomainId"),
    ("applicationCredentialName", "applicationCredentialId"),
)
# What means something only beside one of others.
_BESIDE: Mapping[str, tuple[str, ...]] = {
    "password": ("user", "userId"),
    # Beside an id it says nothing more, and Keystone does not look at it.
    "domainName": ("user", "userId"),
    "userDomainId": ("user", "userId"),
    "projectDomainName": ("projectName",),
    "projectDomainId": ("projectName",),
    "applicationCredentialSecret": ("applicationCredentialId", "applicationCredentialName"),
    "applicationCredentialName": ("user", "userId"),
}


def _check_pairs(given: frozenset[str]) -> None:
    for one, other in _EITHER:
        if {one, other} <= given:
            raise ValueError(f"give {one} or {other}, not both")
    for name, others in _BESIDE.items():
        if name in given and not given & {*others}:
            raise ValueError(f"{name} needs {' or '.join(others)}")


class CreateUserSessionInput(SignInUser):
    """How to sign in, and where to work; without a project the session has none yet.

    There are four ways: `password` with a user, and with a `passcode` too where the user's rules
    ask for one; `passcode` alone, after an answer that asked for it; an application credential; a
    token.
    """

    password: Secret | None = Field(
        None,
        max_length=MAX_SECRET,
        description="The user's password.",
        examples=[EXAMPLE_PASSWORD],
    )
    passcode: Secret | None = Field(
        None,
        min_length=1,
        max_length=64,
        description="The second factor (TOTP): beside user and password; or alone, in the browser"
        " that was just answered `SECOND_FACTOR_REQUIRED`.",
    )
    application_credential_id: KeystoneId | None = Field(
        None,
        alias="applicationCredentialId",
        description="An application credential's id. It brings its project along.",
    )
    application_credential_name: Text | None = Field(
        None,
        min_length=1,
        alias="applicationCredentialName",
        description="An application credential's name, instead of its id; with its user.",
    )
    application_credential_secret: Secret | None = Field(
        None,
        max_length=MAX_SECRET,
        alias="applicationCredentialSecret",
        description="The application credential's secret.",
    )
    token: Annotated[Secret, AfterValidator(_header_value)] | None = Field(
        None,
        min_length=1,
        max_length=MAX_TOKEN,
        description="A Keystone token, as a single sign-on brings it. The session is this token's:"
        " signing out revokes it.",
    )
    project_name: Text | None = Field(
        None, alias="projectName", description="A project's name.", examples=["demo"]
    )
    scope_project_id: KeystoneId | None = Field(
        None, alias="projectId", description="A project's id, instead of its name."
    )
    project_domain_name: Text | None = Field(
        None,
        alias="projectDomainName",
        description="The name of the domain of `projectName`; without it, the user's domain.",
    )
    project_domain_id: KeystoneId | None = Field(
        None,
        alias="projectDomainId",
        description="The id of the domain of `projectName`, instead of its name.",
    )

    @property
    def project_key(self) -> ProjectKey | None:
        """The project as Keystone is asked for one; ``None`` where none is named."""
        if self.scope_project_id is None and self.project_name is None:
            return None
        domain = DomainKey(self.project_domain_id, self.project_domain_name)
        return ProjectKey(self.scope_project_id, self.project_name, domain)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = self.given - {"project_id"}
        way = next((way for way in _WAYS if way in given), None)
        if way is None:
            raise ValueError(
                "give a password with user or userId, applicationCredentialSecret, token, or the"
                " passcode that was asked for"
            )
        surplus = sorted(given - _WAYS[way] - {way})
        if surplus:
            alone = " without password" if way == "passcode" else ""
            raise ValueError(f"{surplus[0]} does not go with {way}{alone}")
        _check_pairs(given)
        if "applicationCredentialId" in given and given & _USER:
            raise ValueError("applicationCredentialId needs no user")
        return self


class ChangePasswordInput(SignInUser):
    """Whose password, the one that is known, and the one to be."""

    password: Secret = Field(
        max_length=MAX_SECRET,
        description="The password so far; it may have expired.",
        examples=[EXAMPLE_PASSWORD],
    )
    new_password: Secret = Field(
        min_length=1,
        max_length=MAX_SECRET,
        alias="newPassword",
        description="The password to be.",
        examples=[EXAMPLE_NEW_PASSWORD],
    )

    @model_validator(mode="after")
    def _one_user(self) -> Self:
        _check_pairs(self.given)
        return self


class ListProjectsInput(Input):
    """Which of the user's projects; all of them, when nothing is said."""

    name: Text | None = Field(None, description="The exact name; each domain may have one.")
    search: Annotated[Text, Field(min_length=1)] | None = Field(
        None, description="A part of the name or the id, in letters of any case."
    )
    domain: KeystoneId | None = Field(
        None, alias="domainId", description="The id of the domain that they belong to."
    )


class SetCurrentScopeInput(Input):
    """Where the session works from now on."""

    type: Literal["project", "domain", "unscoped"] = Field(
        description="The kind of scope.", examples=["project"]
    )
    project: KeystoneId | None = Field(
        None,
        alias="projectId",
        description="For `project`: its id.",
        examples=[EXAMPLE_PROJECT],
    )
    domain: KeystoneId | None = Field(None, alias="domainId", description="For `domain`: its id.")

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        given = {"project": self.project, "domain": self.domain}
        for kind, value in given.items():
            if kind == self.type and value is None:
                raise ValueError(f"type {self.type!r} needs {kind}Id")
            if kind != self.type and value is not None:
                raise ValueError(f"{kind}Id does not go with type {self.type!r}")
        return self


class Domain(Output):
    """A Keystone domain."""

    id: str = Field(description="The domain's id.", examples=["default"])
    name: str | None = Field(None, description="The domain's name.", examples=["Default"])


class User(Output):
    """Who is signed in."""

    id: str = Field(description="The user's id.", examples=[EXAMPLE_USER])
    name: str = Field(description="The user's name.", examples=["alice"])
    domain: Domain = Field(description="The domain that the user belongs to.")


class ScopedProject(Output):
    """The project in which the session works."""

    id: str = Field(description="The project's id.", examples=[EXAMPLE_PROJECT])
    name: str = Field(description="The project's name.", examples=["demo"])
    domain: Domain = Field(description="The domain that the project belongs to.")


class UserSession(Output):
    """A session as its owner may see it: everything but the token."""

    user: User = Field(description="Whose session it is.")
    project: ScopedProject | None = Field(description="`null` while no project is chosen.")
    domain: Domain | None = Field(description="Set when the scope is a domain.", examples=[None])
    roles: list[str] = Field(
        description="The names of the user's roles in this scope.", examples=[["member"]]
    )
    expires_at: datetime = Field(
        alias="expiresAt",
        description="When to sign in again (UTC).",
        examples=["2026-01-31T13:00:00Z"],
    )


class Project(Output):
    """A project in which the user may work."""

    id: str = Field(description="The project's id.", examples=[EXAMPLE_PROJECT])
    name: str = Field(description="The project's name.", examples=["demo"])
    description: str | None = Field(
        None, description="What it is for.", examples=["For trying things out"]
    )
    enabled: bool = Field(True, description="Whether it can be worked in.", examples=[True])
    domain_id: str | None = Field(
        None, alias="domainId", description="The id of its domain.", examples=["default"]
    )
    domain_name: str | None = Field(
        None,
        alias="domainName",
        description="The name of its domain; `null` where Keystone does not tell it.",
        examples=["Default"],
    )
