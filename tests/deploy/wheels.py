"""Wheels of what is installed here, so that installing it elsewhere asks no package index."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path
from zipfile import ZipFile

from packaging.requirements import Requirement


def pack(requirements: Iterable[str], folder: Path) -> None:
    """Write a wheel of each package that is required, and of each that they require."""
    waiting, packed = list(requirements), set()
    while waiting:
        requirement = Requirement(waiting.pop())
        needed = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if needed and requirement.name not in packed:
            packed.add(requirement.name)
            found = distribution(requirement.name)
            _write(found, folder)
            waiting += found.requires or []


def _write(found: Distribution, folder: Path) -> None:
    name = re.sub(r"[-_.]+", "_", found.name)
    with ZipFile(folder / f"{name}-{found.version}-{_tag(found)}.whl", "w") as wheel:
        for file in found.files or []:
            # Commands lie outside and are made anew; compiled files are no part of a wheel.
            if ".." not in file.parts and file.suffix != ".pyc":
                wheel.write(str(file.locate()), str(file))


def _tag(found: Distribution) -> str:
    """Return the platforms that its installer saw, as the name of a wheel has them."""
    tags = re.findall(r"^Tag: (\S+)$", found.read_text("WHEEL") or "", re.MULTILINE)
    parts = zip(*(tag.split("-") for tag in tags), strict=True)
    return "-".join(".".join(dict.fromkeys(part)) for part in parts)
