"""The virtual environment in which Keystone and Glance are installed."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
DEFAULT_HOME = HERE.parent / ".venv-cloud"
REQUIREMENTS = HERE / "requirements.txt"
CONSTRAINTS = HERE / "constraints.txt"


@dataclass(frozen=True)
class Environment:
    """An installed virtual environment; ``home`` is its folder."""

    home: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.home / "bin" / "python"

    def command(self, name: str) -> str:
        """Return the path of one of its commands."""
        return str(self.home / "bin" / name)


def installed(home: Path = DEFAULT_HOME) -> Environment:
    """Return the environment, made or brought up to date when the pins have changed.

    Raises:
        subprocess.CalledProcessError: pip could not install; its own words are on stderr.
    """
    environment = Environment(home)
    stamp = home / "installed"
    wanted = _fingerprint()
    # Clouds that start side by side install once; the lock needs a file that is there already.
    with REQUIREMENTS.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            _install(environment)
            stamp.write_text(wanted)
    return environment


def _fingerprint() -> str:
    pins = REQUIREMENTS.read_bytes() + CONSTRAINTS.read_bytes() + sys.version.encode()
    return hashlib.sha256(pins).hexdigest()


def _install(environment: Environment) -> None:
    print("devcloud: installing Keystone and Glance (about a minute, once)", file=sys.stderr)
    venv.create(environment.home, with_pip=True, clear=True)
    pip = [str(environment.python), "-m", "pip", "install", "--quiet"]
    pins = ["--requirement", str(REQUIREMENTS), "--constraint", str(CONSTRAINTS)]
    # The pins of whoever starts this are for another environment.
    variables = {name: value for name, value in os.environ.items() if name != "PIP_CONSTRAINT"}
    subprocess.run([*pip, *pins], check=True, stdout=sys.stderr, env=variables)
