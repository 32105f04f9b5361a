"""A file that several processes append lines to, and that may be rotated under their hands."""

from __future__ import annotations

import logging
import os
from pathlib import Path

MODE = 0o600
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC

log = logging.getLogger("bff.audit_file")


class AuditFile(logging.Handler):
    """Appends each line with one write; what cannot be written there goes to the ordinary log.

    ``WatchedFileHandler`` lets the umask decide who may read it, promises nothing about the number
    of writes, and prints a failure to standard error.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._file = _open(path)
        self._is_torn = self._is_failing = False

    def emit(self, record: logging.LogRecord) -> None:
        """Append a line; a full disk fails no call."""
        line = f"{self.format(record)}\n".encode(errors="backslashreplace")
        try:
            self._reopen_if_moved()
            self._write(line)
        except OSError as problem:
            self._write_elsewhere(record, problem)
            return
        if self._is_failing:
            self._is_failing = False
            log.warning("the audit file can be written again")

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        super().close()

    def _write(self, line: bytes) -> None:
        # Where the disk was full in the middle of a line, the next one begins on a line of its own.
        rest = b"\n" + line if self._is_torn else line
        while rest:
            rest = rest[os.write(self._file, rest) :]
            self._is_torn = bool(rest)

    def _reopen_if_moved(self) -> None:
        """Open the file anew when its name stands for another one, as after a rotation."""
        try:
            if os.path.samestat(self._path.stat(), os.fstat(self._file)):
                return
        except FileNotFoundError:
            pass
        new = _open(self._path)
        os.close(self._file)
        self._file, self._is_torn = new, False

    def _write_elsewhere(self, record: logging.LogRecord, problem: OSError) -> None:
        if not self._is_failing:
            self._is_failing = True
            log.error("the audit file cannot be written: its lines come here; %s", problem.strerror)
        logging.getLogger().handle(record)


def _open(path: Path) -> int:
    return os.open(path, _FLAGS, MODE)


def check_can_append(path: Path) -> None:
    """Check that lines can be appended there; nothing is made.

    A file made here would be that of whoever checks the settings, which may be another user.

    Raises:
        ValueError: what is wrong with it.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        raise ValueError("must be a file")
    if not path.parent.is_dir():
        raise ValueError("there is no such folder; make it")
    if path.exists() and not os.access(path, os.W_OK):
        raise ValueError("this process may not write to that file")
    if not path.exists() and not os.access(path.parent, os.W_OK | os.X_OK):
        raise ValueError("this process may not make a file in that folder")
