"""The commands about who besides its owner has an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from polaris_bff.cli.options import (
    DryRunOption,
    ImageArgument,
    change,
    image_ids,
    project_ids,
    settle,
)
from polaris_bff.cli.output import ColumnsOption, Format, FormatOption, show_list
from polaris_bff.cli.state import connected

if TYPE_CHECKING:
    from polaris_bff import Client

ProjectArgument = Annotated[str, typer.Argument(metavar="PROJECT", help="Its name or id.")]
ProjectsArgument = Annotated[
    list[str],
    typer.Argument(metavar="PROJECT...", help="Names or ids; - reads one from each line."),
]
OfferedArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[IMAGE]...", help="Names or ids; - reads one from each line."),
]
AllOption = Annotated[bool, typer.Option("--all", help="All that are pending.")]


def members(
    ctx: typer.Context,
    image: ImageArgument,
    form: FormatOption = Format.TABLE,
    column: ColumnsOption = None,
) -> None:
    """List the projects with which an image is shared."""
    columns = {"Image ID": "image_id", "Member ID": "member_id", "Status": "status"}
    with connected(ctx.obj) as client:
        found = client.find_image(image)
        show_list(
            client.compute.image.list_image_members(image_id=found["id"]), columns, form, column
        )


def share(
    ctx: typer.Context,
    image: ImageArgument,
    projects: ProjectsArgument,
    dry_run: DryRunOption = False,
) -> None:
    """Share an image with projects, which then accept it."""
    with connected(ctx.obj) as client:
        found = client.find_image(image)
        ids = project_ids(client, projects)
        images = [found["id"]]
        change(client, "compute.image.shareImages", images, dry_run=dry_run, members=ids)


def unshare(ctx: typer.Context, image: ImageArgument, project: ProjectArgument) -> None:
    """Share an image with a project no more."""
    with connected(ctx.obj) as client:
        found = client.find_image(image)
        (member,) = project_ids(client, [project])
        client.compute.image.delete_image_member(image_id=found["id"], member_id=member)


def accept(ctx: typer.Context, images: OfferedArgument = None, all_: AllOption = False) -> None:
    """Have images that are shared with this project in its lists."""
    _decide(ctx, images or [], "accepted", every=all_)


def reject(ctx: typer.Context, images: OfferedArgument = None, all_: AllOption = False) -> None:
    """Have images that are shared with this project in no list."""
    _decide(ctx, images or [], "rejected", every=all_)


def _decide(ctx: typer.Context, images: list[str], status: str, *, every: bool) -> None:
    if every == bool(images):
        raise typer.BadParameter("name images, or give --all", param_hint="IMAGE")
    with connected(ctx.obj) as client:
        own = client.project_id()
        # Also those that are not yet accepted.
        ids, failed = image_ids(client, images, member_status="all", visibility="shared")
        inputs = (
            {"image_id": each, "member_id": own, "status": status}
            for each in (_pending(client, own) if every else ids)
        )
        settle(client, "compute.image.updateImageMember", inputs, failed=failed)


def _pending(client: Client, own: str) -> list[str]:
    """Return the ids of the images that others share with a project, and it has not decided on."""
    offered = client.images(visibility="shared", member_status="pending")
    return [image["id"] for image in offered if image.get("owner") != own]
