"""The names of domains, which Keystone tells a plain member in tokens alone.

A list of projects has the ids of their domains. ``GET /v3/auth/domains`` lists only those in which
the user has a role of their own, and ``GET /v3/domains/{id}`` answers 403 but to administrators and
to tokens of that domain (run on Keystone 30). A token of a project has its domain's name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from time import monotonic

from cachetools import TTLCache

from bff.errors import BffError
from bff.openstack.keystone import Token
from bff.session.sessions import Credentials, Sessions
from schemas.keystone import Named, ProjectBody, Scope

# Domains that one call asks for, and how long all of them may take.
MAX_ASKED = 16
ASKED_SECONDS = 3
# How long a name is kept, and how long a token that was not told it does not ask again.
KEPT_SECONDS = 3600
REFUSED_SECONDS = 60
MAX_KEPT = 10_000


class DomainNames:
    """The names that this process has come to know; they are the same for everybody."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._names: TTLCache[str, str] = TTLCache(MAX_KEPT, KEPT_SECONDS, monotonic)
        self._refused: TTLCache[tuple[str, str], bool] = TTLCache(
            MAX_KEPT, REFUSED_SECONDS, monotonic
        )

    async def of(
        self, projects: Sequence[ProjectBody], credentials: Credentials, request_id: str
    ) -> dict[str, str]:
        """Return the names of the projects' domains by their ids, as far as they can be known.

        Args:
            projects: Those of the credentials' user: whose project it is may know the name.
        """
        if (own := self._sessions.cached_token(credentials)) is not None:
            self._learn(own)
        by_domain = {each.domain_id: each for each in projects if each.enabled}
        unknown = [
            project
            for domain_id, project in by_domain.items()
            if domain_id is not None
            and domain_id not in self._names
            and (credentials.fingerprint, domain_id) not in self._refused
        ]
        if unknown:
            await self._ask(unknown[:MAX_ASKED], credentials, request_id)
        ids = {each.domain_id for each in projects if each.domain_id is not None}
        return {each: name for each in ids if (name := self._names.get(each)) is not None}

    async def _ask(
        self, projects: Iterable[ProjectBody], credentials: Credentials, request_id: str
    ) -> None:
        asking = [
            asyncio.create_task(self._ask_in(project, credentials, request_id))
            for project in projects
        ]
        try:
            await asyncio.wait(asking, timeout=ASKED_SECONDS)
        finally:
            for task in asking:
                task.cancel()

    async def _ask_in(
        self, project: ProjectBody, credentials: Credentials, request_id: str
    ) -> None:
        there = replace(credentials, scope=Scope("project", project.id))
        try:
            self._learn(await self._sessions.token(there, request_id))
        except BffError:
            # A list without a name is better than none.
            self._refused[credentials.fingerprint, project.domain_id or ""] = True

    def _learn(self, token: Token) -> None:
        body = token.body
        domains: list[Named | None] = [body.user.domain, body.domain]
        domains.append(body.project.domain if body.project else None)
        self._names.update((domain.id, domain.name) for domain in domains if domain)
