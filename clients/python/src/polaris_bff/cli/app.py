"""The commands that are about no image, and the options before any command."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import urlsplit

import click
from click.exceptions import Exit

from polaris_bff.cli import image, uploads
from polaris_bff.cli.options import say
from polaris_bff.cli.output import Format, clean, format_options, show_list, show_one
from polaris_bff.cli.state import Options, address, connected, save_session
from polaris_bff.errors import BffError
from polaris_bff.version import __version__

if TYPE_CHECKING:
    from polaris_bff import Client, Outcome


@click.group(
    no_args_is_help=True,
    epilog="It ends with 0, or 1: it failed; 2: mistyped; 3: not signed in, or not allowed;"
    " 4: not found; 5: nobody answered, or not now; 130: interrupted.",
)
@click.option("--url", envvar="BFF_URL", help="The BFF's address, or BFF_URL.")
@click.option("--os-cloud", help="A cloud of clouds.yaml.")
@click.option("--project", help="The id of the project to work in.")
@click.option(
    *("--timeout",), type=click.FloatRange(min=0.001), default=60.0, help="Seconds for an answer."
)
@click.option("--debug", is_flag=True, help="Say more of an error.")
@click.version_option(__version__, message="polaris %(version)s", help="Say the version.")
@click.pass_context
def app(
    ctx: click.Context,
    url: str | None,
    os_cloud: str | None,
    project: str | None,
    timeout: float,
    debug: bool,
) -> None:
    """Call polaris-bff, the backend-for-frontend for the OpenStack Image service."""
    del debug  # it is looked at elsewhere
    ctx.obj = Options(url, os_cloud, project, timeout)


app.add_command(image.app, "image")
app.add_command(uploads.upload)


def _procedures(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    from polaris_bff.contract import PROCEDURES  # noqa: PLC0415  # slow

    return [name for name in PROCEDURES if name.startswith(incomplete)]


@app.command()
@click.argument("procedure", shell_complete=_procedures)
@click.argument("given", metavar="[KEY=VALUE]...", nargs=-1)
@click.option("--json", "from_json", help="The parameters as JSON; - reads them.")
@click.pass_obj
def call(options: Options, procedure: str, given: Sequence[str], from_json: str | None) -> None:
    """Call a procedure, as compute.image.listImages, and print its answer as JSON.

    A value is JSON where it can be, as 10 or true, and else a text.
    """
    params = _parameters(given, from_json)
    with connected(options) as client:
        _print(client.call(procedure, **params))


def _parameters(given: Sequence[str], from_json: str | None) -> dict[str, Any]:
    text = sys.stdin.read() if from_json == "-" else from_json
    try:
        params = json.loads(text) if text else {}
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--json") from None
    if not isinstance(params, dict):
        raise click.BadParameter("must be an object", param_hint="--json")
    for word in given:
        key, equals, value = word.partition("=")
        if not equals:
            raise click.BadParameter(f"{word!r} is not KEY=VALUE")
        params[key] = _value(value)
    return params


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


@app.command()
@click.argument("file")
@click.option("--concurrency", type=click.IntRange(1, 64), default=4, help="Requests at a time; 4.")
@click.pass_obj
def batch(options: Options, file: str, concurrency: int) -> None:
    """Make calls, one as JSON in each line: {"method": …, "params": {…}}; answers come likewise.

    FILE has the calls; - reads them.

    An answer has its call's "id", and "result" or "error". It ends with 1 where one failed.
    """
    failed = False
    with _opened(file) as lines, connected(options) as client:
        for outcome in client.settle(_outcomes(lines), concurrency=concurrency):
            failed = failed or outcome.error is not None
            _print(_answer(outcome))
    raise Exit(int(failed))


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
@click.argument("name", required=False, shell_complete=_procedures)
@click.option(
    "--schema", is_flag=True, help="Its JSON Schema and examples, as the server has them."
)
@format_options
@click.pass_obj
def procedures(
    options: Options, name: str | None, schema: bool, form: Format, column: Sequence[str]
) -> None:
    """List the procedures, those that begin so, or say what one takes."""
    from polaris_bff.cli.procedures import described, known, specified  # noqa: PLC0415

    if schema:
        url = address(options)
        if not name or not url:
            raise click.BadParameter("give a procedure, and --url", param_hint="--schema")
        click.echo(json.dumps(specified(url, name, options.timeout), indent=2))
    elif name and described(name):
        click.echo(described(name))
    else:
        columns = {"Name": "name", "Kind": "kind", "About": "about"}
        show_list(known(name or ""), columns, form, column)


@app.command()
@click.option("--user", prompt=True, help="The user's name.")
@click.option("--domain", default="Default", help="The user's domain.")
@click.option("--project", help="The project's name.")
@click.pass_obj
def login(options: Options, user: str, domain: str, project: str | None) -> None:
    """Sign in with a password, and keep the session in a file that its owner alone can read.

    The password is asked for, or read from a pipe; so are a passcode or a new password, each in a
    line of its own, where the server asks for one.
    """
    given = options.url
    if not given:
        raise click.BadParameter("give --url, or set BFF_URL", param_hint="--url")
    if _is_overheard(given):
        say("anybody on the way can read the password: the address is not one of https")
    account = {"user": user, "domain": domain, "project": project, "password": _secret("Password")}
    show_one(_who(_begin_session(given, account, options.timeout)), "table", ())


def _begin_session(url: str, account: dict[str, Any], timeout: float) -> Any:
    """Sign in, ask for what is still missing, and keep the session."""
    from polaris_bff import Client, Password  # noqa: PLC0415  # httpx

    auth = Password(**account)
    with Client(url, auth=auth, timeout=timeout) as client:
        try:
            session = client.auth.get_current_user_session()
        except BffError as error:
            missing = _missing(error, account, client)
            if not missing:
                raise
        else:
            save_session(url, auth)
            return session
    return _begin_session(url, account | missing, timeout)


def _missing(error: BffError, account: dict[str, Any], client: Client) -> dict[str, str]:
    """Return what the server asks for besides; nothing where that cannot be given."""
    if error.reason == "SECOND_FACTOR_REQUIRED" and "totp" in error.data.get("methods", ()):
        passcode = "passcode" not in account and _secret("Passcode")
        return {"passcode": passcode} if passcode else {}
    if error.reason != "PASSWORD_EXPIRED":
        return {}
    new = _secret("The password has expired; new password")
    if new:
        user, domain = account["user"], account["domain"]
        old = account["password"]
        client.auth.change_password(user=user, domain_name=domain, password=old, new_password=new)
    return {"password": new} if new else {}


def _is_overheard(url: str) -> bool:
    """Return whether what is sent leaves this machine in clear."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        local = ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost" or host.endswith(".localhost")
    return parts.scheme == "http" and not local


def _secret(prompt: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"{prompt}: ")
    return sys.stdin.readline().rstrip("\n")


@app.command()
@format_options
@click.pass_obj
def whoami(options: Options, form: Format, column: Sequence[str]) -> None:
    """Say who is signed in, and where."""
    with connected(options) as client:
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
@click.argument("search", required=False)
@format_options
@click.pass_obj
def projects(options: Options, search: str | None, form: Format, column: Sequence[str]) -> None:
    """List the projects in which the user has a role; SEARCH is a part of the name or the id."""
    columns = {"ID": "id", "Name": "name", "Domain": "domainName"}
    columns |= {"Description": "description", "Enabled": "enabled"}
    with connected(options) as client:
        show_list(client.auth.list_projects(search=search), columns, form, column)


@app.command()
@click.argument("project")
@click.pass_obj
def use(options: Options, project: str) -> None:
    """Let the session work in another project."""
    with connected(options) as client:
        found = client.find_project(project)
        client.auth.set_current_scope(type="project", project_id=found["id"])
    click.echo(clean(f"{found['name']} ({found['id']})"))


@app.command()
@click.pass_obj
def logout(options: Options) -> None:
    """End the session, here and at Keystone."""
    if any(os.environ.get(name) for name in ("OS_CLOUD", "OS_AUTH_URL", "OS_TOKEN")):
        raise click.BadParameter("OS_* variables are set: there is no session to end")
    with connected(options) as client:
        client.auth.terminate_user_session()


def _print(document: Any) -> None:
    click.echo(json.dumps(document, separators=(", ", ": ")))
