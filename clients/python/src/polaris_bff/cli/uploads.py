"""The commands that send data: several files side by side, by the client with asyncio."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from polaris_bff.cli.options import (
    CommunityFlag,
    ImageArgument,
    PrivateFlag,
    PropertyOption,
    PublicFlag,
    SharedFlag,
    TagOption,
    VisibilityOption,
    pairs,
    say,
    visibility_of,
)
from polaris_bff.cli.output import (
    ColumnsOption,
    Format,
    FormatOption,
    described,
    progress_bars,
    show_list,
    show_one,
)
from polaris_bff.cli.state import connected, connected_async
from polaris_bff.errors import BffError

if TYPE_CHECKING:
    from polaris_bff import AsyncClient

QuietOption = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]
ConcurrencyOption = Annotated[int, typer.Option(help="Files at a time.", min=1, max=64)]
# Sends a file, telling its progress; gives the image.
Job = Callable[["AsyncClient", Any], Awaitable[Any]]


def create(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="What people call it; otherwise its file's.")
    ] = None,
    image_id: Annotated[str | None, typer.Option("--id", help="The id to give it.")] = None,
    disk_format: Annotated[str, typer.Option(help="As qcow2.")] = "raw",
    container_format: Annotated[str, typer.Option(help="As bare.")] = "bare",
    min_disk: Annotated[int | None, typer.Option(help="In GiB.", min=0)] = None,
    min_ram: Annotated[int | None, typer.Option(help="In MiB.", min=0)] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option(help="The data; several make an image each.", exists=True, dir_okay=False),
    ] = None,
    visibility: VisibilityOption = None,
    public: PublicFlag = False,
    private: PrivateFlag = False,
    community: CommunityFlag = False,
    shared: SharedFlag = False,
    protected: Annotated[bool | None, typer.Option("--protected/--unprotected")] = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="Leave it out of lists.")] = False,
    tag: TagOption = None,
    property_: PropertyOption = None,
    quiet: QuietOption = False,
    concurrency: ConcurrencyOption = 4,
    wait: Annotated[bool, typer.Option("--wait", help="Until it is active.")] = False,
    form: FormatOption = Format.TABLE,
    column: ColumnsOption = None,
) -> None:
    """Make images, and upload their data; one is deleted again if that fails."""
    files = file or []
    if wait and not files:
        raise typer.BadParameter("without --file, nothing is to come", param_hint="--wait")
    if len(files) > 1 and (name or image_id):
        raise typer.BadParameter("several files are several images, named by their files")
    if not name and not files:
        raise typer.BadParameter("give a name, or --file", param_hint="NAME")
    metadata = {
        **pairs(property_),
        "id": image_id,
        "disk_format": disk_format,
        "container_format": container_format,
        "min_disk": min_disk,
        "min_ram": min_ram,
        "visibility": visibility_of(
            visibility, public=public, private=private, community=community, shared=shared
        ),
        "protected": protected,
        "os_hidden": hidden or None,
        "tags": tag or None,
    }
    given = {key: value for key, value in metadata.items() if value is not None}
    if not files:
        with connected(ctx.obj) as client:
            show_one(client.call("compute.image.createImage", name=name, **given), form, column)
        return
    jobs = {each: _creation(each, {**given, "name": name or each.stem}) for each in files}
    made = _run(ctx, jobs, quiet=quiet, concurrency=concurrency)
    if len(files) == 1:
        show_one(made[0], form, column)
    else:
        columns = {"ID": "id", "Name": "name", "Status": "status", "Size": "size"}
        show_list(filter(None, made), columns, form, column)
        raise typer.Exit(int(None in made))


def _creation(file: Path, metadata: Mapping[str, Any]) -> Job:
    async def job(client: AsyncClient, progress: Any) -> Any:
        return await client.create_and_upload(file, progress=progress, **metadata)

    return job


def upload(
    ctx: typer.Context,
    pairs_: Annotated[
        list[str],
        typer.Argument(metavar="IMAGE FILE [IMAGE FILE]...", help="By name or id, and its data."),
    ],
    quiet: QuietOption = False,
    concurrency: ConcurrencyOption = 4,
) -> None:
    """Upload the data of images that are queued, one file for each."""
    if len(pairs_) % 2:
        raise typer.BadParameter("give an image, and its one file; then another image")
    names, files = pairs_[::2], [Path(each) for each in pairs_[1::2]]
    if missing := [each for each in files if not each.exists()]:
        raise typer.BadParameter(f"there is no file {str(missing[0])!r}", param_hint="FILE")
    jobs = {file: _upload(name, file) for name, file in zip(names, files, strict=True)}
    if len(jobs) < len(files):
        raise typer.BadParameter("a file is there twice", param_hint="FILE")
    made = _run(ctx, jobs, quiet=quiet, concurrency=concurrency)
    raise typer.Exit(int(None in made))


def _upload(name: str, file: Path) -> Job:
    async def job(client: AsyncClient, progress: Any) -> Any:
        from asyncio import CancelledError  # noqa: PLC0415  # slow

        found = await client.find_image(name)
        try:
            return await client.upload(found, file, progress=progress)
        except CancelledError:
            say(f"the upload of {name} was cut; the image stays queued, unless all had been sent")
            raise

    return job


def replace(
    ctx: typer.Context,
    image: ImageArgument,
    file: Annotated[Path, typer.Argument(help="The new data.", exists=True, dir_okay=False)],
    quiet: QuietOption = False,
    form: FormatOption = Format.TABLE,
    column: ColumnsOption = None,
) -> None:
    """Make an image like another one with new data, and hide the old one then.

    The new one has its name, formats, tags, visibility and properties; not its members.
    """

    async def job(client: AsyncClient, progress: Any) -> Any:
        from polaris_bff import metadata  # noqa: PLC0415  # httpx

        old = await client.find_image(image)
        new = await client.create_and_upload(file, progress=progress, **metadata(old))
        hide: Any = [{"op": "replace", "path": "/os_hidden", "value": True}]
        await client.compute.image.update_image(image_id=old["id"], operations=hide)
        return new

    (new,) = _run(ctx, {file: job}, quiet=quiet, concurrency=1)
    show_one(new, form, column)


def _run(
    ctx: typer.Context, jobs: Mapping[Path, Job], *, quiet: bool, concurrency: int
) -> list[Any]:
    """Do jobs side by side; returns the image of each, ``None`` where it failed, which is told.

    Raises:
        BffError: the only one failed.
        SystemExit: SIGINT or SIGTERM came, and what was begun is ended.
    """
    import asyncio  # noqa: PLC0415  # slow

    came: list[int] = []

    async def all_jobs() -> list[Any]:
        whole = asyncio.current_task()

        def stop(number: int) -> None:
            came.append(number)
            if whole is not None:
                whole.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            # Only in a process's main thread, and on Windows not even there.
            with suppress(ValueError, RuntimeError, NotImplementedError):
                loop.add_signal_handler(number, stop, number)
        with progress_bars(quiet=quiet) as bars:
            async with connected_async(ctx.obj) as client:
                slots = asyncio.Semaphore(concurrency)

                async def one(file: Path, job: Job) -> Any:
                    async with slots:
                        return await job(client, bars(file.name))

                return await _each([one(file, job) for file, job in jobs.items()])

    # Not by `asyncio.run`, which waits for threads, and one may read from a pipe that says nothing.
    loop = asyncio.new_event_loop()
    try:
        ended = loop.run_until_complete(all_jobs())
    except asyncio.CancelledError:
        raise SystemExit(128 + came[0]) from None
    finally:
        loop.close()
    return [_told(outcome) for outcome in ended]


async def _each(coroutines: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    """Run coroutines to their ends; returns what came of each, or raises what the only one does."""
    import asyncio  # noqa: PLC0415  # slow

    running = [asyncio.create_task(each) for each in coroutines]
    try:
        await asyncio.wait(running)
    finally:
        for task in running:
            task.cancel()
        # What was cut is tidied up, while there is a client.
        ended = await asyncio.gather(*running, return_exceptions=True)
    if len(ended) == 1 and isinstance(ended[0], BaseException):
        raise ended[0]
    return ended


def _told(outcome: Any) -> Any:
    if not isinstance(outcome, BaseException):
        return outcome
    if not isinstance(outcome, BffError | OSError):
        raise outcome
    say(described(outcome) if isinstance(outcome, BffError) else str(outcome))
    return None
