"""The command line ``polaris``: the extra ``cli``. Its modules import httpx when they call."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence

from polaris_bff.errors import NETWORK_ERROR, BffError

# What a program ends with; 2 is a mistyped command line. Whatever is not here is 1.
EXIT_CODES: Mapping[str, int] = {
    "UNAUTHORIZED": 3,
    "FORBIDDEN": 3,
    "NOT_FOUND": 4,
    NETWORK_ERROR: 5,
    "TIMEOUT": 5,
    "BAD_GATEWAY": 5,
    "SERVICE_UNAVAILABLE": 5,
    "GATEWAY_TIMEOUT": 5,
    "TOO_MANY_REQUESTS": 5,
}
_INTERRUPTED: Mapping[int, str] = {130: "interrupted", 143: "terminated"}


def main() -> None:
    """Run the command line, and end the process."""
    # Else nothing that was begun would be ended: an image would be left behind without its data.
    signal.signal(signal.SIGTERM, _terminated)
    code = run(sys.argv[1:])
    if code in _INTERRUPTED:
        # A thread may wait for a pipe, and the process for the thread.
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


def _terminated(*_: object) -> None:
    raise SystemExit(128 + signal.SIGTERM)


def run(words: Sequence[str]) -> int:
    """Run a command; returns what a process ends with.

    What goes wrong is one line on stderr, with its code and the request's id.
    """
    try:
        import click  # noqa: PLC0415  # the extra

        from polaris_bff.cli.app import app  # noqa: PLC0415  # likewise
    except ImportError as error:
        print(f"polaris: {error}: pip install 'polaris-bff-client[cli]'", file=sys.stderr)  # noqa: T201
        return 1
    try:
        code = app.main(list(words), prog_name="polaris", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return _say(_INTERRUPTED[130], 130)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        return _say(_INTERRUPTED[code], code) if code in _INTERRUPTED else code
    except Exception as error:  # noqa: BLE001  # an answer may be anything
        return _failed(error, debug="--debug" in words)
    return code if isinstance(code, int) else 0


def _failed(error: Exception, *, debug: bool) -> int:
    from polaris_bff.cli.output import described  # noqa: PLC0415  # the extra

    more = error if debug else None
    if isinstance(error, BffError):
        return _say(described(error), EXIT_CODES.get(error.code, 1), more)
    if isinstance(error, BrokenPipeError):
        # Whoever read has enough; Python would complain once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    ours = isinstance(error, OSError | ValueError | RuntimeError)
    return _say(str(error) if ours else f"{type(error).__name__}: {error}", 1, more)


def _say(message: str, code: int, error: BaseException | None = None) -> int:
    from polaris_bff.cli.output import clean  # noqa: PLC0415  # the extra

    print(f"polaris: {clean(message)}", file=sys.stderr)  # noqa: T201  # a command line
    if error is not None:
        import traceback  # noqa: PLC0415

        traceback.print_exception(error)
        print(f"polaris: data {clean(str(getattr(error, 'data', {})))}", file=sys.stderr)  # noqa: T201
    return code
