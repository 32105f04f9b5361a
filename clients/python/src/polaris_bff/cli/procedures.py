"""What is known of the procedures without asking the server."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from operator import attrgetter
from typing import Any

from polaris_bff.contract import PROCEDURES, Procedures


def known(beginning: str) -> Iterator[dict[str, Any]]:
    """Yield the name, the kind and the first words of each procedure."""
    for name, procedure in PROCEDURES.items():
        if name.startswith(beginning):
            kind = "query" if procedure.reads else "mutation"
            yield {"name": name, "kind": kind, "about": _documentation(name).partition("\n")[0]}


def described(name: str) -> str:
    """Return all that is known of a procedure; nothing of what is none."""
    return f"{name}\n\n{_documentation(name)}" if name in PROCEDURES else ""


def _documentation(name: str) -> str:
    method = attrgetter(name)(Procedures(lambda _name, _params: None))
    return inspect.getdoc(method) or ""
