"""A handful of images that look like those of a real cloud."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devcloud.api import Api, sign_in

MIB = 1024 * 1024


@dataclass(frozen=True)
class Seed:
    """One image to make: who makes it, its metadata, its content, and what happens to it then."""

    owner: str
    project: str
    metadata: Mapping[str, Any]
    content: bytes | None = None
    deactivate: bool = False
    share_with: tuple[str, ...] = field(default=())


def raw(size: int) -> bytes:
    """Return ``size`` bytes that no image format claims for itself."""
    return (b"polaris " * (size // 8 + 1))[:size]


def qcow2(virtual_size: int) -> bytes:
    """Return the smallest file that Glance's format inspector takes for qcow2.

    Layout: QEMU, docs/interop/qcow2, header version 2, one cluster of 64 KiB.
    """
    header = struct.pack(
        ">4sIQIIQIIQQIIQ", b"QFI\xfb", 2, 0, 0, 16, virtual_size, 0, 1, 65536, 131072, 1, 0, 0
    )
    return header.ljust(4 * 65536, b"\0")


def iso() -> bytes:
    """Return an ISO 9660 file: sixteen empty sectors, then a primary volume descriptor."""
    return (b"\0" * 32768 + b"\x01CD001\x01").ljust(38 * 2048, b"\0")


BARE = {"container_format": "bare"}

SEEDS = (
    Seed(
        "admin",
        "admin",
        {
            **BARE,
            "name": "Ubuntu 24.04 LTS",
            "disk_format": "qcow2",
            "visibility": "public",
            "min_disk": 10,
            "min_ram": 1024,
            "tags": ["ubuntu", "lts", "production"],
            "os_type": "linux",
            "os_distro": "ubuntu",
            "os_version": "24.04",
            "architecture": "x86_64",
            "hw_qemu_guest_agent": "yes",
            "hw_disk_bus": "scsi",
            "hw_scsi_model": "virtio-scsi",
            "hw_vif_model": "virtio",
            "hw_rng_model": "virtio",
            "hw_machine_type": "q35",
        },
        qcow2(10 * 1024 * MIB),
    ),
    Seed(
        "admin",
        "admin",
        {
            **BARE,
            "name": "Ubuntu 22.04 LTS (superseded)",
            "disk_format": "qcow2",
            "visibility": "public",
            "os_hidden": True,
            "tags": ["ubuntu", "lts"],
            "os_type": "linux",
        },
        qcow2(8 * 1024 * MIB),
    ),
    Seed(
        "admin",
        "admin",
        {
            **BARE,
            "name": "Windows Server 2022",
            "disk_format": "raw",
            "visibility": "public",
            "protected": True,
            "min_disk": 40,
            "min_ram": 4096,
            "os_type": "windows",
            "os_distro": "windows",
            "os_admin_user": "Administrator",
        },
        raw(3 * MIB),
    ),
    Seed(
        "alice",
        "demo",
        {
            **BARE,
            "name": "database-snapshot",
            "disk_format": "raw",
            "visibility": "private",
            "tags": ["database", "production"],
            "instance_uuid": "5fd6f1b0-6a1d-4b5e-9d5c-1a9c3f1a7c11",
        },
        raw(2 * MIB),
    ),
    Seed(
        "alice",
        "demo",
        {**BARE, "name": "rescue.iso", "disk_format": "iso", "visibility": "community"},
        iso(),
    ),
    Seed(
        "alice",
        "demo",
        {
            **BARE,
            "name": "build-runner",
            "disk_format": "qcow2",
            "visibility": "shared",
            "tags": ["ci"],
            "hw_qemu_guest_agent": "yes",
        },
        qcow2(4 * 1024 * MIB),
        share_with=("partner",),
    ),
    Seed(
        "alice",
        "demo",
        {**BARE, "name": "retired-appliance", "disk_format": "raw", "visibility": "private"},
        raw(MIB),
        deactivate=True,
    ),
    Seed(
        "alice",
        "demo",
        {"name": "waiting for its data", "visibility": "private", "tags": ["draft"]},
    ),
    Seed(
        "alice",
        "demo",
        {**BARE, "name": "開発環境イメージ", "disk_format": "raw", "visibility": "private"},
        raw(512),
    ),
    Seed(
        "bob",
        "partner",
        {**BARE, "name": "partner-private", "disk_format": "raw", "visibility": "private"},
        raw(MIB // 2),
    ),
)


def fill(cloud: Mapping[str, Any], done: Path) -> None:
    """Make every seed, once; ``done`` is the file that remembers it."""
    if done.exists():
        return
    passwords = {user["name"]: user["password"] for user in cloud["users"]}
    tokens = {
        (seed.owner, seed.project): sign_in(
            cloud["auth_url"], seed.owner, passwords[seed.owner], seed.project
        )
        for seed in SEEDS
    }
    for seed in SEEDS:
        _plant(Api(cloud["glance_url"], tokens[seed.owner, seed.project]), seed, cloud["projects"])
    done.touch()


def _plant(glance: Api, seed: Seed, projects: Mapping[str, str]) -> None:
    image = glance.post("/v2/images", dict(seed.metadata))["id"]
    if seed.content is not None:
        glance.put(f"/v2/images/{image}/file", seed.content, "application/octet-stream")
    if seed.deactivate:
        glance.post(f"/v2/images/{image}/actions/deactivate")
    for project in seed.share_with:
        glance.post(f"/v2/images/{image}/members", {"member": projects[project]})
