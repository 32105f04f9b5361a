"""The command that reads an image's data, from Glance itself."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from polaris_bff.cli.options import image_argument
from polaris_bff.cli.output import progress_bars
from polaris_bff.cli.state import Options, connected
from polaris_bff.cli.uploads import quiet_option


@click.command()
@image_argument
@click.option(
    "--file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to save it, when all of it is there and right; otherwise it is written to stdout.",
)
@click.option(
    "--chunk-size",
    type=click.IntRange(min=1),
    default=256 * 1024,
    help="Bytes to read and write at a time; 262144.",
)
@quiet_option
@click.pass_obj
def save(options: Options, image: str, file: Path | None, chunk_size: int, quiet: bool) -> None:
    """Save an image's data. It comes from Glance itself, and takes --os-cloud or OS_* variables."""
    if file is None and sys.stdout.isatty():
        raise click.BadParameter("an image is no text: name a file", param_hint="--file")
    with connected(options) as client, progress_bars(quiet=quiet) as bars:
        found = client.find_image(image)
        shown = bars(file.name if file else image)
        client.download(found, file or sys.stdout.buffer, progress=shown, chunk_size=chunk_size)
