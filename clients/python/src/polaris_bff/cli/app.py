"""The commands that are about no image, and the options before any command."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO
from urllib.parse import urlsplit

import typer

from polaris_bff.cli import image, uploads
from polaris_bff.cli.options import say
from polaris_bff.cli.output import (
    ColumnsOption,
    Format,
    FormatOption,
    clean,
    show_list,
    show_one,
)
from polaris_bff.cli.state import Options, address, connected, save_session
from polaris_bff.errors import BffError
from polaris_bff.version import __version__

if TYPE_CHECKING:
    from polaris_bff import Outcome

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Errors of the command line stay plain text, in any terminal and log.
    rich_markup_mode=None,
    epilog="It ends with 0, or 1: it failed; 2: mistyped; 3: not signed in, or not allowed;"
    " 4: not found; 5: nobody answered, or not now; 130: interrupted.",
)
app.add_typer(image.app, name="image")
app.command()(uploads.upload)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"polaris {__version__}")
        raise typer.Exit


@app.callback()
def options(
    ctx: typer.Context,
    url: Annotated[str | None, typer.Option(help="The BFF's address.", envvar="BFF_URL")] = None,
    os_cloud: Annotated[str | None, typer.Option(help="A cloud of clouds.yaml.")] = None,
    project: Annotated[str | None, typer.Option(help="The id of the project to work in.")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds for an answer.", min=0.001)] = 60.0,
    debug: Annotated[bool, typer.Option("--debug", help="Say more of an error.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Say the version."),
    ] = False,
) -> None:
    """Call polaris-bff, the backend-for-frontend for the OpenStack Image service."""
    del debug, version  # both are looked at elsewhere
    ctx.obj = Options(url, os_cloud, project, timeout)


def _procedures(incomplete: str) -> list[str]:
    from polaris_bff.contract import PROCEDURES  # noqa: PLC0415  # slow

    return [name for name in PROCEDURES if name.startswith(incomplete)]


@app.command()
def call(
    ctx: typer.Context,
    procedure: Annotated[
        str, typer.Argument(help="As compute.image.listImages.", autocompletion=_procedures)
    ],
    given: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Its parameters.")
    ] = None,
    from_json: Annotated[
        str | None, typer.Option("--json", help="The parameters as JSON; - reads them.")
    ] = None,
) -> None:
    """Call a procedure, and print its answer as JSON.

    A value is JSON where it can be, as 10 or true, and else a text.
    """
    params = _parameters(given or [], from_json)
    with connected(ctx.obj) as client:
        _print(client.call(procedure, **params))


def _parameters(given: list[str], from_json: str | None) -> dict[str, Any]:
    text = sys.stdin.read() if from_json == "-" else from_json
    try:
        params = json.loads(text) if text else {}
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--json") from None
    if not isinstance(params, dict):
        raise typer.BadParameter("must be an object", param_hint="--json")
    for word in given:
        key, equals, value = word.partition("=")
        if not equals:
            raise typer.BadParameter(f"{word!r} is not KEY=VALUE")
        params[key] = _value(value)
    return params


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


@app.command()
def batch(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(help="The calls; - reads them.")],
    concurrency: Annotated[int, typer.Option(help="Requests at a time.", min=1, max=64)] = 4,
) -> None:
    """Make calls, one as JSON in each line: {"method": …, "params": {…}}; answers come likewise.

    An answer has its call's "id", and "result" or "error". It ends with 1 where one failed.
    """
    failed = False
    with _opened(file) as lines, connected(ctx.obj) as client:
        for outcome in client.settle(_outcomes(lines), concurrency=concurrency):
            failed = failed or outcome.error is not None
            _print(_answer(outcome))
    raise typer.Exit(int(failed))


def _opened(file: str) -> TextIO:
    return sys.stdin if file == "-" else Path(file).open()  # its user closes it


def _outcomes(lines: TextIO) -> Iterator[Outcome[Any]]:
    from polaris_bff import Outcome  # noqa: PLC0415  # httpx

    class Line(Outcome[Any]):
        id: Any = None

    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            call = json.loads(text)
            line = Line(str(call["method"]), dict(call.get("params") or {}))
            line.id = call.get("id")
        except (ValueError, TypeError, KeyError, AttributeError):
            line = Line("", {}, BffError("PARSE_ERROR", f"Line {number} is no call"))
        yield line


def _answer(outcome: Outcome[Any]) -> dict[str, Any]:
    call_id = getattr(outcome, "id", None)
    if outcome.error is None:
        return {"id": call_id, "result": outcome.result()}
    error = outcome.error
    return {
        "id": call_id,
        "error": {"code": error.code, "message": error.message, "data": dict(error.data)},
    }


@app.command()
def procedures(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(help="One of them, or what it begins with.", autocompletion=_procedures),
    ] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Its JSON Schema and examples, as the server has them.")
    ] = False,
    form: FormatOption = Format.TABLE,
    column: ColumnsOption = None,
) -> None:
    """List the procedures, or say what one takes."""
    from polaris_bff.cli.procedures import described, known, specified  # noqa: PLC0415

    if schema:
        url = address(ctx.obj)
        if not name or not url:
            raise typer.BadParameter("give a procedure, and --url", param_hint="--schema")
        typer.echo(json.dumps(specified(url, name, ctx.obj.timeout), indent=2))
    elif name and described(name):
        typer.echo(described(name))
    else:
        columns = {"Name": "name", "Kind": "kind", "About": "about"}
        show_list(known(name or ""), columns, form, column)


@app.command()
def login(
    ctx: typer.Context,
    user: Annotated[str, typer.Option(help="The user's name.", prompt=True)],
    domain: Annotated[str, typer.Option(help="The user's domain.")] = "Default",
    project: Annotated[str | None, typer.Option(help="The project's name.")] = None,
) -> None:
    """Sign in with a password, and keep the session in a file that its owner alone can read.

    The password is asked for, or read from a pipe.
    """
    from polaris_bff import Client, Password  # noqa: PLC0415  # httpx

    given = ctx.obj.url
    if not given:
        raise typer.BadParameter("give --url, or set BFF_URL", param_hint="--url")
    if _is_overheard(given):
        say("anybody on the way can read the password: the address is not one of https")
    auth = Password(user, _password(), domain=domain, project=project)
    with Client(given, auth=auth, timeout=ctx.obj.timeout) as client:
        session = client.auth.get_current_user_session()
        save_session(given, auth)
    show_one(_who(session), Format.TABLE, None)


def _is_overheard(url: str) -> bool:
    """Return whether what is sent leaves this machine in clear."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        local = ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost" or host.endswith(".localhost")
    return parts.scheme == "http" and not local


def _password() -> str:
    if sys.stdin.isatty():
        return getpass.getpass()
    return sys.stdin.readline().rstrip("\n")


@app.command()
def whoami(
    ctx: typer.Context, form: FormatOption = Format.TABLE, column: ColumnsOption = None
) -> None:
    """Say who is signed in, and where."""
    with connected(ctx.obj) as client:
        session = client.auth.get_current_user_session()
    if session is None:
        raise BffError("UNAUTHORIZED", "The session has ended: use `polaris login`")
    show_one(_who(session), form, column)


def _who(session: Any) -> dict[str, Any]:
    project, user = session.get("project") or {}, session["user"]
    return {
        "user": user["name"],
        "user_id": user["id"],
        "project": project.get("name"),
        "project_id": project.get("id"),
        "roles": session["roles"],
        "expires_at": session["expiresAt"],
    }


@app.command()
def projects(
    ctx: typer.Context,
    search: Annotated[str | None, typer.Argument(help="A part of the name or the id.")] = None,
    form: FormatOption = Format.TABLE,
    column: ColumnsOption = None,
) -> None:
    """List the projects in which the user has a role."""
    columns = {"ID": "id", "Name": "name", "Domain": "domainName"}
    columns |= {"Description": "description", "Enabled": "enabled"}
    with connected(ctx.obj) as client:
        show_list(client.auth.list_projects(search=search), columns, form, column)


@app.command()
def use(
    ctx: typer.Context, project: Annotated[str, typer.Argument(help="Its name or id.")]
) -> None:
    """Let the session work in another project."""
    with connected(ctx.obj) as client:
        found = client.find_project(project)
        client.auth.set_current_scope(type="project", project_id=found["id"])
    typer.echo(clean(f"{found['name']} ({found['id']})"))


@app.command()
def logout(ctx: typer.Context) -> None:
    """End the session, here and at Keystone."""
    if any(os.environ.get(name) for name in ("OS_CLOUD", "OS_AUTH_URL", "OS_TOKEN")):
        raise typer.BadParameter("OS_* variables are set: there is no session to end")
    with connected(ctx.obj) as client:
        client.auth.terminate_user_session()


def _print(document: Any) -> None:
    typer.echo(json.dumps(document, separators=(", ", ": ")))
