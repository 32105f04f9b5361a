"""The commands about who besides its owner has an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from polaris_bff.cli.options import (
    change,
    dry_run_option,
    image_argument,
    image_ids,
    project_ids,
    settle,
)
from polaris_bff.cli.output import Format, format_options, show_list, together
from polaris_bff.cli.state import Options, connected

if TYPE_CHECKING:
    from polaris_bff import Client

projects_argument = click.argument("projects", metavar="PROJECT...", nargs=-1, required=True)
offered = together(
    click.argument("images", metavar="[IMAGE]...", nargs=-1),
    click.option("--all", "all_", is_flag=True, help="All that are pending."),
)


@click.command()
@image_argument
@format_options
@click.pass_obj
def members(options: Options, image: str, form: Format, column: Sequence[str]) -> None:
    """List the projects with which an image is shared."""
    columns = {"Image ID": "image_id", "Member ID": "member_id", "Status": "status"}
    with connected(options) as client:
        found = client.find_image(image)
        rows = client.compute.image.list_image_members(image_id=found["id"])
        show_list(rows, columns, form, column)


@click.command()
@image_argument
@projects_argument
@dry_run_option
@click.pass_obj
def share(options: Options, image: str, projects: Sequence[str], dry_run: bool) -> None:
    """Share an image with projects, which then accept it."""
    with connected(options) as client:
        found = client.find_image(image)
        ids = project_ids(client, projects)
        images = [found["id"]]
        change(client, "compute.image.shareImages", images, dry_run=dry_run, members=ids)


@click.command()
@image_argument
@click.argument("project")
@click.pass_obj
def unshare(options: Options, image: str, project: str) -> None:
    """Share an image with a project no more."""
    with connected(options) as client:
        found = client.find_image(image)
        (member,) = project_ids(client, [project])
        client.compute.image.delete_image_member(image_id=found["id"], member_id=member)


@click.command()
@offered
@click.pass_obj
def accept(options: Options, images: Sequence[str], all_: bool) -> None:
    """Have images that are shared with this project in its lists."""
    _decide(options, images, "accepted", every=all_)


@click.command()
@offered
@click.pass_obj
def reject(options: Options, images: Sequence[str], all_: bool) -> None:
    """Have images that are shared with this project in no list."""
    _decide(options, images, "rejected", every=all_)


def _decide(options: Options, images: Sequence[str], status: str, *, every: bool) -> None:
    if every == bool(images):
        raise click.BadParameter("name images, or give --all", param_hint="IMAGE")
    with connected(options) as client:
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
