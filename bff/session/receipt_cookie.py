"""The cookie between the two steps of a sign-in: Keystone's receipt, sealed as a session is."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from cryptography.fernet import InvalidToken

from bff.session.cookies import MAX_COOKIE_BYTES, SessionCookie
from schemas.keystone import DomainKey, ProjectKey, UserKey

# In seconds: as long as Keystone's own receipts, unless it is set otherwise.
RECEIPT_SECONDS = 300
# What begins so is no session, though the key is the same; and no session begins so.
_PURPOSE = "receipt:"


@dataclass(frozen=True)
class PendingSignIn:
    """A sign-in whose first factor was right: what its second step goes on with.

    Args:
        receipt: Keystone's; ``None`` where it gave none that can be sent back.
        user: Who was named; Keystone compares it with the receipt's.
        project: Where the session is to begin.
    """

    receipt: str | None = field(repr=False)
    user: UserKey
    project: ProjectKey | None


class ReceiptCookie:
    """Seals a sign-in that waits for its second factor, and opens it again."""

    def __init__(self, session: SessionCookie) -> None:
        self._session = session
        self.name = f"{session.name}-receipt"

    def set(self, pending: PendingSignIn) -> str | None:
        """Return the Set-Cookie header; ``None`` where no browser could send it back."""
        if pending.receipt is None:
            return None
        content = _PURPOSE + json.dumps(asdict(pending), ensure_ascii=False)
        # Halves of surrogate pairs are in no name: they do not come through JSON.
        sealed = self._session.fernet.encrypt(content.encode()).decode()
        header = self._session.header(self.name, sealed, RECEIPT_SECONDS)
        return header if len(header) <= MAX_COOKIE_BYTES else None

    def open(self, sealed: str | None) -> PendingSignIn | None:
        """Return what is in a cookie; ``None`` for one that we did not seal, or not lately."""
        try:
            content = self._session.fernet.decrypt(sealed or "", ttl=RECEIPT_SECONDS).decode()
            purpose, separator, text = content.partition(":")
            return _pending(json.loads(text)) if purpose + separator == _PURPOSE else None
        except (InvalidToken, ValueError, KeyError, TypeError):
            return None

    def clear(self) -> str:
        """Return the Set-Cookie header that ends it in the browser."""
        return self._session.header(self.name, "", 0)


def _pending(found: dict[str, Any]) -> PendingSignIn:
    user, project = found["user"], found["project"]
    return PendingSignIn(
        found["receipt"],
        UserKey(**{**user, "domain": DomainKey(**user["domain"])}),
        project and ProjectKey(**{**project, "domain": DomainKey(**project["domain"])}),
    )
