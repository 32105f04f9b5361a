"""Log lines, as the two formats write them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from bff import log_fields, logs
from bff.settings import Settings


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def configure(log_format: str) -> None:
    logs.configure(Settings(auth_url="http://k/v3", log_format=log_format))


def fails() -> None:
    local_secret = "a-token-in-a-variable"
    raise RuntimeError(f"a bug with {len(local_secret)} characters")


def failure() -> RuntimeError:
    with pytest.raises(RuntimeError) as caught:
        fails()
    return caught.value


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_failure_shows_its_frames_but_not_their_variables(
    log_format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(log_format)
    structlog.get_logger("test").error("it failed", exc_info=failure())
    text = capsys.readouterr().err
    assert "a bug with 21 characters" in text
    assert "a-token-in-a-variable" not in text.replace('local_secret = "a-token', "")


@pytest.mark.parametrize("logger", [structlog.get_logger("ours"), logging.getLogger("theirs")])
def test_json_lines_of_ours_and_of_libraries_look_alike(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("json")
    with log_fields.bound(request_id="req-1"):
        logger.warning("a line\nwith a break")
    (line,) = capsys.readouterr().err.splitlines()
    assert (
        json.loads(line).items()
        >= {
            "event": "a line\nwith a break",
            "level": "warning",
            "request_id": "req-1",
        }.items()
    )


def test_what_a_client_sends_cannot_forge_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure("console")
    structlog.get_logger("test").warning("call", procedure="a\nfake line\x1b[31m")
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_nothing_that_a_client_sends_moves_a_terminals_cursor_or_begins_a_line(
    log_format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(log_format)
    structlog.get_logger("test").warning("call", procedure="\x1b[2J\x9b\u202ea\nb", error="ünïcode")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.isprintable()
    assert log_format == "json" or "ünïcode" in line
