"""The commands below ``polaris image``, with the options and columns of ``openstack image``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Annotated, Any

import typer

from polaris_bff.cli import changes, sharing, uploads
from polaris_bff.cli.options import (
    CommunityFlag,
    ImageArgument,
    ImagesArgument,
    PrivateFlag,
    PropertyOption,
    PublicFlag,
    SharedFlag,
    TagOption,
    VisibilityOption,
    pairs,
    visibility_of,
    words,
)
from polaris_bff.cli.output import ColumnsOption, Format, FormatOption, show_list, show_one
from polaris_bff.cli.state import connected

app = typer.Typer(no_args_is_help=True, help="Images: list, show, create, change, share, delete.")
_COLUMNS: tuple[tuple[str, str], ...] = (("ID", "id"), ("Name", "name"), ("Status", "status"))
_LONG: tuple[tuple[str, str], ...] = (
    *(("ID", "id"), ("Name", "name"), ("Disk Format", "disk_format")),
    *(("Container Format", "container_format"), ("Size", "size"), ("Checksum", "checksum")),
    *(("Status", "status"), ("Visibility", "visibility"), ("Protected", "protected")),
    *(("Project", "owner"), ("Tags", "tags"), ("Created At", "created_at")),
)


@app.command("list")
def list_images(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Option(help="With exactly this name.")] = None,
    status: Annotated[str | None, typer.Option(help="In this state, as active.")] = None,
    visibility: VisibilityOption = None,
    public: PublicFlag = False,
    private: PrivateFlag = False,
    community: CommunityFlag = False,
    shared: SharedFlag = False,
    all_: Annotated[bool, typer.Option("--all", help="As --visibility all.")] = False,
    owner: Annotated[
        str | None, typer.Option("--owner", "--project", help="Of this project's id.")
    ] = None,
    own: Annotated[bool, typer.Option("--own", help="Of the project worked in alone.")] = False,
    tag: TagOption = None,
    disk_format: Annotated[str | None, typer.Option(help="As qcow2.")] = None,
    container_format: Annotated[str | None, typer.Option(help="As bare.")] = None,
    member_status: Annotated[str | None, typer.Option(help="pending, accepted, …")] = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="The hidden ones instead.")] = False,
    created_after: Annotated[
        str | None, typer.Option(metavar="AGE|DATE", help="As 90d, 12h or 2026-01-31.")
    ] = None,
    created_before: Annotated[
        str | None, typer.Option(metavar="AGE|DATE", help="As 90d, 12h or 2026-01-31.")
    ] = None,
    property_: PropertyOption = None,
    without: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="Without this property.")
    ] = None,
    sort: Annotated[str | None, typer.Option(help="As name:asc,size:desc.")] = None,
    limit: Annotated[int | None, typer.Option(help="At most so many.", min=1)] = None,
    marker: Annotated[str | None, typer.Option(help="Begin after the image with this id.")] = None,
    long: Annotated[bool, typer.Option("--long", help="More columns.")] = False,
    form: FormatOption = Format.TABLE,
    column: ColumnsOption = None,
) -> None:
    """List images, page by page. Properties are looked at here, the other filters at the server."""
    filters: dict[str, Any] = {
        "name": name,
        "status": status,
        "visibility": visibility_of(
            visibility,
            public=public,
            private=private,
            community=community,
            shared=shared,
            all=all_,
        ),
        "owner": owner,
        "tag": tag or None,
        "disk_format": disk_format,
        "container_format": container_format,
        "member_status": member_status,
        "os_hidden": True if hidden else None,
        "created_at": _between(created_after, created_before),
        "sort": sort,
        "marker": marker,
    }
    wanted = pairs(property_)
    columns = dict(_LONG if long or column else _COLUMNS)
    with connected(ctx.obj) as client:
        if own:
            filters["owner"] = client.project_id()
        # Of those that are looked at here, nobody knows how many to ask for.
        most = None if wanted or without else limit
        images = _having(client.images(limit=most, **filters), wanted, without or [])
        show_list(islice(images, limit), columns, form, column)


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
def show(
    ctx: typer.Context,
    image: ImageArgument,
    form: FormatOption = Format.TABLE,
    column: ColumnsOption = None,
) -> None:
    """Show an image with all its properties."""
    with connected(ctx.obj) as client:
        show_one(client.find_image(image), form, column)


@app.command()
def wait(
    ctx: typer.Context,
    images: ImagesArgument,
    status: Annotated[str, typer.Option(help="The state to wait for.")] = "active",
    timeout: Annotated[float, typer.Option(help="Seconds for each of them.", min=0)] = 600.0,
) -> None:
    """Wait until images are active, or in another state; ends with 5 when that takes too long."""
    wanted: Any = status
    with connected(ctx.obj) as client:
        for each in words(images):
            client.wait_for(client.find_image(each), wanted, timeout=timeout)


app.command()(uploads.create)
app.command("set")(changes.set_)
for command in (
    *(changes.unset, changes.delete, changes.activate, changes.deactivate),
    *(changes.hide, changes.unhide, changes.tag, changes.untag),
    *(sharing.members, sharing.share, sharing.unshare, sharing.accept, sharing.reject),
    *(uploads.upload, uploads.replace),
):
    app.command()(command)
