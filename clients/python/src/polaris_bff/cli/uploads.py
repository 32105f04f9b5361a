"""The commands that send data: several files side by side, by the client with asyncio."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.exceptions import Exit

from polaris_bff.cli.options import image_argument, metadata_of, metadata_options, say
from polaris_bff.cli.output import (
    Format,
    described,
    format_options,
    progress_bars,
    show_list,
    show_one,
    together,
)
from polaris_bff.cli.state import Options, connected, connected_async
from polaris_bff.errors import BffError

if TYPE_CHECKING:
    from polaris_bff import AsyncClient

quiet_option = click.option("--quiet", is_flag=True, help="Show no progress.")
transfer_options = together(
    quiet_option,
    click.option(
        "--concurrency", type=click.IntRange(1, 64), default=4, help="Files at a time; 4."
    ),
)
a_file = click.Path(exists=True, dir_okay=False, path_type=Path)
# Sends a file, telling its progress; gives the image.
Job = Callable[["AsyncClient", Any], Awaitable[Any]]


@click.command()
@click.argument("name", required=False)
@click.option("--id", help="The id to give it.")
@metadata_options
@click.option(
    *("--file", "files"), type=a_file, multiple=True, help="The data; several make an image each."
)
@click.option("--wait", is_flag=True, help="Until it is active.")
@transfer_options
@format_options
@click.pass_obj
def create(
    options: Options,
    /,
    name: str | None,
    files: Sequence[Path],
    wait: bool,
    quiet: bool,
    concurrency: int,
    form: Format,
    column: Sequence[str],
    **given: Any,
) -> None:
    """Make images, and upload their data; one is deleted again if that fails.

    An image without a NAME has its file's. It is raw and bare unless told.
    """
    _check(name, files, image_id=given["id"], wait=wait)
    metadata = {"disk_format": "raw", "container_format": "bare", **metadata_of(given)}
    if not files:
        with connected(options) as client:
            show_one(client.call("compute.image.createImage", name=name, **metadata), form, column)
        return
    jobs = {each: _creation(each, {**metadata, "name": name or each.stem}) for each in files}
    made = _run(options, jobs, quiet=quiet, concurrency=concurrency)
    if len(files) == 1:
        show_one(made[0], form, column)
    else:
        columns = {"ID": "id", "Name": "name", "Status": "status", "Size": "size"}
        show_list(filter(None, made), columns, form, column)
        raise Exit(int(None in made))


def _check(name: str | None, files: Sequence[Path], *, image_id: str | None, wait: bool) -> None:
    if wait and not files:
        raise click.BadParameter("without --file, nothing is to come", param_hint="--wait")
    if len(files) > 1 and (name or image_id):
        raise click.BadParameter("several files are several images, named by their files")
    if not name and not files:
        raise click.BadParameter("give a name, or --file", param_hint="NAME")


def _creation(file: Path, metadata: Mapping[str, Any]) -> Job:
    async def job(client: AsyncClient, progress: Any) -> Any:
        return await client.create_and_upload(file, progress=progress, **metadata)

    return job


@click.command()
@click.argument("pairs", metavar="IMAGE FILE [IMAGE FILE]...", nargs=-1, required=True)
@transfer_options
@click.pass_obj
def upload(options: Options, pairs: Sequence[str], quiet: bool, concurrency: int) -> None:
    """Upload the data of images that are queued, one file for each."""
    if len(pairs) % 2:
        raise click.BadParameter("give an image, and its one file; then another image")
    names, files = pairs[::2], [Path(each) for each in pairs[1::2]]
    if missing := [each for each in files if not each.exists()]:
        raise click.BadParameter(f"there is no file {str(missing[0])!r}", param_hint="FILE")
    jobs = {file: _upload(name, file) for name, file in zip(names, files, strict=True)}
    if len(jobs) < len(files):
        raise click.BadParameter("a file is there twice", param_hint="FILE")
    made = _run(options, jobs, quiet=quiet, concurrency=concurrency)
    raise Exit(int(None in made))


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


@click.command()
@image_argument
@click.argument("file", type=a_file)
@quiet_option
@format_options
@click.pass_obj
def replace(
    options: Options, image: str, file: Path, quiet: bool, form: Format, column: Sequence[str]
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

    (new,) = _run(options, {file: job}, quiet=quiet, concurrency=1)
    show_one(new, form, column)


def _run(options: Options, jobs: Mapping[Path, Job], *, quiet: bool, concurrency: int) -> list[Any]:
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
            async with connected_async(options) as client:
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
