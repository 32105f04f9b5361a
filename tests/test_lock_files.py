"""What npm installs is pinned, and comes from whichever registry the user has."""

from __future__ import annotations

import json

import pytest

from tests.process import ROOT

FOLDERS = (
    *("explorer", "tests/openrpc", "bench/peers/mini"),
    *("clients/typescript", "clients/typescript/test/trpc-11.16"),
)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_lock_file_pins_every_package_and_names_no_registry(folder: str) -> None:
    packages = json.loads((ROOT / folder / "package-lock.json").read_text())["packages"]
    pinned = [package for path, package in packages.items() if path]
    assert pinned
    assert all("integrity" in package for package in pinned)
    assert not [path for path, package in packages.items() if "resolved" in package]
