"""The audit lines: who changed what, from where, and what came of it."""

from __future__ import annotations

from contextvars import Context
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import structlog

from bff import log_fields
from bff.errors import BffError
from bff.logs import AUDIT, printable
from bff.session.caller import Caller
from schemas.keystone import InDomain

log = structlog.get_logger(AUDIT)


# Who was named to sign in.
NAMED = frozenset({"user_name", "user_id", "application_credential"})


@dataclass(frozen=True)
class AuditEntry:
    """One change, or one attempt at it, by a procedure of the contract.

    Args:
        user: Who is known to call when it begins; a sign-out forgets that.
    """

    caller: Caller
    procedure: str
    user: InDomain | None

    @classmethod
    def begin(cls, caller: Caller, procedure: str) -> Self:
        """Return the entry of a change that is about to be made."""
        return cls(caller, procedure, caller.known_user())

    def write(self, error: BffError | None, **details: Any) -> None:
        """Write the line.

        Args:
            error: Why it failed; ``None`` when it did not.
            details: More of its fields; those that are ``None`` are left out, and the names in a
                sign-in stand before those of whoever sends it.
        """
        bound = log_fields.current()
        known = {} if details.keys() & NAMED else self._known_user()
        line = {
            "request_id": self.caller.request_id,
            "client": printable(self.caller.address),
            "procedure": self.procedure,
            **known,
            "user": bound.get("user") or known.get("user"),
            "project": bound.get("project") or self._requested_project(),
            "outcome": "ok" if error is None else error.code.label,
            **details,
        }
        given = {name: value for name, value in line.items() if value is not None}
        # In a context of its own: the fields of the call's log line stay there.
        Context().run(partial(log.info, "audit", **given))

    def _known_user(self) -> dict[str, Any]:
        user = self.caller.known_user() or self.user
        if user is None:
            return {}
        names = {"user_name": user.name, "user_domain": user.domain.name}
        return {"user": user.id, **{key: printable(name) for key, name in names.items()}}

    def _requested_project(self) -> str | None:
        scope = self.caller.credentials and self.caller.credentials.scope
        return scope.id if scope and scope.kind == "project" else None
