"""Who is calling: inputs and results of the ``auth.*`` procedures.

Source: Keystone API v3, "Authentication and token management".
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from schemas.base import Input, KeystoneId, Output, Text


class CreateUserSessionInput(Input):
    """User name and password, and where to work; without a project the session has none yet."""

    user: Text = Field(min_length=1, description="The user's name.")
    password: SecretStr = Field(max_length=4096, description="The user's password.")
    domain_name: Text = Field(
        "Default", alias="domainName", description="The domain of the user and of `projectName`."
    )
    project_name: Text | None = Field(
        None, alias="projectName", description="A project's name, in the same domain."
    )
    project_id_wanted: KeystoneId | None = Field(
        None, alias="projectId", description="A project's id, instead of its name."
    )

    @model_validator(mode="after")
    def _one_project(self) -> Self:
        if self.project_name is not None and self.project_id_wanted is not None:
            raise ValueError("give projectName or projectId, not both")
        return self


class SetCurrentScopeInput(Input):
    """Where the session works from now on."""

    type: Literal["project", "domain", "unscoped"] = Field(description="The kind of scope.")
    project: KeystoneId | None = Field(
        None, alias="projectId", description="For `project`: its id."
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

    id: str
    name: str | None = None


class User(Output):
    """Who is signed in."""

    id: str
    name: str
    domain: Domain


class ScopedProject(Output):
    """The project in which the session works."""

    id: str
    name: str
    domain: Domain


class UserSession(Output):
    """A session as its owner may see it: everything but the token."""

    user: User
    project: ScopedProject | None = Field(description="`null` while no project is chosen.")
    domain: Domain | None = Field(description="Set when the scope is a domain.")
    roles: list[str] = Field(description="The names of the user's roles in this scope.")
    expires_at: datetime = Field(alias="expiresAt", description="When to sign in again (UTC).")


class Project(Output):
    """A project in which the user may work."""

    id: str
    name: str
    description: str | None = None
    enabled: bool = True
    domain_id: str | None = Field(None, alias="domainId")
