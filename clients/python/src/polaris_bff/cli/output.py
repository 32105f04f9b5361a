"""What is printed: tables for people, the other forms for programs."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from enum import Enum
from typing import Annotated, Any

import typer

from polaris_bff.errors import BffError


class Format(str, Enum):
    """How an answer is printed."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    CSV = "csv"
    VALUE = "value"


FormatOption = Annotated[Format, typer.Option("-f", "--format", help="How to print the answer.")]
ColumnsOption = Annotated[
    list[str] | None, typer.Option("-c", "--column", help="A column to print; may be repeated.")
]


def clean(text: str) -> str:
    """Return a text that moves no cursor: what others wrote is shown, and not carried out."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def described(error: BffError) -> str:
    """Return an error in one line."""
    request = f", {error.request_id}" if error.request_id else ""
    return f"{error.message} ({error.code}{request})"


def in_words(value: Any) -> str:
    """Return a value as a cell of a table."""
    if value is None:
        return ""
    if isinstance(value, list):
        return clean(", ".join(map(str, value)))
    return clean(json.dumps(value) if isinstance(value, dict) else str(value))


def show_list(
    rows: Iterable[Mapping[str, Any]],
    columns: Mapping[str, str],
    form: Format,
    chosen: Sequence[str] | None,
) -> None:
    """Print rows; those of ``csv`` and ``value`` as they come.

    Args:
        columns: The titles, and the keys of the rows that they stand for.
        chosen: The titles or keys to print, in this order.
    """
    shown = _chosen(columns, chosen)
    if form in (Format.JSON, Format.YAML):
        _document([{title: row.get(key) for title, key in shown.items()} for row in rows], form)
        return
    cells = ([in_words(row.get(key)) for key in shown.values()] for row in rows)
    if form is Format.TABLE:
        _table(list(shown), cells)
    elif form is Format.CSV:
        writer = csv.writer(sys.stdout, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
        writer.writerow(shown)
        writer.writerows(cells)
    else:
        for row in cells:
            typer.echo(" ".join(row))


def show_one(whole: Mapping[str, Any], form: Format, chosen: Sequence[str] | None) -> None:
    """Print one thing: a field a line."""
    shown = _chosen({key: key for key in sorted(whole)}, chosen)
    fields = {key: whole[key] for key in shown}
    if form in (Format.JSON, Format.YAML):
        _document(fields, form)
    elif form is Format.VALUE:
        for value in fields.values():
            typer.echo(in_words(value))
    elif form is Format.CSV:
        writer = csv.writer(sys.stdout, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
        writer.writerows([list(fields), [in_words(value) for value in fields.values()]])
    else:
        _table(["Field", "Value"], ([key, in_words(value)] for key, value in fields.items()))


def _chosen(columns: Mapping[str, str], chosen: Sequence[str] | None) -> dict[str, str]:
    if not chosen:
        return dict(columns)
    known = {name.lower(): title for title, key in columns.items() for name in (title, key)}
    return {(title := _title(name, known)): columns[title] for name in chosen}


def _title(name: str, known: Mapping[str, str]) -> str:
    if name.lower() in known:
        return known[name.lower()]
    close = get_close_matches(name.lower(), known, n=1)
    hint = f"; did you mean {known[close[0]]!r}?" if close else ""
    raise typer.BadParameter(f"there is no column {name!r}{hint}", param_hint="-c")


def _document(document: Any, form: Format) -> None:
    if form is Format.JSON:
        typer.echo(json.dumps(document, indent=2))
        return
    import yaml  # noqa: PLC0415  # seldom asked for

    typer.echo(yaml.safe_dump(document, sort_keys=False), nl=False)


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich import box  # noqa: PLC0415  # slow
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.ASCII2, show_edge=True)
    for title in titles:
        # What is too long goes on below: an id that is cut is none.
        table.add_column(title, overflow="fold")
    for row in rows:
        # A text is no markup.
        table.add_row(*map(Text, row))
    # Where nobody looks, nothing is cut.
    console = Console(width=None if sys.stdout.isatty() else 10_000)
    console.print(table)


@contextmanager
def progress_bars(*, quiet: bool) -> Iterator[Callable[[str], Any]]:
    """Yield a function that begins a bar for a file and returns what is told of its progress.

    Where stderr is no terminal, nothing is shown.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda _name: None
        return
    from rich import progress  # noqa: PLC0415  # slow
    from rich.console import Console  # noqa: PLC0415

    columns = (
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.DownloadColumn(binary_units=True),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(elapsed_when_finished=True),
    )
    with progress.Progress(*columns, console=Console(stderr=True)) as shown:

        def begin(name: str) -> Any:
            task = shown.add_task(clean(name), total=None)
            return lambda sent, total: shown.update(task, completed=sent, total=total)

        yield begin
