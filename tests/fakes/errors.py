"""The bodies of errors as a real Glance 33 and a real Keystone 30 write them."""

from __future__ import annotations

import json


def glance_error(status: int, message: str = "for a reason") -> bytes:
    """Return the body of a refusal of Glance's; ``message`` may hold HTML, as theirs do."""
    return json.dumps(
        {"message": f"{message}<br /><br />\n\n\n", "code": f"{status} X", "title": "X"}
    ).encode()


def keystone_error(status: int, message: str = "for a reason") -> bytes:
    """Return the body of a refusal of Keystone's."""
    return json.dumps({"error": {"code": status, "message": message, "title": "X"}}).encode()
