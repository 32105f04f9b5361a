"""The options that several commands below ``polaris image`` have, and what their texts mean."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from polaris_bff.cli.output import clean, described
from polaris_bff.errors import BffError

if TYPE_CHECKING:
    from polaris_bff import Client


class Visibility(str, Enum):
    """Who may see an image."""

    PUBLIC = "public"
    PRIVATE = "private"
    COMMUNITY = "community"
    SHARED = "shared"
    ALL = "all"


ImageArgument = Annotated[str, typer.Argument(metavar="IMAGE", help="Its name or id.")]
ImagesArgument = Annotated[
    list[str], typer.Argument(metavar="IMAGE...", help="Names or ids; - reads one from each line.")
]
PropertyOption = Annotated[
    list[str] | None, typer.Option("--property", metavar="KEY=VALUE", help="May be repeated.")
]
TagOption = Annotated[list[str] | None, typer.Option("--tag", help="May be repeated.")]
VisibilityOption = Annotated[Visibility | None, typer.Option(help="Who may see it.")]
PublicFlag = Annotated[bool, typer.Option("--public", help="As --visibility public.")]
PrivateFlag = Annotated[bool, typer.Option("--private", help="As --visibility private.")]
CommunityFlag = Annotated[bool, typer.Option("--community", help="As --visibility community.")]
SharedFlag = Annotated[bool, typer.Option("--shared", help="As --visibility shared.")]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
]


def visibility_of(given: Visibility | None, **flags: bool) -> str | None:
    """Return the one visibility that was asked for, by ``--visibility`` or a flag."""
    wanted = [name for name, is_set in flags.items() if is_set]
    wanted += [given.value] if given else []
    if len(set(wanted)) > 1:
        raise typer.BadParameter(f"choose one of {', '.join(wanted)}", param_hint="--visibility")
    return wanted[0] if wanted else None


def words(given: Iterable[str]) -> Iterator[str]:
    """Yield what was given; for ``-``, each line that is read."""
    for word in given:
        if word == "-":
            yield from filter(None, map(str.strip, sys.stdin))
        else:
            yield word


def pairs(given: Iterable[str] | None) -> dict[str, Any]:
    """Return properties that were given as ``KEY=VALUE``."""
    split = [each.partition("=") for each in given or []]
    if wrong := [key for key, equals, _ in split if not key or not equals]:
        raise typer.BadParameter(f"{wrong[0]!r} is not KEY=VALUE", param_hint="--property")
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
    raise typer.Exit(int(failed or bool(errors)))


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
    raise typer.Exit(int(failed or bool(failures)))


def tell(ids: Iterable[str]) -> None:
    """Print ids, one in a line."""
    typer.echo("".join(f"{clean(str(each))}\n" for each in ids), nl=False)


def say(message: str) -> None:
    """Tell something that is no answer."""
    typer.echo(clean(f"polaris: {message}"), err=True)
