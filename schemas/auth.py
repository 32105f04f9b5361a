"""Who is calling: inputs and results of the ``auth.*`` procedures.

Source: Keystone API v3, "Authentication and token management".
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, WithJsonSchema, model_validator

from schemas.base import Input, KeystoneId, Output, Text

EXAMPLE_PROJECT = "9f1c1f3a7d0e4c57a1b7c2d4e5f60718"
EXAMPLE_PASSWORD = "correct horse"  # noqa: S105  # of nobody
EXAMPLE_USER = "4b7d1f0c9a8e4f6db2c35e7a90d1f682"
# Without pydantic's format "password", which JSON Schema does not have: validators stop at it.
Password = Annotated[SecretStr, WithJsonSchema({"type": "string", "writeOnly": True})]


class CreateUserSessionInput(Input):
    """User name and password, and where to work; without a project the session has none yet."""

    user: Text = Field(min_length=1, description="The user's name.", examples=["alice"])
    password: Password = Field(
        max_length=4096, description="The user's password.", examples=[EXAMPLE_PASSWORD]
    )
    domain_name: Text = Field(
        "Default",
        alias="domainName",
        description="The domain of the user and of `projectName`.",
        examples=["Default"],
    )
    project_name: Text | None = Field(
        None,
        alias="projectName",
        description="A project's name, in the same domain.",
        examples=["demo"],
    )
    scope_project_id: KeystoneId | None = Field(
        None, alias="projectId", description="A project's id, instead of its name."
    )

    @model_validator(mode="after")
    def _one_project(self) -> Self:
        if self.project_name is not None and self.scope_project_id is not None:
            raise ValueError("give projectName or projectId, not both")
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
