"""``python -m bff``: the same as the command ``bff``."""

from bff.cli import app

app()
