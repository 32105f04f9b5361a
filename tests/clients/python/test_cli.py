"""The command line, against the application in process."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import stat
import subprocess
import sys
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import yaml

from polaris_bff import BffError
from polaris_bff.cli import EXIT_CODES, run
from polaris_bff.cli.output import clean, progress_bars, show_list
from polaris_bff.cli.state import session_file
from tests import canary
from tests.clients.python.conftest import Bff, FakeOpenStack, Start
from tests.clients.python.hostile import Hostile, answer
from tests.clients.python.test_broken_answers import ONE_CALL
from tests.fakes.openstack import PASSCODE, PASSWORD, PROJECTS, image
from tests.process import SECONDS

Result = tuple[int, str, str]
Polaris = Callable[..., Awaitable[Result]]


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, logged: Any) -> None:
    """Leave no variables, and a home of the test's own."""
    for name in ("OS_CLOUD", "OS_AUTH_URL", "OS_TOKEN", "BFF_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Polaris:
    """Return a function that runs a command: status, stdout and stderr."""

    async def command(*words: str, given: str = "") -> Result:
        monkeypatch.setattr("sys.stdin", io.StringIO(given))
        code = await asyncio.to_thread(run, words)
        out, err = capsys.readouterr()
        canary.check("what a command printed", out + err)
        return code, out, err

    return command


@pytest.fixture
async def polaris(command: Polaris, bff: Bff) -> Polaris:
    """Return the same, once alice has signed in to demo."""
    url = f"{bff.origin}/polaris-bff"
    code, out, err = await command(
        *("--url", url, "login", "--user", "alice", "--project", "demo"), given=f"{PASSWORD}\n"
    )
    assert (code, err) == (0, ""), out
    assert "alice" in out
    return command


async def test_a_session_is_in_a_file_of_its_owners_alone(polaris: Polaris) -> None:
    file = session_file()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    code, out, _ = await polaris("whoami", "-f", "json")
    assert code == 0
    assert json.loads(out)["project"] == "demo"


@pytest.fixture
def login(command: Polaris, bff: Bff) -> Callable[[str], Awaitable[Result]]:
    """Return a function that signs alice in, with lines from a pipe."""
    words = ("--url", f"{bff.origin}/polaris-bff", "login", "--user", "alice")
    return lambda given: command(*words, given=given)


async def test_a_passcode_is_asked_for_after_the_password(
    login: Callable[[str], Awaitable[Result]], openstack: FakeOpenStack
) -> None:
    openstack.rules = [["password", "totp"]]
    code, out, err = await login(f"{PASSWORD}\n{PASSCODE}\n")
    assert (code, err) == (0, "")
    assert "alice" in out
    for given in (f"{PASSWORD}\n", f"{PASSWORD}\nwrong\n"):
        code, _, err = await login(given)
        assert (code, "UNAUTHORIZED" in err) == (3, True)
    openstack.rules = [["password", "duo"]]
    code, _, err = await login(f"{PASSWORD}\n{PASSCODE}\n")
    assert (code, "cannot be given here" in err) == (3, True)


async def test_a_new_password_is_asked_for_where_the_old_one_has_expired(
    login: Callable[[str], Awaitable[Result]], openstack: FakeOpenStack
) -> None:
    openstack.has_expired = True
    code, _, err = await login(f"{PASSWORD}\n")
    assert (code, "has expired" in err) == (3, True)
    openstack.rules = [["password", "totp"]]
    code, out, err = await login(f"{PASSWORD}\na-new-one\n{PASSCODE}\n")
    assert (code, err) == (0, "")
    assert "alice" in out
    assert openstack.password == "a-new-one"


async def test_a_session_moves_and_ends(polaris: Polaris) -> None:
    before = session_file().read_text()
    code, out, _ = await polaris("use", "partner")
    assert (code, out) == (0, f"partner ({PROJECTS['partner']})\n")
    assert session_file().read_text() != before
    assert stat.S_IMODE(session_file().stat().st_mode) == 0o600
    assert json.loads((await polaris("whoami", "-f", "json"))[1])["project"] == "partner"
    assert (await polaris("logout"))[0] == 0
    assert not session_file().exists()
    code, _, err = await polaris("whoami")
    assert (code, "polaris login" in err) == (3, True)


async def test_the_session_is_not_sent_to_another_server(
    polaris: Polaris, hostile: Hostile
) -> None:
    code, _, err = await polaris("--url", hostile.url, "projects")
    assert (code, "Not signed in" in err) == (3, True)
    assert hostile.requests == []


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"url": 1}', "\udcff"])
async def test_a_file_that_is_no_session_is_none(command: Polaris, content: str) -> None:
    session_file().parent.mkdir(parents=True)
    session_file().write_text(content, errors="surrogateescape")
    assert (await command("whoami"))[0] == 3


async def test_a_wrong_password_is_one_line(command: Polaris, bff: Bff) -> None:
    url = f"{bff.origin}/polaris-bff"
    code, out, err = await command("--url", url, "login", "--user", "a", given="wrong-pass\n")
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert "UNAUTHORIZED" in err
    assert "req-" in err
    assert "wrong-pass" not in err
    assert not session_file().exists()


FORMS: dict[str, Callable[[str], Any]] = {
    "json": json.loads,
    "yaml": yaml.safe_load,
    "csv": lambda text: list(csv.DictReader(io.StringIO(text))),
}


@pytest.mark.parametrize("form", FORMS)
async def test_a_list_is_printed_for_programs(
    polaris: Polaris, openstack: FakeOpenStack, form: str
) -> None:
    openstack.images = [image("one"), image("two, three")]
    code, out, _ = await polaris("image", "list", "-f", form)
    assert code == 0
    expected = [
        {"ID": each["id"], "Name": each["name"], "Status": "active"} for each in openstack.images
    ]
    assert FORMS[form](out) == expected


async def test_a_list_has_the_columns_that_are_asked_for(
    polaris: Polaris, openstack: FakeOpenStack
) -> None:
    openstack.images = [image("one", tags=["a", "b"]), image()]
    words = ("image", "list", "-f", "value", "-c", "name", "-c", "Tags")
    assert (await polaris(*words))[1] == "one a, b\nan image \n"
    code, _, err = await polaris("image", "list", "-c", "nam")
    assert code == 2
    assert "did you mean 'Name'" in err


async def test_an_image_is_shown_by_its_name(polaris: Polaris, openstack: FakeOpenStack) -> None:
    openstack.images = [image("one", hw_video_model="virtio")]
    _, out, _ = await polaris("image", "show", "one", "-f", "json", "-c", "hw_video_model")
    assert json.loads(out) == {"hw_video_model": "virtio"}
    assert "| virtio" in (await polaris("image", "show", "one"))[1]
    code, _, err = await polaris("image", "show", "on")
    assert (code, "'one'" in err) == (4, True)


async def test_what_others_wrote_moves_no_cursor(
    polaris: Polaris, openstack: FakeOpenStack
) -> None:
    openstack.images = [image("\x1b[2J\x9b1m[red]\u202e")]
    for words in (("-f", "table"), ("-f", "value"), ("-f", "csv"), ("-f", "yaml"), ("-f", "json")):
        _, out, _ = await polaris("image", "list", *words)
        assert "[red]" in out
        assert not {"\x1b", "\x9b", "\u202e"} & set(out)


def test_what_can_be_read_stays_as_it_is() -> None:
    assert clean("Ubuntu 24.04 LTS – für alle") == "Ubuntu 24.04 LTS – für alle"
    assert clean("a\nb\tc\x7f") == r"a\nb\tc\x7f"


async def test_an_image_is_made_and_changed(polaris: Polaris, openstack: FakeOpenStack) -> None:
    code, out, _ = await polaris(
        *("image", "create", "mine", "--property", "hw_video_model=virtio", "--tag", "a"),
        *("--visibility", "shared", "-f", "json"),
    )
    made = json.loads(out)
    assert (code, made["hw_video_model"], made["tags"]) == (0, "virtio", ["a"])
    assert made["visibility"] == "shared"
    assert (await polaris("image", "set", "mine", "--name", "ours", "--property", "a/b=1"))[0] == 0
    sent = await openstack.requests[-1].json()
    assert {"op": "add", "path": "/a~1b", "value": "1"} in sent


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        (("set", "x"), "say what to change"),
        (("set", "x", "--property", "a"), "KEY=VALUE"),
        (("create", "x", "--wait"), "--file"),
        (("lst",), "list"),
        (("list", "--lmit", "1"), "--limit"),
        (("list", "--visibility", "publc"), "public"),
    ],
)
async def test_a_mistyped_command_is_told(
    command: Polaris, words: tuple[str, ...], needed: str
) -> None:
    code, out, err = await command("image", *words)
    assert (code, out) == (2, "")
    assert needed in err


async def test_a_file_is_uploaded(
    polaris: Polaris, openstack: FakeOpenStack, tmp_path: Path
) -> None:
    (tmp_path / "disk").write_bytes(b"x" * 1000)
    waiting = image("mine", status="queued", disk_format="raw", container_format="bare")
    openstack.images = [waiting]
    assert await polaris("upload", "mine", str(tmp_path / "disk")) == (0, "", "")
    assert (waiting["status"], waiting["size"]) == ("active", 1000)


async def test_of_many_images_each_is_done_or_told(
    polaris: Polaris, openstack: FakeOpenStack
) -> None:
    openstack.images = [image("one"), image("two"), image("two")]
    missing = str(uuid.uuid4())
    code, _, err = await polaris("image", "delete", "one", "two", missing)
    assert code == 1
    assert [line.partition(":")[0] for line in err.splitlines()] == ["polaris", "polaris"]
    assert [each["name"] for each in openstack.images] == ["two", "two"]


async def test_an_image_is_shared_with_no_project_that_is_mistyped(
    polaris: Polaris, openstack: FakeOpenStack
) -> None:
    openstack.images = [image("mine", visibility="shared")]
    code, _, err = await polaris("image", "share", "mine", "partnr")
    assert (code, "'partner'" in err) == (4, True)
    assert (await polaris("image", "share", "mine", "partner"))[0] == 0
    assert list(openstack.members[openstack.images[0]["id"]]) == [PROJECTS["partner"]]


async def test_a_procedure_is_called(polaris: Polaris, openstack: FakeOpenStack) -> None:
    openstack.images = [image("mine")]
    _, out, _ = await polaris("call", "compute.image.listImages", "limit=1", "name=mine")
    assert [each["name"] for each in json.loads(out)] == ["mine"]
    given = json.dumps({"imageId": openstack.images[0]["id"]})
    _, out, _ = await polaris("call", "compute.image.getImageById", "--json", "-", given=given)
    assert json.loads(out)["name"] == "mine"


@pytest.mark.parametrize(
    ("words", "code", "needed"),
    [
        (("compute.image.listImage",), 4, "compute.image.listImages"),
        (("compute.image.listImages", "limt=1"), 1, "limit"),
        (("compute.image.listImages", "limit"), 2, "KEY=VALUE"),
        (("compute.image.listImages", "--json", "["), 2, "--json"),
        (("compute.image.listImages", "--json", "[]"), 2, "an object"),
    ],
)
async def test_a_call_that_is_wrong_is_told_with_what_was_meant(
    polaris: Polaris, words: tuple[str, ...], code: int, needed: str
) -> None:
    found, out, err = await polaris("call", *words)
    assert (found, out) == (code, "")
    assert needed in err


async def test_a_line_in_is_a_line_out(polaris: Polaris, openstack: FakeOpenStack) -> None:
    openstack.images = [image("mine")]
    get = {"method": "compute.image.getImageById", "params": {"imageId": openstack.images[0]["id"]}}
    lines = [json.dumps({"id": "a", **get}), "nonsense", "", '{"method": "auth.listProjects"}', "1"]
    code, out, _ = await polaris("batch", "-", given="\n".join(lines))
    first, second, third, fourth = map(json.loads, out.splitlines())
    assert code == 1
    assert (first["id"], first["result"]["name"]) == ("a", "mine")
    assert second["error"] == {"code": "PARSE_ERROR", "message": "Line 2 is no call", "data": {}}
    assert {each["name"] for each in third["result"]} == {"demo", "partner"}
    assert fourth["error"]["code"] == "PARSE_ERROR"


async def test_a_token_of_openstack_goes_before_the_session(
    polaris: Polaris, hostile: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OS_CLOUD", "no-cloud")
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", "/dev/null")
    code, _, err = await polaris("--url", hostile.url, "projects")
    assert (code, "not complete" in err) == (3, True)


async def test_an_error_says_more_where_that_is_asked_for(
    polaris: Polaris, openstack: FakeOpenStack
) -> None:
    words = ("call", "compute.image.getImageById", "imageId=x")
    assert (await polaris(*words))[2].count("\n") == 1
    code, _, err = await polaris("--debug", *words)
    assert (code, "Traceback" in err, "issues" in err) == (1, True, True)


async def test_a_server_moves_no_cursor_with_its_message(
    command: Polaris, hostile: Hostile, start: Start
) -> None:
    error = {"code": 1, "message": "\x1b[2J", "data": {"code": "FORBIDDEN"}}
    hostile.answers = [lambda calls: answer({"id": calls[0]["id"], "error": error})]
    words = ("--url", hostile.url, "login", "--user", "a")
    code, _, err = await command(*words, given="x\n")
    assert (code, err) == (3, "polaris: \\x1b[2J (FORBIDDEN)\n")


@pytest.mark.parametrize("result", [1, [], {}, {"user": 1, "project": 2}])
async def test_an_answer_that_is_none_is_one_line(
    command: Polaris, hostile: Hostile, result: Any
) -> None:
    session_file().parent.mkdir(parents=True)
    session_file().write_text(json.dumps({"url": hostile.url, "cookie": "polaris-bff=x"}))
    hostile.answers = [lambda calls: answer({"id": calls[0]["id"], "result": result})]
    code, out, err = await command("whoami")
    assert (code, out, err.count("\n")) == (1, "", 1)


@pytest.mark.parametrize("kind", ONE_CALL)
async def test_a_broken_answer_is_one_line(command: Polaris, hostile: Hostile, kind: str) -> None:
    session_file().parent.mkdir(parents=True)
    session_file().write_text(json.dumps({"url": hostile.url, "cookie": "polaris-bff=x"}))
    give, error = ONE_CALL[kind]
    hostile.answers = [give]
    code, out, err = await command("call", "compute.image.deleteImage", "imageId=x")
    assert (out, err.count("\n")) == ("", 1)
    assert error in err
    assert code == EXIT_CODES.get(error, 1)


@pytest.mark.parametrize(
    ("url", "warns"),
    [
        ("http://cloud.example/polaris-bff", True),
        ("http://192.0.2.1:8080/polaris-bff", True),
        ("http://localhost.example/polaris-bff", True),
        ("https://cloud.example/polaris-bff", False),
        ("http://127.0.0.7:8080/polaris-bff", False),
        ("http://[::1]:8080/polaris-bff", False),
        ("http://localhost:8080/polaris-bff", False),
    ],
)
async def test_a_password_in_clear_is_warned_of(
    command: Polaris, monkeypatch: pytest.MonkeyPatch, url: str, warns: bool
) -> None:
    def nobody(*_: Any) -> None:
        raise BffError("NETWORK_ERROR", "nobody is asked")

    monkeypatch.setattr("polaris_bff.drive.Driver.run", nobody)
    code, _, err = await command("--url", url, "login", "--user", "a", given="x\n")
    assert (code, "anybody on the way" in err) == (5, warns)


async def test_a_server_is_asked_for_a_schema_and_an_example(command: Polaris, bff: Bff) -> None:
    words = ("--url", f"{bff.origin}/polaris-bff", "procedures", "--schema")
    _, out, _ = await command(*words, "compute.image.updateImage")
    told = json.loads(out)
    assert {each["name"] for each in told["params"]} >= {"imageId", "operations"}
    assert "JSONPatchOperation" in told["components"]["schemas"]
    assert told["examples"][0]["params"][0]["name"] == "imageId"
    code, _, err = await command(*words, "compute.image.updateImag")
    assert (code, "did you mean compute.image.updateImage?" in err) == (4, True)
    assert (await command("procedures", "--schema"))[0] == 2


async def test_a_procedure_that_is_mistyped_is_told(command: Polaris) -> None:
    code, out, err = await command("procedures", "compute.image.getImagesById")
    assert (code, out, "compute.image.getImageById" in err) == (4, "", True)


async def test_a_shell_completes_commands_and_procedures(
    command: Polaris, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_POLARIS_COMPLETE", "bash_complete")
    for words, expected in (
        ("image un", "plain,unhide\nplain,unset\nplain,unshare\nplain,untag"),
        ("call auth.li", "plain,auth.listProjects"),
    ):
        monkeypatch.setenv("COMP_WORDS", f"polaris {words}")
        monkeypatch.setenv("COMP_CWORD", "2")
        _, out, _ = await command()
        assert sorted(out.split()) == expected.split()


async def test_a_list_is_narrowed_by_properties(polaris: Polaris, openstack: FakeOpenStack) -> None:
    openstack.images = [image("a", os_type="linux"), image("b"), image("c", os_type="", team="x")]

    async def names(*words: str) -> list[str]:
        return (await polaris("image", "list", "-f", "value", "-c", "Name", *words))[1].split()

    assert await names("--without", "os_type") == ["b", "c"]
    assert await names("--without", "os_type", "--limit", "1") == ["b"]
    assert await names("--property", "team=x") == ["c"]
    assert await names("--own", "--public", "--created-before", "90d") == ["a", "b", "c"]
    sent = openstack.requests[-1].query
    assert (sent["owner"], sent["visibility"]) == (PROJECTS["demo"], "public")
    assert re.fullmatch(r"lt:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", sent["created_at"])
    await names("--created-before", "2026-01-31")
    assert openstack.requests[-1].query["created_at"] == "lt:2026-01-31T00:00:00Z"
    assert await names("--created-after", "2026-01-01", "--created-before", "2026-01-31") == []
    assert openstack.requests[-1].query["created_at"] == "lt:2026-01-31T00:00:00Z"
    assert (await polaris("image", "list", "--public", "--private"))[0] == 2


async def test_a_search_lists_all_that_match_on_whatever_page(
    polaris: Polaris, openstack: FakeOpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("procedures.image.listing.MAX_FOR_PAGE", 2)
    openstack.images = [image(name) for name in ("Web 1", "a", "b", "c", "d", "e", "old web")]

    async def names(*words: str) -> list[str]:
        _, out, _ = await polaris("image", "list", "-f", "value", "-c", "Name", *words)
        return out.splitlines()

    assert await names("--search", "WEB") == ["Web 1", "old web"]
    assert await names("--search", "web", "--limit", "1") == ["Web 1"]
    assert await names("--search", "old", "--limit", "1") == ["old web"]
    assert await names("--search", "nowhere") == []


async def test_names_are_read_from_a_pipe_and_a_dry_run_does_nothing(
    polaris: Polaris, openstack: FakeOpenStack
) -> None:
    openstack.images = [image("one"), image("two"), image("three")]
    one, two, three = (each["id"] for each in openstack.images)
    given = f"one\n\n{two}\n"
    code, out, _ = await polaris("image", "delete", "--dry-run", "-", given=given)
    assert (code, out) == (0, f"{one}\n{two}\n")
    assert len(openstack.images) == 3
    assert await polaris("image", "delete", "-", given=given) == (0, "", "")
    assert [each["id"] for each in openstack.images] == [three]
    assert await polaris("image", "delete", "-") == (0, "", "")


async def test_several_files_have_no_name_in_common(polaris: Polaris, tmp_path: Path) -> None:
    for name in ("web", "db"):
        (tmp_path / name).write_bytes(b"x")
    files = ("--file", str(tmp_path / "web"), "--file", str(tmp_path / "db"))
    code, _, err = await polaris("image", "create", "x", *files)
    assert (code, "named by their files" in err) == (2, True)
    assert (await polaris("image", "create"))[0] == 2


async def test_an_image_is_not_saved_by_a_session_of_the_bff(
    polaris: Polaris, openstack: FakeOpenStack, tmp_path: Path
) -> None:
    openstack.images = [image("mine")]
    code, out, err = await polaris("image", "save", "mine", "--file", str(tmp_path / "disk"))
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "sign in at OpenStack, by OS_CLOUD" in err
    assert not (tmp_path / "disk").exists()
    with patch("sys.stdout.isatty", return_value=True):
        code, _, err = await polaris("image", "save", "mine")
    assert (code, "no text" in err) == (2, True)


def test_a_terminal_sees_a_bar_for_each_file(capsys: pytest.CaptureFixture[str]) -> None:
    with patch("sys.stderr.isatty", return_value=True), progress_bars(quiet=False) as bars:
        told = [bars("web\x1b[2J"), bars("db")]
        for done in (0, 512, 1024):
            for tell in told:
                tell(done * 1024, 1024 * 1024)
    _, err = capsys.readouterr()
    assert r"web\x1b[2J: 100%" in err
    assert "db: 100%" in err
    assert "1.00M/1.00M" in err


def test_nobody_is_shown_a_bar_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    for quiet in (True, False):
        with progress_bars(quiet=quiet) as bars:
            assert bars("web") is None
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("word", ["x", "a-word-that-is-longer-than-the-terminal-is-wide" * 3])
def test_a_table_fits_its_terminal_and_cuts_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    with patch("sys.stdout.isatty", return_value=True):
        show_list([{"a": word, "b": "1"}], {"A": "a", "B": "b"}, "table", ())
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 60
    assert "".join(line[1:-1].split("|")[0].strip() for line in lines[3:-1]) == word


async def test_of_several_uploads_one_that_fails_is_told(
    polaris: Polaris, openstack: FakeOpenStack, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(b"x" * 1000)
    (tmp_path / "b").write_bytes(b"y" * 1000)
    queued = {"status": "queued", "disk_format": "raw", "container_format": "bare"}
    openstack.images = [image("one", **queued)]
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    code, _, err = await polaris("upload", "missing", b, "one", a)
    assert (code, err.count("\n"), "missing" in err) == (1, 1, True)
    assert openstack.images[0]["status"] == "active"
    for words, needed in ((("one", a, b), "one file"), (("one", "nothing"), "no file")):
        code, _, err = await polaris("upload", *words)
        assert (code, needed in err) == (2, True)


def test_a_reader_that_has_enough_is_no_failure_to_be_told() -> None:
    program = "from polaris_bff.cli import run; run(['procedures', '-f', 'json'])"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": "clients/python/src"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        _, err = process.communicate(timeout=SECONDS)
    assert err == ""


async def test_nobody_answers(command: Polaris) -> None:
    url = "http://127.0.0.1:1/polaris-bff"
    assert (await command("--url", url, "login", "--user", "a", given="x\n"))[0] == 5


async def test_procedures_are_told_without_a_server(command: Polaris) -> None:
    _, out, _ = await command("procedures", "-f", "value", "-c", "Name")
    assert "compute.image.listImages\n" in out
    assert (
        "image_id: The image's UUID."
        in (await command("procedures", "compute.image.getImageById"))[1]
    )


LIGHT = """
import sys
from polaris_bff import BffError
from polaris_bff.cli import EXIT_CODES, run
code = run(["--help"])
slow = {"httpx", "prettytable", "tqdm", "openstack", "asyncio", "ssl", "yaml"}
print(code, sorted(slow & set(sys.modules)))
"""


def test_help_waits_for_nothing_that_it_does_not_need() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIGHT],
        env={"PYTHONPATH": "clients/python/src"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "0 []"
