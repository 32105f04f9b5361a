"""The file of audit lines: whole lines, rotated, shared, and no reason for a call to fail."""

from __future__ import annotations

import json
import logging
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import ValidationError

from bff import logs
from bff.audit_file import AuditFile
from bff.settings import Settings, explain
from tests.bff.command import bff
from tests.process import ROOT

URL: dict[str, Any] = {"auth_url": "http://k/v3"}


@pytest.fixture(autouse=True)
def loggers() -> Iterator[None]:
    root, audit = logging.getLogger(), logging.getLogger("bff.audit")
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for handler in audit.handlers[:]:
        audit.removeHandler(handler)
        handler.close()
    audit.propagate = True
    audit.setLevel(logging.NOTSET)
    structlog.reset_defaults()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


def audit(number: int, **more: Any) -> None:
    structlog.get_logger("bff.audit").info("audit", number=number, **more)


def numbers(path: Path) -> list[int]:
    return [json.loads(line)["number"] for line in path.read_text().splitlines()]


def errors(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_each_line_is_an_object_in_the_file_and_not_among_the_others(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text('{"number": 0}\n')
    logs.configure(Settings(**URL, audit_file=path, log_format="console"))
    audit(1, user_name="a\nb\u2028\x1b[2J")
    structlog.get_logger("bff.rpc").info("call")
    assert numbers(path) == [0, 1]
    line = json.loads(path.read_text().splitlines()[1])
    assert line.items() >= {"event": "audit", "level": "info"}.items()
    assert line["timestamp"].endswith("Z")
    assert path.read_text().isascii()
    shown = capsys.readouterr().err
    assert "call" in shown
    assert "audit" not in shown


@pytest.mark.parametrize("log_level", ["debug", "error"])
def test_without_a_file_they_are_among_the_others_at_any_level(
    log_level: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(Settings(**URL, log_level=log_level))
    audit(1)
    (line,) = errors(capsys)
    assert (line["event"], line["number"]) == ("audit", 1)


def test_a_new_file_is_for_its_owner_alone_and_an_old_one_keeps_its_mode(path: Path) -> None:
    old = path.with_name("old.log")
    old.touch()
    old.chmod(0o640)
    for one in (path, old):
        logs.configure(Settings(**URL, audit_file=one))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(old.stat().st_mode) == 0o640


@pytest.mark.parametrize("replaced", [True, False])
def test_a_rotated_file_is_opened_anew(path: Path, replaced: bool) -> None:
    logs.configure(Settings(**URL, audit_file=path))
    audit(1)
    rotated = path.rename(path.with_suffix(".1"))
    if replaced:
        path.touch()
    audit(2)
    assert (numbers(rotated), numbers(path)) == ([1], [2])


def test_a_file_that_is_truncated_in_place_goes_on_at_its_begin(path: Path) -> None:
    logs.configure(Settings(**URL, audit_file=path))
    audit(1)
    os.truncate(path, 0)
    audit(2)
    assert numbers(path) == [2]


def test_a_line_of_a_thousand_ids_is_one_write(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logs.configure(Settings(**URL, audit_file=path))
    writes: list[int] = []
    write = os.write

    def counted(file: int, data: bytes) -> int:
        writes.append(len(data))
        return write(file, data)

    monkeypatch.setattr(os, "write", counted)
    audit(1, images=["x" * 36] * 1000)
    assert len(writes) == 1
    assert numbers(path) == [1]


def test_several_processes_append_whole_lines(path: Path) -> None:
    script = (
        "import sys, logging; from pathlib import Path; from bff.audit_file import AuditFile\n"
        "log = logging.getLogger('x'); log.addHandler(AuditFile(Path(sys.argv[1])))\n"
        "for _ in range(300): log.error('%s', '{\"number\": ' + sys.argv[2] * 5000 + '}')\n"
    )
    command = [sys.executable, "-c", script, str(path)]
    processes = [subprocess.Popen([*command, digit], cwd=ROOT) for digit in "1234"]
    assert [process.wait(60) for process in processes] == [0] * 4
    lines = path.read_text().splitlines()
    assert sorted(set(lines)) == [f'{{"number": {digit * 5000}}}' for digit in "1234"]
    assert len(lines) == 1200


def test_a_full_disk_sends_the_lines_to_the_ordinary_log(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(Settings(**URL, audit_file=path))
    path.unlink()
    path.symlink_to("/dev/full")
    audit(1)
    audit(2)
    path.unlink()
    audit(3)
    first, *others = errors(capsys)
    assert (first["level"], first["event"]) == (
        "error",
        "the audit file cannot be written: its lines come here; No space left on device",
    )
    assert [line.get("number") for line in others] == [1, 2, None]
    assert others[-1]["event"] == "the audit file can be written again"
    assert numbers(path) == [3]


def test_a_folder_that_is_gone_fails_no_call(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = path.parent / "logs"
    folder.mkdir()
    logs.configure(Settings(**URL, audit_file=folder / "audit.log"))
    (folder / "audit.log").unlink()
    folder.rmdir()
    audit(1)
    assert [line.get("number") for line in errors(capsys)] == [None, 1]


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let this process write no file beyond a size, as if the disk were full there."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_line_that_was_cut_spoils_none_that_follows(path: Path) -> None:
    handler = AuditFile(path)
    record = logging.LogRecord("bff.audit", logging.INFO, "", 1, '{"number": 1}', (), None)
    handler.emit(record)
    with largest_file(20):
        handler.emit(record)
    handler.emit(record)
    handler.close()
    whole, cut, following = path.read_text().splitlines()
    assert whole == following == '{"number": 1}'
    assert cut == '{"numb'


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.mkdir(), "must be a file"),
        (os.mkfifo, "must be a file"),
        (lambda path: path.symlink_to("/dev/null"), "must be a file"),
        (lambda path: path.symlink_to("/nowhere/audit.log"), "there is no such folder; make it"),
    ],
)
def test_a_path_that_is_no_file_is_refused_at_the_start(make: Any, reason: str, path: Path) -> None:
    make(path)
    with pytest.raises(ValidationError) as refusal:
        Settings(**URL, audit_file=path)
    assert reason in explain(refusal.value)
    assert explain(refusal.value).startswith("BFF_AUDIT_FILE: ")


@pytest.mark.parametrize("exists", [True, False])
def test_a_place_without_permission_is_refused_at_the_start(
    exists: bool, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if exists:
        path.touch()
    # Root may write anywhere, and containers run tests as root.
    allowed = path.parent if exists else None
    monkeypatch.setattr("bff.audit_file.os.access", lambda asked, _mode: asked == allowed)
    with pytest.raises(ValidationError) as refusal:
        Settings(**URL, audit_file=path)
    assert "this process may not" in explain(refusal.value)
    assert path.exists() == exists


def test_a_server_does_not_start_without_its_audit_file() -> None:
    done = bff("serve", BFF_AUTH_URL="http://k/v3", BFF_AUDIT_FILE="/nowhere/audit.log")
    assert done.exit_code == 2
    assert "BFF_AUDIT_FILE: Value error, there is no such folder; make it" in done.stderr
