"""The command line ``polaris``: the extra ``cli``. Its modules import httpx when they call."""

from __future__ import annotations

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
_INTERRUPTED = 130


def main() -> None:
    """Run the command line, and end the process."""
    sys.exit(run(sys.argv[1:]))


def run(words: Sequence[str]) -> int:
    """Run a command; returns what a process ends with.

    What goes wrong is one line on stderr, with its code and the request's id.
    """
    try:
        from polaris_bff.cli.app import app  # noqa: PLC0415  # the extra
    except ImportError as error:
        print(f"polaris: {error}: pip install 'polaris-bff-client[cli]'", file=sys.stderr)  # noqa: T201
        return 1
    debug = "--debug" in words
    try:
        app(list(words), prog_name="polaris")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BffError as error:
        from polaris_bff.cli.output import described  # noqa: PLC0415  # the extra

        return _say(described(error), EXIT_CODES.get(error.code, 1), error if debug else None)
    except (OSError, ValueError, RuntimeError) as error:
        return _say(str(error), 1, error if debug else None)
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 0


def _say(message: str, code: int, error: BaseException | None = None) -> int:
    from polaris_bff.cli.output import clean  # noqa: PLC0415  # the extra

    print(f"polaris: {clean(message)}", file=sys.stderr)  # noqa: T201  # a command line
    if error is not None:
        import traceback  # noqa: PLC0415

        traceback.print_exception(error)
        print(f"polaris: data {clean(str(getattr(error, 'data', {})))}", file=sys.stderr)  # noqa: T201
    return code
