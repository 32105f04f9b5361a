"""What an audit line says of a call besides who and when: read from its input and its answer.

The input may not have been checked: a refused call is told of as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import orjson

from bff import log_fields
from bff.logs import printable
from bff.rpc.registry import Procedure
from schemas.bulk import MAX_IDS

# The field of each parameter; where several stand for one, the last that is given.
_FIELDS: Mapping[str, str] = {
    "user": "user_name",
    "userId": "user_id",
    "domainName": "user_domain",
    "userDomainId": "user_domain",
    "applicationCredentialName": "application_credential",
    "applicationCredentialId": "application_credential",
    "project_id": "project",
    "projectId": "project",
    "domainId": "domain",
    "id": "images",
    "imageId": "images",
    "imageIds": "images",
    "member": "member",
    "members": "members",
    "memberId": "member",
}
# What the procedure has put into its log line; the names are those of whoever has signed in.
_BOUND = ("successful_count", "failed_count", "dry_run", "user_name", "user_domain", "user_id")
_LISTS = frozenset({"images", "members"})


def fields_of(procedure: Procedure, raw: Any, answer: bytes | None) -> dict[str, Any]:
    """Return the fields of a call.

    Args:
        raw: Its input, which may be anything.
        answer: What it answers; ``None`` when it failed.
    """
    names = {field.alias or name for name, field in procedure.input.model_fields.items()}
    bound = log_fields.current()
    fields = _given(names, raw) | {name: bound[name] for name in _BOUND if name in bound}
    if "images" not in fields and "image" in bound:
        fields["images"] = [bound["image"]]
    with suppress(orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
        fields |= _answered(names, orjson.loads(answer or b""))
    return fields


def _given(names: set[str], raw: Any) -> dict[str, Any]:
    values = raw if isinstance(raw, dict) else {}
    known = {"domainName": "Default"} | values if "user" in values else values
    given = {_FIELDS[name]: known[name] for name in _FIELDS if name in names & known.keys()}
    # Where a session shall work says "projectId", and nothing of where it has worked.
    fields: dict[str, Any] = {"project": None} if "projectId" in names else {}
    return fields | {
        field: _ids(value) if field in _LISTS else _text(value) for field, value in given.items()
    }


def _text(value: Any) -> str | None:
    return printable(value) if isinstance(value, str) else None


def _ids(value: Any) -> list[str]:
    values = value[:MAX_IDS] if isinstance(value, list) else [value]
    return [printable(one) for one in values if isinstance(one, str)]


def _answered(names: set[str], answer: Any) -> dict[str, Any]:
    """Return what only the answer has: which images it did not work for; where the session is."""
    if "imageIds" in names:
        return {"failed": [_failed(one) for one in answer["failed"]]}
    if "projectId" in names:
        return {"project": answer["project"]["id"]}
    return {}


def _failed(failure: Mapping[str, str]) -> str:
    """Return the image for which it failed, and the project, if it was to be shared with one."""
    return "/".join(failure[name] for name in ("id", "member") if name in failure)
