"""What Keystone says of a token and of projects.

Source: Identity API v3, "Authentication and token management"; fields that are not needed are
left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator


@dataclass(frozen=True)
class Scope:
    """Where a token works: a project, a domain, or nowhere in particular."""

    kind: Literal["project", "domain", "unscoped"] = "unscoped"
    id: str | None = None


@dataclass(frozen=True)
class DomainKey:
    """Which domain: by its id, or by its name."""

    id: str | None = None
    name: str | None = None

    def to_keystone(self) -> dict[str, Any]:
        """Return it as Keystone's API has it; nothing where it is not said."""
        if self.id is not None:
            return {"domain": {"id": self.id}}
        return {} if self.name is None else {"domain": {"name": self.name}}


@dataclass(frozen=True)
class UserKey:
    """Which user: by an id, or by a name in a domain."""

    id: str | None = None
    name: str | None = None
    domain: DomainKey = DomainKey()

    def to_keystone(self) -> dict[str, Any]:
        """Return it as Keystone's API has it."""
        if self.id is not None:
            return {"id": self.id}
        return {"name": self.name, **self.domain.to_keystone()}

    @property
    def parts(self) -> tuple[str, ...]:
        """What tells the user from others, as it was given."""
        if self.id is not None:
            return (self.id,)
        return (self.name or "", self.domain.name or self.domain.id or "")


@dataclass(frozen=True)
class ProjectKey:
    """Which project: by an id, or by a name in a domain; without a domain, in the user's own."""

    id: str | None = None
    name: str | None = None
    domain: DomainKey = DomainKey()

    def to_keystone(self, user_domain_id: str) -> dict[str, Any]:
        """Return the scope as Keystone's API has it."""
        if self.id is not None:
            return {"project": {"id": self.id}}
        domain = self.domain.to_keystone() or DomainKey(user_domain_id).to_keystone()
        return {"project": {"name": self.name, **domain}}


class Named(BaseModel):
    """Anything of Keystone's with an id and a name."""

    id: str
    name: str


class InDomain(Named):
    """A user or a project, in its domain."""

    domain: Named


class Endpoint(BaseModel):
    """One address of a service."""

    interface: str
    url: str
    region_id: str | None = None


class CatalogEntry(BaseModel):
    """A service and its addresses."""

    type: str
    endpoints: list[Endpoint]


class ApplicationCredential(BaseModel):
    """The application credential that issued a token."""

    id: str


class TokenBody(BaseModel):
    """What Keystone says of a token."""

    user: InDomain
    expires_at: datetime
    project: InDomain | None = None
    domain: Named | None = None
    # Whose application credential issued it: such a token works in its project alone.
    application_credential: ApplicationCredential | None = None
    roles: list[Named] = Field(default=[])
    catalog: list[CatalogEntry] = Field(default=[])

    @field_validator("expires_at", mode="after")
    @classmethod
    def _in_utc(cls, value: datetime) -> datetime:
        # Keystone writes UTC, and some versions leave out the zone.
        return value if value.tzinfo else value.replace(tzinfo=UTC)

    @field_validator("roles", mode="before")
    @classmethod
    def _none_as_empty(cls, value: Any) -> Any:
        return [] if value is None else value

    @field_validator("catalog", mode="before")
    @classmethod
    def _only_image_services(cls, value: Any) -> Any:
        # Thousands of tokens are kept, and a large cloud's catalog has hundreds of addresses. One
        # odd service or address must not hide the others.
        entries = value if isinstance(value, list) else []
        images = [e for e in entries if isinstance(e, dict) and e.get("type") == "image"]
        return [
            {**entry, "endpoints": _valid_endpoints(entry.get("endpoints"))} for entry in images
        ]

    @property
    def scope(self) -> Scope:
        """Where the token works."""
        if self.project:
            return Scope("project", self.project.id)
        if self.domain:
            return Scope("domain", self.domain.id)
        return Scope()


class TokenAnswer(BaseModel):
    """The answer to a token that was issued or checked."""

    token: TokenBody


class ProjectBody(BaseModel):
    """A project in which a user has a role."""

    id: str
    name: str
    description: str | None = None
    enabled: bool = True
    domain_id: str | None = None


class ProjectsAnswer(BaseModel):
    """The answer to a list of projects."""

    projects: list[ProjectBody]


def _valid_endpoints(endpoints: Any) -> list[Any]:
    known = endpoints if isinstance(endpoints, list) else []
    return [one for one in known if isinstance(one, dict) and _is_valid(one)]


def _is_valid(endpoint: dict[str, Any]) -> bool:
    region = endpoint.get("region_id")
    texts = [endpoint.get("interface"), endpoint.get("url"), "" if region is None else region]
    return all(isinstance(text, str) for text in texts)
