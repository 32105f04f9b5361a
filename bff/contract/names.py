"""Names of the contract: of its enums, and the procedures by the parts of theirs."""

from __future__ import annotations

import pkgutil
import re
from importlib import import_module
from typing import Literal, TypeAlias, get_args, get_origin

from pydantic import JsonValue

import schemas
from bff.contract.model import Contract, Described

Branch: TypeAlias = dict[str, "Branch | Described"]


def by_name(contract: Contract) -> Branch:
    """Return the procedures by the parts of their names.

    Raises:
        TypeError: a procedure's name is the beginning of others.
    """
    tree: Branch = {}
    for described in contract.procedures:
        *path, last = described.procedure.name.split(".")
        branch = tree
        for part in path:
            branch = _below(branch, part)
        branch[last] = described
    return tree


def _below(branch: Branch, part: str) -> Branch:
    node = branch.setdefault(part, {})
    if isinstance(node, Described):
        raise TypeError(f"{node.procedure.name}: other names begin with this procedure's")
    return node


def enum_names() -> dict[tuple[JsonValue, ...], str]:
    """Return the names that the schemas' modules give to their enums, by the values."""
    found = {}
    for module in pkgutil.iter_modules(schemas.__path__, "schemas."):
        for name, value in vars(import_module(module.name)).items():
            if get_origin(value) is Literal and not name.startswith("_"):
                found[get_args(value)] = name
    return found


def constant(name: str) -> str:
    """Return the name of the list of an enum's values: ``DISK_FORMATS`` for ``DiskFormat``."""
    words = snake(name).upper()
    if re.search(r"[^AEIOU]Y$", words):
        return f"{words[:-1]}IES"
    return f"{words}{'ES' if words.endswith(('S', 'X')) else 'S'}"


def snake(name: str) -> str:
    """Return a name as Python has it: ``get_image_by_id`` for ``getImageById``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def identifier(name: str) -> str:
    """Return the name of a type without what no language allows in one."""
    return re.sub(r"\W", "", name)
