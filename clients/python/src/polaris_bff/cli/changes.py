"""The commands that change images, one or many."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from polaris_bff.cli.options import (
    CommunityFlag,
    DryRunOption,
    ImageArgument,
    ImagesArgument,
    PrivateFlag,
    PropertyOption,
    PublicFlag,
    SharedFlag,
    TagOption,
    VisibilityOption,
    change,
    image_ids,
    pairs,
    pointer,
    tell,
    visibility_of,
)
from polaris_bff.cli.state import connected
from polaris_bff.errors import BffError

NeededTags = Annotated[list[str], typer.Option("--tag", help="May be repeated.")]


def set_(
    ctx: typer.Context,
    images: ImagesArgument,
    name: Annotated[str | None, typer.Option(help="Its new name.")] = None,
    disk_format: Annotated[str | None, typer.Option(help="As qcow2.")] = None,
    container_format: Annotated[str | None, typer.Option(help="As bare.")] = None,
    min_disk: Annotated[int | None, typer.Option(help="In GiB.", min=0)] = None,
    min_ram: Annotated[int | None, typer.Option(help="In MiB.", min=0)] = None,
    visibility: VisibilityOption = None,
    public: PublicFlag = False,
    private: PrivateFlag = False,
    community: CommunityFlag = False,
    shared: SharedFlag = False,
    protected: Annotated[bool | None, typer.Option("--protected/--unprotected")] = None,
    hidden: Annotated[bool | None, typer.Option("--hidden/--unhidden")] = None,
    tag: TagOption = None,
    property_: PropertyOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Change the metadata of images: of each, all of it or nothing."""
    values = {
        **pairs(property_),
        "name": name,
        "disk_format": disk_format,
        "container_format": container_format,
        "min_disk": min_disk,
        "min_ram": min_ram,
        "visibility": visibility_of(
            visibility, public=public, private=private, community=community, shared=shared
        ),
        "protected": protected,
        "os_hidden": hidden,
    }
    operations = [
        {"op": "add", "path": pointer(key), "value": value}
        for key, value in values.items()
        if value is not None
    ]
    operations += [{"op": "add", "path": "/tags/-", "value": each} for each in tag or []]
    _change(ctx, images, operations, dry_run=dry_run)


def unset(
    ctx: typer.Context,
    image: ImageArgument,
    property_: Annotated[
        list[str] | None, typer.Option("--property", metavar="KEY", help="May be repeated.")
    ] = None,
    tag: TagOption = None,
) -> None:
    """Remove properties and tags of an image."""
    gone = set(tag or [])
    with connected(ctx.obj) as client:
        found = client.find_image(image)
        tags = found.get("tags") or []
        if missing := gone - set(tags):
            raise BffError("NOT_FOUND", f"The image has no tag {', '.join(sorted(missing))}")
        operations: list[Any] = [{"op": "remove", "path": pointer(key)} for key in property_ or []]
        if gone:
            kept = [each for each in tags if each not in gone]
            operations.append({"op": "replace", "path": "/tags", "value": kept})
        client.compute.image.update_image(image_id=found["id"], operations=operations)


def hide(ctx: typer.Context, images: ImagesArgument, dry_run: DryRunOption = False) -> None:
    """Leave images out of lists."""
    _change(ctx, images, [{"op": "replace", "path": "/os_hidden", "value": True}], dry_run=dry_run)


def unhide(ctx: typer.Context, images: ImagesArgument, dry_run: DryRunOption = False) -> None:
    """Have images in lists again."""
    _change(ctx, images, [{"op": "replace", "path": "/os_hidden", "value": False}], dry_run=dry_run)


def delete(ctx: typer.Context, images: ImagesArgument, dry_run: DryRunOption = False) -> None:
    """Delete images, many at once."""
    _bulk_or_tell(ctx, images, "compute.image.deleteImages", dry_run=dry_run)


def activate(ctx: typer.Context, images: ImagesArgument, dry_run: DryRunOption = False) -> None:
    """Let deactivated images be used again."""
    _bulk_or_tell(ctx, images, "compute.image.activateImages", dry_run=dry_run)


def deactivate(ctx: typer.Context, images: ImagesArgument, dry_run: DryRunOption = False) -> None:
    """Let nobody boot or download images."""
    _bulk_or_tell(ctx, images, "compute.image.deactivateImages", dry_run=dry_run)


def tag(
    ctx: typer.Context, images: ImagesArgument, tags: NeededTags, dry_run: DryRunOption = False
) -> None:
    """Add tags to images; fine where one has it already."""
    _bulk(ctx, images, "compute.image.tagImages", tags=tags, dry_run=dry_run)


def untag(
    ctx: typer.Context, images: ImagesArgument, tags: NeededTags, dry_run: DryRunOption = False
) -> None:
    """Remove tags from images; fine where one does not have it."""
    _bulk(ctx, images, "compute.image.untagImages", tags=tags, dry_run=dry_run)


def _change(
    ctx: typer.Context, images: Iterable[str], operations: list[Any], *, dry_run: bool
) -> None:
    if not operations:
        raise typer.BadParameter("say what to change")
    _bulk(ctx, images, "compute.image.updateImages", operations=operations, dry_run=dry_run)


def _bulk(ctx: typer.Context, images: Iterable[str], procedure: str, **more: Any) -> None:
    with connected(ctx.obj) as client:
        ids, failed = image_ids(client, images)
        change(client, procedure, ids, failed=failed, **more)


def _bulk_or_tell(
    ctx: typer.Context, images: Iterable[str], procedure: str, *, dry_run: bool
) -> None:
    """Do what the server has no dry run of."""
    if not dry_run:
        _bulk(ctx, images, procedure)
    with connected(ctx.obj) as client:
        ids, failed = image_ids(client, images)
        tell(ids)
    raise typer.Exit(int(failed))
