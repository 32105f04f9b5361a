"""The commands that change images, one or many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import click
from click.exceptions import Exit

from polaris_bff.cli.options import (
    change,
    dry_run_option,
    image_argument,
    image_ids,
    images_argument,
    metadata_of,
    metadata_options,
    pointer,
    tag_option,
    tell,
)
from polaris_bff.cli.output import together
from polaris_bff.cli.state import Options, connected
from polaris_bff.errors import BffError

# Of a command that does one thing to images.
many = together(images_argument, dry_run_option)
many_with_tags = together(
    images_argument,
    click.option("--tag", "tags", multiple=True, required=True, help="May be repeated."),
    dry_run_option,
)


@click.command("set")
@images_argument
@click.option("--name", help="Its new name.")
@metadata_options
@dry_run_option
@click.pass_obj
def set_(options: Options, /, images: Sequence[str], dry_run: bool, **given: Any) -> None:
    """Change the metadata of images: of each, all of it or nothing."""
    values = metadata_of(given)
    tags = values.pop("tags", [])
    operations = [
        {"op": "add", "path": pointer(key), "value": value} for key, value in values.items()
    ]
    operations += [{"op": "add", "path": "/tags/-", "value": each} for each in tags]
    _change(options, images, operations, dry_run=dry_run)


@click.command()
@image_argument
@click.option("--property", "properties", metavar="KEY", multiple=True, help="May be repeated.")
@tag_option
@click.pass_obj
def unset(options: Options, image: str, properties: Sequence[str], tag: Sequence[str]) -> None:
    """Remove properties and tags of an image."""
    gone = set(tag)
    with connected(options) as client:
        found = client.find_image(image)
        tags = found.get("tags") or []
        if missing := gone - set(tags):
            raise BffError("NOT_FOUND", f"The image has no tag {', '.join(sorted(missing))}")
        operations: list[Any] = [{"op": "remove", "path": pointer(key)} for key in properties]
        if gone:
            kept = [each for each in tags if each not in gone]
            operations.append({"op": "replace", "path": "/tags", "value": kept})
        client.compute.image.update_image(image_id=found["id"], operations=operations)


@click.command()
@many
@click.pass_obj
def hide(options: Options, images: Sequence[str], dry_run: bool) -> None:
    """Leave images out of lists."""
    _hide(options, images, dry_run=dry_run, hidden=True)


@click.command()
@many
@click.pass_obj
def unhide(options: Options, images: Sequence[str], dry_run: bool) -> None:
    """Have images in lists again."""
    _hide(options, images, dry_run=dry_run, hidden=False)


def _hide(options: Options, images: Sequence[str], *, dry_run: bool, hidden: bool) -> None:
    operations = [{"op": "replace", "path": "/os_hidden", "value": hidden}]
    _change(options, images, operations, dry_run=dry_run)


@click.command()
@many
@click.pass_obj
def delete(options: Options, images: Sequence[str], dry_run: bool) -> None:
    """Delete images, many at once."""
    _bulk_or_tell(options, images, "compute.image.deleteImages", dry_run=dry_run)


@click.command()
@many
@click.pass_obj
def activate(options: Options, images: Sequence[str], dry_run: bool) -> None:
    """Let deactivated images be used again."""
    _bulk_or_tell(options, images, "compute.image.activateImages", dry_run=dry_run)


@click.command()
@many
@click.pass_obj
def deactivate(options: Options, images: Sequence[str], dry_run: bool) -> None:
    """Let nobody boot or download images."""
    _bulk_or_tell(options, images, "compute.image.deactivateImages", dry_run=dry_run)


@click.command()
@many_with_tags
@click.pass_obj
def tag(options: Options, images: Sequence[str], tags: Sequence[str], dry_run: bool) -> None:
    """Add tags to images; fine where one has it already."""
    _bulk(options, images, "compute.image.tagImages", tags=list(tags), dry_run=dry_run)


@click.command()
@many_with_tags
@click.pass_obj
def untag(options: Options, images: Sequence[str], tags: Sequence[str], dry_run: bool) -> None:
    """Remove tags from images; fine where one does not have it."""
    _bulk(options, images, "compute.image.untagImages", tags=list(tags), dry_run=dry_run)


def _change(
    options: Options, images: Iterable[str], operations: list[Any], *, dry_run: bool
) -> None:
    if not operations:
        raise click.BadParameter("say what to change")
    _bulk(options, images, "compute.image.updateImages", operations=operations, dry_run=dry_run)


def _bulk(options: Options, images: Iterable[str], procedure: str, **more: Any) -> None:
    with connected(options) as client:
        ids, failed = image_ids(client, images)
        change(client, procedure, ids, failed=failed, **more)


def _bulk_or_tell(
    options: Options, images: Iterable[str], procedure: str, *, dry_run: bool
) -> None:
    """Do what the server has no dry run of."""
    if not dry_run:
        _bulk(options, images, procedure)
    with connected(options) as client:
        ids, failed = image_ids(client, images)
        tell(ids)
    raise Exit(int(failed))
