"""The command line, in the test's own process."""

from __future__ import annotations

from click.testing import CliRunner, Result

from bff.cli import app


def bff(*words: str, **variables: str) -> Result:
    """Run a command in this process: starting one of its own costs a second."""
    # `serve` makes keys for its workers; they go with the variables.
    return CliRunner().invoke(app, words, env={"BFF_SECRET_KEYS": "", **variables})
