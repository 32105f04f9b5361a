"""What is printed: tables for people, the other forms for programs."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from difflib import get_close_matches
from functools import reduce
from typing import Any, Literal, TypeAlias, TypeVar

import click

from polaris_bff.errors import BffError

Command = TypeVar("Command", bound=Callable[..., Any])
Format: TypeAlias = Literal["table", "json", "yaml", "csv", "value"]


def together(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Return one decorator for options that several commands have."""
    return lambda command: reduce(lambda whole, option: option(whole), reversed(options), command)


format_options = together(
    click.option(
        *("-f", "--format", "form"),
        type=click.Choice(["table", "json", "yaml", "csv", "value"]),
        default="table",
        help="How to print the answer.",
    ),
    click.option(*("-c", "--column"), multiple=True, help="A column to print; may be repeated."),
)


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
    chosen: Sequence[str],
) -> None:
    """Print rows; those of ``csv`` and ``value`` as they come.

    Args:
        columns: The titles, and the keys of the rows that they stand for.
        chosen: The titles or keys to print, in this order.
    """
    shown = _chosen(columns, chosen)
    if form in ("json", "yaml"):
        _document([{title: row.get(key) for title, key in shown.items()} for row in rows], form)
        return
    cells = ([in_words(row.get(key)) for key in shown.values()] for row in rows)
    if form == "table":
        _table(list(shown), cells)
    elif form == "csv":
        writer = csv.writer(sys.stdout, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
        writer.writerow(shown)
        writer.writerows(cells)
    else:
        for row in cells:
            click.echo(" ".join(row))


def show_one(whole: Mapping[str, Any], form: Format, chosen: Sequence[str]) -> None:
    """Print one thing: a field a line."""
    shown = _chosen({key: key for key in sorted(whole)}, chosen)
    fields = {key: whole[key] for key in shown}
    if form in ("json", "yaml"):
        _document(fields, form)
    elif form == "value":
        for value in fields.values():
            click.echo(in_words(value))
    elif form == "csv":
        writer = csv.writer(sys.stdout, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
        writer.writerows([list(fields), [in_words(value) for value in fields.values()]])
    else:
        _table(["Field", "Value"], ([key, in_words(value)] for key, value in fields.items()))


def _chosen(columns: Mapping[str, str], chosen: Sequence[str]) -> dict[str, str]:
    if not chosen:
        return dict(columns)
    known = {name.lower(): title for title, key in columns.items() for name in (title, key)}
    return {(title := _title(name, known)): columns[title] for name in chosen}


def _title(name: str, known: Mapping[str, str]) -> str:
    if name.lower() in known:
        return known[name.lower()]
    close = get_close_matches(name.lower(), known, n=1)
    hint = f"; did you mean {known[close[0]]!r}?" if close else ""
    raise click.BadParameter(f"there is no column {name!r}{hint}", param_hint="-c")


def _document(document: Any, form: Format) -> None:
    if form == "json":
        click.echo(json.dumps(document, indent=2))
        return
    import yaml  # noqa: PLC0415  # seldom asked for

    click.echo(yaml.safe_dump(document, sort_keys=False), nl=False)


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from prettytable import PrettyTable  # noqa: PLC0415  # slow

    table = PrettyTable(titles, align="l")
    table.add_rows([list(row) for row in rows])
    if sys.stdout.isatty():
        # What is too long goes on below: an id that is cut is none. Where nobody looks, all fits.
        table.max_table_width = shutil.get_terminal_size().columns - 1
    click.echo(table.get_string())


@contextmanager
def progress_bars(*, quiet: bool) -> Iterator[Callable[[str], Any]]:
    """Yield a function that begins a bar for a file and returns what is told of its progress.

    Where stderr is no terminal, nothing is shown.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda _name: None
        return
    from tqdm import tqdm  # noqa: PLC0415  # slow

    # It would watch its bars in a thread.
    tqdm.monitor_interval = 0
    with ExitStack() as bars:

        def begin(name: str) -> Any:
            bar = bars.enter_context(
                tqdm(
                    desc=clean(name),
                    unit="B",
                    unit_scale=True,
                    unit_divisor=1024,
                    dynamic_ncols=True,
                )
            )

            def shown(done: int, total: int | None) -> None:
                bar.total = total
                bar.update(done - bar.n)

            return shown

        yield begin
