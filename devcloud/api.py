"""The few HTTP calls that fill the cloud, with nothing but the standard library."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Api:
    """An OpenStack API at ``url``, called with one token."""

    url: str
    token: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def call(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> tuple[Any, Any]:
        """Return the answer's JSON (``None`` when it has none) and its headers.

        Raises:
            urllib.error.HTTPError: the service refused.
        """
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": content_type, "accept": "application/json", **self.headers}
        if self.token:
            headers["x-auth-token"] = self.token
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            content = response.read()
            return json.loads(content) if content else None, response.headers

    def get(self, path: str) -> Any:
        return self.call("GET", path)[0]

    def post(self, path: str, body: Any = None) -> Any:
        return self.call("POST", path, body)[0]

    def put(self, path: str, body: Any = None, content_type: str = "application/json") -> Any:
        return self.call("PUT", path, body, content_type)[0]

    def patch(self, path: str, body: Any, content_type: str = "application/json") -> Any:
        return self.call("PATCH", path, body, content_type)[0]


def sign_in(auth_url: str, user: str, password: str, project: str) -> str:
    """Return a token scoped to ``project``."""
    domain = {"name": "Default"}
    who = {"name": user, "password": password, "domain": domain}
    identity = {"methods": ["password"], "password": {"user": who}}
    scope = {"project": {"name": project, "domain": domain}}
    body = {"auth": {"identity": identity, "scope": scope}}
    _, headers = Api(auth_url).call("POST", "/auth/tokens", body)
    return str(headers["X-Subject-Token"])
