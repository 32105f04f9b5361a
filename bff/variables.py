"""Environment variables that look like settings and are none: a name that was mistyped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches

from bff.logs import printable
from bff.settings import PREFIX, Settings

# Kubernetes sets these for a service that is called bff, or bff-something.
_OF_A_SERVICE = re.compile(
    r"BFF_(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)


def known_variables() -> list[str]:
    """Return the variable of every setting."""
    return [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Return what to say of each variable with our prefix that is no setting; never its value."""
    known = known_variables()
    return [
        _said_of(name, known)
        for name, value in sorted(environment.items())
        if name.upper().startswith(PREFIX)
        and name.upper() not in known
        and not _is_of_a_service(name, value)
    ]


def _is_of_a_service(name: str, value: str) -> bool:
    # Who sets BFF_PORT=8080 means something else than Kubernetes with tcp://10.0.0.1:8080.
    is_plain_port = re.fullmatch(r"BFF_(\w+_)?PORT", name) and "SERVICE" not in name
    return bool(_OF_A_SERVICE.fullmatch(name)) and (not is_plain_port or "://" in value)


def _said_of(name: str, known: list[str]) -> str:
    nearest = get_close_matches(name.upper(), known, n=1, cutoff=0.75)
    meant = f"; is {nearest[0]} meant?" if nearest else "; docs/settings.md has all of them."
    return f"{printable(name)} is no setting, and does nothing{meant}"
