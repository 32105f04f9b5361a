"""The commands below ``polaris image``, with the options and columns of ``openstack image``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from polaris_bff.cli.output import (
    ColumnsOption,
    Format,
    FormatOption,
    clean,
    described,
    progress_bar,
    show_list,
    show_one,
)
from polaris_bff.cli.state import connected
from polaris_bff.errors import BffError

if TYPE_CHECKING:
    from polaris_bff import Client

app = typer.Typer(no_args_is_help=True, help="Images: list, show, create, change, share, delete.")


class Visibility(str, Enum):
    """Who may see an image."""

    PUBLIC = "public"
    PRIVATE = "private"
    COMMUNITY = "community"
    SHARED = "shared"
    ALL = "all"


ImageArgument = Annotated[str, typer.Argument(metavar="IMAGE", help="Its name or id.")]
ImagesArgument = Annotated[list[str], typer.Argument(metavar="IMAGE...", help="Names or ids.")]
ProjectArgument = Annotated[str, typer.Argument(metavar="PROJECT", help="Its name or id.")]
PropertyOption = Annotated[
    list[str] | None, typer.Option("--property", metavar="KEY=VALUE", help="May be repeated.")
]
TagOption = Annotated[list[str] | None, typer.Option("--tag", help="May be repeated.")]
VisibilityOption = Annotated[Visibility | None, typer.Option(help="Who may see it.")]
FileOption = Annotated[Path | None, typer.Option(help="The data to upload.", exists=True)]
QuietOption = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]
WaitOption = Annotated[bool, typer.Option("--wait", help="Until it is active.")]
_COLUMNS: tuple[tuple[str, str], ...] = (("ID", "id"), ("Name", "name"), ("Status", "status"))
_LONG: tuple[tuple[str, str], ...] = (
    *(("ID", "id"), ("Name", "name"), ("Disk Format", "disk_format")),
    *(("Container Format", "container_format"), ("Size", "size"), ("Checksum", "checksum")),
    *(("Status", "status"), ("Visibility", "visibility"), ("Protected", "protected")),
    *(("Project", "owner"), ("Tags", "tags")),
)


@app.command("list")
def list_images(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Option(help="With exactly this name.")] = None,
    status: Annotated[str | None, typer.Option(help="In this state, as active.")] = None,
    visibility: VisibilityOption = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Of this project's id.")] = None,
    tag: TagOption = None,
    disk_format: Annotated[str | None, typer.Option(help="As qcow2.")] = None,
    container_format: Annotated[str | None, typer.Option(help="As bare.")] = None,
    member_status: Annotated[str | None, typer.Option(help="pending, accepted, …")] = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="The hidden ones instead.")] = False,
    sort: Annotated[str | None, typer.Option(help="As name:asc,size:desc.")] = None,
    limit: Annotated[int | None, typer.Option(help="At most so many.", min=1)] = None,
    marker: Annotated[str | None, typer.Option(help="Begin after the image with this id.")] = None,
    long: Annotated[bool, typer.Option("--long", help="More columns.")] = False,
    form: FormatOption = Format.TABLE,
    column: ColumnsOption = None,
) -> None:
    """List images, page by page."""
    filters: dict[str, Any] = {
        "name": name,
        "status": status,
        "visibility": visibility and visibility.value,
        "owner": owner,
        "tag": tag or None,
        "disk_format": disk_format,
        "container_format": container_format,
        "member_status": member_status,
        "os_hidden": True if hidden else None,
        "sort": sort,
        "limit": limit,
        "marker": marker,
    }
    columns = dict(_LONG if long or column else _COLUMNS)
    with connected(ctx.obj) as client:
        show_list(client.images(**filters), columns, form, column)


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
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="What people call it.")],
    image_id: Annotated[str | None, typer.Option("--id", help="The id to give it.")] = None,
    disk_format: Annotated[str, typer.Option(help="As qcow2.")] = "raw",
    container_format: Annotated[str, typer.Option(help="As bare.")] = "bare",
    min_disk: Annotated[int | None, typer.Option(help="In GiB.", min=0)] = None,
    min_ram: Annotated[int | None, typer.Option(help="In MiB.", min=0)] = None,
    file: FileOption = None,
    visibility: VisibilityOption = None,
    protected: Annotated[bool | None, typer.Option("--protected/--unprotected")] = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="Leave it out of lists.")] = False,
    tag: TagOption = None,
    property_: PropertyOption = None,
    quiet: QuietOption = False,
    wait: WaitOption = False,
    form: FormatOption = Format.TABLE,
    column: ColumnsOption = None,
) -> None:
    """Make an image, and upload its data; it is deleted again if that fails."""
    metadata = {
        **_pairs(property_),
        "name": name,
        "id": image_id,
        "disk_format": disk_format,
        "container_format": container_format,
        "min_disk": min_disk,
        "min_ram": min_ram,
        "visibility": visibility and visibility.value,
        "protected": protected,
        "os_hidden": hidden or None,
        "tags": tag or None,
    }
    if wait and file is None:
        raise typer.BadParameter("without --file, nothing is to come", param_hint="--wait")
    given: Any = {key: value for key, value in metadata.items() if value is not None}
    with connected(ctx.obj) as client:
        if file is None:
            made = client.call("compute.image.createImage", **given)
        else:
            with _progress(quiet=quiet) as progress:
                made = client.create_and_upload(file, progress=progress, **given)
        if wait:
            made = client.wait_for(made["id"])
    show_one(made, form, column)


@app.command("set")
def set_(
    ctx: typer.Context,
    image: ImageArgument,
    name: Annotated[str | None, typer.Option(help="Its new name.")] = None,
    disk_format: Annotated[str | None, typer.Option(help="As qcow2.")] = None,
    container_format: Annotated[str | None, typer.Option(help="As bare.")] = None,
    min_disk: Annotated[int | None, typer.Option(help="In GiB.", min=0)] = None,
    min_ram: Annotated[int | None, typer.Option(help="In MiB.", min=0)] = None,
    visibility: VisibilityOption = None,
    protected: Annotated[bool | None, typer.Option("--protected/--unprotected")] = None,
    hidden: Annotated[bool | None, typer.Option("--hidden/--unhidden")] = None,
    tag: TagOption = None,
    property_: PropertyOption = None,
) -> None:
    """Change an image's metadata: all of it, or nothing."""
    values = {
        **_pairs(property_),
        "name": name,
        "disk_format": disk_format,
        "container_format": container_format,
        "min_disk": min_disk,
        "min_ram": min_ram,
        "visibility": visibility and visibility.value,
        "protected": protected,
        "os_hidden": hidden,
    }
    operations = [
        {"op": "add", "path": _pointer(key), "value": value}
        for key, value in values.items()
        if value is not None
    ]
    operations += [{"op": "add", "path": "/tags/-", "value": each} for each in tag or []]
    _change(ctx, image, operations)


@app.command()
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
        operations: list[Any] = [{"op": "remove", "path": _pointer(key)} for key in property_ or []]
        if gone:
            kept = [each for each in tags if each not in gone]
            operations.append({"op": "replace", "path": "/tags", "value": kept})
        client.compute.image.update_image(image_id=found["id"], operations=operations)


@app.command()
def hide(ctx: typer.Context, image: ImageArgument) -> None:
    """Leave an image out of lists."""
    _change(ctx, image, [{"op": "replace", "path": "/os_hidden", "value": True}])


@app.command()
def unhide(ctx: typer.Context, image: ImageArgument) -> None:
    """Have an image in lists again."""
    _change(ctx, image, [{"op": "replace", "path": "/os_hidden", "value": False}])


@app.command()
def delete(ctx: typer.Context, images: ImagesArgument) -> None:
    """Delete images, many at once."""
    _bulk(ctx, images, "compute.image.deleteImages")


@app.command()
def activate(ctx: typer.Context, images: ImagesArgument) -> None:
    """Let deactivated images be used again."""
    _bulk(ctx, images, "compute.image.activateImages")


@app.command()
def deactivate(ctx: typer.Context, images: ImagesArgument) -> None:
    """Let nobody boot or download images."""
    _bulk(ctx, images, "compute.image.deactivateImages")


@app.command()
def share(ctx: typer.Context, image: ImageArgument, project: ProjectArgument) -> None:
    """Share an image with a project, which then accepts it."""
    with connected(ctx.obj) as client:
        found = client.find_image(image)
        member = _project_id(client, project)
        client.compute.image.create_image_member(image_id=found["id"], member=member)


@app.command()
def unshare(ctx: typer.Context, image: ImageArgument, project: ProjectArgument) -> None:
    """Share an image with a project no more."""
    with connected(ctx.obj) as client:
        found = client.find_image(image)
        member = _project_id(client, project)
        client.compute.image.delete_image_member(image_id=found["id"], member_id=member)


@app.command()
def accept(ctx: typer.Context, image: ImageArgument) -> None:
    """Have an image that is shared with this project in its lists."""
    _decide(ctx, image, "accepted")


@app.command()
def reject(ctx: typer.Context, image: ImageArgument) -> None:
    """Have an image that is shared with this project in no list."""
    _decide(ctx, image, "rejected")


@app.command()
def upload(
    ctx: typer.Context,
    image: ImageArgument,
    file: Annotated[Path, typer.Argument(help="Its data.", exists=True, dir_okay=False)],
    quiet: QuietOption = False,
) -> None:
    """Upload the data of an image that is queued."""
    with connected(ctx.obj) as client:
        found = client.find_image(image)
        with _progress(quiet=quiet) as progress:
            client.upload(found["id"], file, progress=progress)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Any]:
    yield from progress_bar(quiet)


def _change(ctx: typer.Context, image: str, operations: list[Any]) -> None:
    if not operations:
        raise typer.BadParameter("say what to change")
    with connected(ctx.obj) as client:
        found = client.find_image(image)
        client.compute.image.update_image(image_id=found["id"], operations=operations)


def _decide(ctx: typer.Context, image: str, status: Any) -> None:
    with connected(ctx.obj) as client:
        found = _shared(client, image)
        client.compute.image.update_image_member(
            image_id=found["id"], member_id=_own_project(ctx, client), status=status
        )


def _own_project(ctx: typer.Context, client: Client) -> str:
    session: Any = client.auth.get_current_user_session()
    project = (session and session["project"]) or {"id": ""}
    return str(ctx.obj.project or project["id"])


def _shared(client: Client, image: str) -> Any:
    """Return an image, also one that is shared and not yet accepted."""
    return client.find_image(image, member_status="all", visibility="shared")


def _project_id(client: Client, wanted: str) -> str:
    """Return the id of a project of the user's, or the id of another one."""
    try:
        return client.find_project(wanted)["id"]
    except BffError as error:
        # Glance shares with whatever it is told, a mistyped name too.
        if error.code != "NOT_FOUND" or not re.fullmatch(r"[0-9a-f-]{32,36}", wanted):
            raise
        return wanted


def _bulk(ctx: typer.Context, images: Iterable[str], procedure: str) -> None:
    """Do something to images; say which of them it failed for, and end with 1 then."""
    with connected(ctx.obj) as client:
        ids, failed = _ids(client, images)
        waiting = iter(ids)
        while some := list(islice(waiting, 1000)):
            done: Mapping[str, Any] = client.call(procedure, image_ids=some)
            for failure in done["failed"]:
                typer.echo(clean(f"polaris: {failure['message']} ({failure['code']})"), err=True)
                failed = True
    raise typer.Exit(int(failed))


def _ids(client: Client, images: Iterable[str]) -> tuple[list[str], bool]:
    ids, failed = [], False
    for each in images:
        try:
            ids.append(client.find_image(each)["id"])
        except BffError as error:  # noqa: PERF203  # each on its own
            typer.echo(clean(f"polaris: {described(error)}"), err=True)
            failed = True
    return ids, failed


def _pairs(given: Iterable[str] | None) -> dict[str, Any]:
    pairs = [each.partition("=") for each in given or []]
    if wrong := [key for key, equals, _ in pairs if not key or not equals]:
        raise typer.BadParameter(f"{wrong[0]!r} is not KEY=VALUE", param_hint="--property")
    return {key: value for key, _, value in pairs}


def _pointer(key: str) -> str:
    """Return the JSON Pointer to a property (RFC 6901)."""
    return "/" + key.replace("~", "~0").replace("/", "~1")
