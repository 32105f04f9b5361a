"""What is known of the procedures: without asking the server, and by asking it."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from operator import attrgetter
from typing import Any

from polaris_bff.contract import PROCEDURES, Procedures
from polaris_bff.errors import BffError


def known(beginning: str) -> Iterator[dict[str, Any]]:
    """Yield the name, the kind and the first words of each procedure.

    Raises:
        BffError: NOT_FOUND, none begins so.
    """
    names = [name for name in PROCEDURES if name.startswith(beginning)]
    if not names:
        raise _missing(beginning, PROCEDURES)
    for name in names:
        kind = "query" if PROCEDURES[name].reads else "mutation"
        yield {"name": name, "kind": kind, "about": _documentation(name).partition("\n")[0]}


def described(name: str) -> str:
    """Return all that is known of a procedure; nothing of what is none."""
    return f"{name}\n\n{_documentation(name)}" if name in PROCEDURES else ""


def specified(url: str, name: str, timeout: float) -> dict[str, Any]:
    """Return a server's own word on a procedure: its schemas and examples.

    Raises:
        BffError: NOT_FOUND, it has none of this name; the server cannot be asked.
    """
    from polaris_bff import Client  # noqa: PLC0415  # httpx

    with Client(url, timeout=timeout) as client:
        document: Any = client.call("rpc.discover")
    methods = {method["name"]: method for method in document["methods"]}
    if name not in methods:
        raise _missing(name, methods)
    schemas = document["components"]["schemas"]
    shown = {key: methods[name].get(key) for key in ("name", "params", "result", "examples")}
    return {**shown, "components": {"schemas": _referred(shown, schemas, {})}}


def _referred(part: object, schemas: Mapping[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Return the schemas to which a part of the document refers, also by way of others."""
    for reference in re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(part)):
        if reference in schemas and reference not in found:
            found[reference] = schemas[reference]
            _referred(schemas[reference], schemas, found)
    return found


def _missing(name: str, names: Iterable[str]) -> BffError:
    close = get_close_matches(name, list(names), n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return BffError("NOT_FOUND", f"There is no procedure {name!r}{hint}")


def _documentation(name: str) -> str:
    method = attrgetter(name)(Procedures(lambda _name, _params: None))
    return inspect.getdoc(method) or ""
