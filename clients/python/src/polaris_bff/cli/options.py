"""The options that several commands below ``polaris image`` have, and what their texts mean."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click
from click.exceptions import Exit

from polaris_bff.cli.output import Command, clean, described, together
from polaris_bff.errors import BffError

if TYPE_CHECKING:
    from polaris_bff import Client

_VISIBILITIES: tuple[str, ...] = ("public", "private", "community", "shared")
image_argument = click.argument("image", metavar="IMAGE")
images_argument = click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Say what would be done, and do nothing."
)
tag_option = click.option("--tag", multiple=True, help="May be repeated.")
property_option = click.option(
    *("--property", "properties"), metavar="KEY=VALUE", multiple=True, help="May be repeated."
)
format_filters = together(
    click.option("--disk-format", help="As qcow2."),
    click.option("--container-format", help="As bare."),
)


def visibility_options(*more: str) -> Callable[[Command], Command]:
    """Return the options that name a visibility, each by a flag too.

    Args:
        more: Visibilities besides those that an image can have.
    """
    names = (*_VISIBILITIES, *more)
    return together(
        click.option("--visibility", type=click.Choice(names), help="Who may see it."),
        *(
            click.option(f"--{name}", name, is_flag=True, help=f"As --visibility {name}.")
            for name in names
        ),
    )


def visibility_of(given: dict[str, Any]) -> str | None:
    """Take the one visibility that was asked for, by ``--visibility`` or a flag, out of options."""
    wanted = [name for name in (*_VISIBILITIES, "all") if given.pop(name, False)]
    named = given.pop("visibility")
    wanted += [named] if named else []
    if len(set(wanted)) > 1:
        raise click.BadParameter(f"choose one of {', '.join(wanted)}", param_hint="--visibility")
    return wanted[0] if wanted else None


# What `create` and `set` say of an image.
metadata_options = together(
    format_filters,
    click.option("--min-disk", type=click.IntRange(min=0), help="In GiB."),
    click.option("--min-ram", type=click.IntRange(min=0), help="In MiB."),
    visibility_options(),
    click.option("--protected/--unprotected", default=None),
    click.option("--hidden/--unhidden", "os_hidden", default=None, help="In lists, or not."),
    tag_option,
    property_option,
)


def metadata_of(given: dict[str, Any]) -> dict[str, Any]:
    """Return what ``metadata_options`` say, by the names that Glance has for it."""
    own, tags = pairs(given.pop("properties")), given.pop("tag")
    said = {"visibility": visibility_of(given), **given, "tags": list(tags) or None}
    return {**own, **{key: value for key, value in said.items() if value is not None}}


def words(given: Iterable[str]) -> Iterator[str]:
    """Yield what was given; for ``-``, each line that is read."""
    for word in given:
        if word == "-":
            yield from filter(None, map(str.strip, sys.stdin))
        else:
            yield word


def pairs(given: Iterable[str]) -> dict[str, Any]:
    """Return properties that were given as ``KEY=VALUE``."""
    split = [each.partition("=") for each in given]
    if wrong := [key for key, equals, _ in split if not key or not equals]:
        raise click.BadParameter(f"{wrong[0]!r} is not KEY=VALUE", param_hint="--property")
    return {key: value for key, _, value in split}


def pointer(key: str) -> str:
    """Return the JSON Pointer to a property (RFC 6901)."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def image_ids(client: Client, images: Iterable[str], **filters: Any) -> tuple[list[str], bool]:
    """Return the ids of images, and whether one was not found, which is told.

    What looks like an id is not looked for: it may be one of thousands.

    Raises:
        BffError: the only one was not found.
    """
    from polaris_bff.images import is_uuid  # noqa: PLC0415  # the contract

    given = list(words(images))
    ids, failed = [], False
    for each in given:
        try:
            ids.append(each if is_uuid(each) else client.find_image(each, **filters)["id"])
        except BffError as error:  # noqa: PERF203  # each on its own
            if len(given) == 1:
                raise
            say(described(error))
            failed = True
    return ids, failed


def project_ids(client: Client, wanted: Iterable[str]) -> list[str]:
    """Return the ids of projects of the user's, by name or id, and of others, by id.

    Raises:
        BffError: NOT_FOUND, one is neither.
    """
    from polaris_bff.images import pick_project  # noqa: PLC0415  # the contract

    known = client.auth.list_projects()
    ids = []
    for each in words(wanted):
        try:
            ids.append(pick_project(known, each)["id"])
        except BffError as error:  # noqa: PERF203  # each on its own
            # Glance shares with whatever it is told, a mistyped name too.
            if error.code != "NOT_FOUND" or not re.fullmatch(r"[0-9a-f-]{32,36}", each):
                raise
            ids.append(each)
    return ids


def settle(
    client: Client, procedure: str, inputs: Iterable[Mapping[str, Any]], *, failed: bool = False
) -> None:
    """Make calls; say which of them failed, and end with 1 then.

    Args:
        failed: Whether something has already.

    Raises:
        BffError: the only one failed.
    """
    errors, count = [], 0
    for outcome in client.map(procedure, inputs):
        count += 1
        errors += [outcome.error] if outcome.error else []
    if count == len(errors) == 1 and not failed:
        raise errors[0]
    for error in errors:
        say(described(error))
    raise Exit(int(failed or bool(errors)))


def change(
    client: Client,
    procedure: str,
    ids: Sequence[str],
    *,
    dry_run: bool = False,
    failed: bool = False,
    **more: Any,
) -> None:
    """Do something to images; say for which it failed, and end with 1 then.

    Args:
        dry_run: Do nothing, and print the ids of those for which it would work.
        failed: Whether something has already.

    Raises:
        BffError: the only one failed.
    """
    done: Any = client.bulk(procedure, ids, **more, **({"dry_run": True} if dry_run else {}))
    failures = done["failed"]
    if len(failures) == len(ids) == 1 and not failed:
        raise BffError(failures[0]["code"], failures[0]["message"])
    for failure in failures:
        say(f"{failure['message']} ({failure['code']})")
    if dry_run:
        tell(done["successful"])
    raise Exit(int(failed or bool(failures)))


def tell(ids: Iterable[str]) -> None:
    """Print ids, one in a line."""
    click.echo("".join(f"{clean(str(each))}\n" for each in ids), nl=False)


def say(message: str) -> None:
    """Tell something that is no answer."""
    click.echo(clean(f"polaris: {message}"), err=True)
