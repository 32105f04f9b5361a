"""The commands below ``polaris image``, with the options and columns of ``openstack image``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import Any

import click

from polaris_bff.cli import changes, downloads, sharing, uploads
from polaris_bff.cli.options import (
    format_filters,
    image_argument,
    images_argument,
    pairs,
    property_option,
    tag_option,
    visibility_of,
    visibility_options,
    words,
)
from polaris_bff.cli.output import Format, format_options, show_list, show_one
from polaris_bff.cli.state import Options, connected

_COLUMNS: tuple[tuple[str, str], ...] = (("ID", "id"), ("Name", "name"), ("Status", "status"))
_LONG: tuple[tuple[str, str], ...] = (
    *(("ID", "id"), ("Name", "name"), ("Disk Format", "disk_format")),
    *(("Container Format", "container_format"), ("Size", "size"), ("Checksum", "checksum")),
    *(("Status", "status"), ("Visibility", "visibility"), ("Protected", "protected")),
    *(("Project", "owner"), ("Tags", "tags"), ("Created At", "created_at")),
)


@click.group(
    no_args_is_help=True,
    epilog="IMAGE and PROJECT are names or ids. Where several can be given, - reads one from each"
    " line.",
)
def app() -> None:
    """Images: list, show, create, save, change, share, delete."""


@app.command("list")
@click.option("--name", help="With exactly this name.")
@click.option("--search", help="With this in the name, the id or a tag.")
@click.option("--status", help="In this state, as active.")
@visibility_options("all")
@click.option("--owner", "--project", "owner", help="Of this project's id.")
@click.option("--own", is_flag=True, help="Of the project worked in alone.")
@tag_option
@format_filters
@click.option("--member-status", help="pending, accepted, …")
@click.option("--hidden", is_flag=True, help="The hidden ones instead.")
@click.option("--created-after", metavar="AGE|DATE", help="As 90d, 12h or 2026-01-31.")
@click.option("--created-before", metavar="AGE|DATE", help="As 90d, 12h or 2026-01-31.")
@property_option
@click.option("--without", multiple=True, metavar="KEY", help="Without this property.")
@click.option("--sort", help="As name:asc,size:desc.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many.")
@click.option("--marker", help="Begin after the image with this id.")
@click.option("--long", is_flag=True, help="More columns.")
@format_options
@click.pass_obj
def list_images(
    options: Options,
    /,
    own: bool,
    properties: Sequence[str],
    without: Sequence[str],
    limit: int | None,
    long: bool,
    form: Format,
    column: Sequence[str],
    **filters: Any,
) -> None:
    """List images, page by page. Properties are looked at here, the other filters at the server."""
    wanted = pairs(properties)
    given = _filters(filters)
    columns = dict(_LONG if long or column else _COLUMNS)
    with connected(options) as client:
        if own:
            given["owner"] = client.project_id()
        # Of those that are looked at here, nobody knows how many to ask for.
        most = None if wanted or without else limit
        images = _having(client.images(limit=most, **given), wanted, without)
        show_list(islice(images, limit), columns, form, column)


def _filters(given: dict[str, Any]) -> dict[str, Any]:
    """Return filters of a list as the server takes them."""
    created = _between(given.pop("created_after"), given.pop("created_before"))
    return {
        "visibility": visibility_of(given),
        "os_hidden": given.pop("hidden") or None,
        "tag": list(given.pop("tag")) or None,
        "created_at": created,
        **given,
    }


def _having(
    images: Iterable[Any], wanted: Mapping[str, str], without: Iterable[str]
) -> Iterator[Any]:
    """Yield the images with properties and without others; an empty one is none."""
    for image in images:
        has_all = all(image.get(key) == value for key, value in wanted.items())
        if has_all and not any(image.get(key) for key in without):
            yield image


_UNITS: Mapping[str, str] = MappingProxyType({"h": "hours", "d": "days", "w": "weeks"})


def _between(after: str | None, before: str | None) -> list[str] | None:
    given = [("gte", after), ("lt", before)]
    return [f"{word}:{_moment(when)}" for word, when in given if when] or None


def _moment(given: str) -> str:
    """Return a moment as the server takes it; ``90d`` is that long ago."""
    from polaris_bff import ago  # noqa: PLC0415  # the contract

    if age := re.fullmatch(r"([0-9]{1,5})([hdw])", given):
        return ago(**{_UNITS[age[2]]: float(age[1])})
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", given):
        return f"{given}T00:00:00Z"
    return given


@app.command()
@image_argument
@format_options
@click.pass_obj
def show(options: Options, image: str, form: Format, column: Sequence[str]) -> None:
    """Show an image with all its properties."""
    with connected(options) as client:
        show_one(client.find_image(image), form, column)


@app.command()
@images_argument
@click.option("--status", default="active", help="The state to wait for.")
@click.option(
    "--timeout", type=click.FloatRange(min=0), default=600.0, help="Seconds for each of them."
)
@click.pass_obj
def wait(options: Options, images: Sequence[str], status: Any, timeout: float) -> None:
    """Wait until images are active, or in another state; ends with 5 when that takes too long."""
    with connected(options) as client:
        for each in words(images):
            client.wait_for(client.find_image(each), status, timeout=timeout)


for command in (
    *(changes.set_, changes.unset, changes.delete, changes.activate, changes.deactivate),
    *(changes.hide, changes.unhide, changes.tag, changes.untag),
    *(sharing.members, sharing.share, sharing.unshare, sharing.accept, sharing.reject),
    *(uploads.create, uploads.upload, uploads.replace, downloads.save),
):
    app.add_command(command)
