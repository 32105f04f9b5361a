"""A second configuration of the cloud: second factors, rules for passwords, locked accounts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from devcloud.api import Api, sign_in
from tests.devcloud import Cloud, running_cloud

PASSWORD = "a-password"
RULE = "At least five characters."
STRICT = (
    "auth.methods=password,token,totp,application_credential,mapped",
    "security_compliance.change_password_upon_first_use=true",
    "security_compliance.lockout_failure_attempts=2",
    "security_compliance.lockout_duration=3600",
    "security_compliance.password_regex=^.{5,}$",
    f"security_compliance.password_regex_description={RULE}",
    "security_compliance.unique_last_password_count=2",
)
RULES = {"multi_factor_auth_rules": [["password", "totp"]], "multi_factor_auth_enabled": True}


class StrictCloud(Cloud):
    """The cloud, and users for whom its rules count."""

    def user(self, project: str | None = None, *, is_new: bool = False) -> tuple[str, str]:
        """Make a user, a member of a project if one is named; returns the name and the id.

        Args:
            is_new: Whether the password, ``PASSWORD``, is still to be changed at its first use.
        """
        keystone, name = self.keystone(), f"user-{uuid.uuid4()}"
        user = {"name": name, "password": PASSWORD, "domain_id": "default"}
        user_id = keystone.post("/users", {"user": user})["user"]["id"]
        if not is_new:
            # A change would end whatever Keystone issues to the user in the same second.
            self._set_expiry(user_id, None, None)
        if project is not None:
            role = keystone.get("/roles?name=member")["roles"][0]["id"]
            keystone.put(f"/projects/{self.projects[project]}/users/{user_id}/roles/{role}")
        return name, user_id

    def second_factor(self, user_id: str) -> str:
        """Have a user's rules ask for a passcode, too; returns the secret that makes it."""
        secret = base64.b32encode(uuid.uuid4().bytes).decode().rstrip("=")
        credential = {"type": "totp", "blob": secret, "user_id": user_id}
        self.keystone().post("/credentials", {"credential": credential})
        self.keystone().patch(f"/users/{user_id}", {"user": {"options": RULES}})
        return secret

    def offer_single_sign_on(self, provider: str, project: str) -> None:
        """Let people of a provider in (Identity API v3, OS-FEDERATION), as members of a project.

        Who it is, Keystone believes the web server in front of it; here, whoever asks.
        """
        keystone, group = self.keystone(), f"group-{uuid.uuid4()}"
        group_id = keystone.post("/groups", {"group": {"name": group}})["group"]["id"]
        role = keystone.get("/roles?name=member")["roles"][0]["id"]
        keystone.put(f"/projects/{self.projects[project]}/groups/{group_id}/roles/{role}")
        rule = {
            "local": [{"user": {"name": "{0}"}}, {"group": {"id": group_id}}],
            "remote": [{"type": "HTTP_X_SSO_USER"}],
        }
        federation, path = "/OS-FEDERATION", f"/OS-FEDERATION/identity_providers/{provider}"
        keystone.put(f"{federation}/mappings/{provider}", {"mapping": {"rules": [rule]}})
        keystone.put(path, {"identity_provider": {"enabled": True}})
        protocol = {"mapping_id": provider}
        keystone.put(f"{path}/protocols/mapped", {"protocol": protocol})

    def federated_token(self, provider: str, user: str) -> str:
        """Return the token, in no project, with which a single sign-on ends."""
        path = f"/OS-FEDERATION/identity_providers/{provider}/protocols/mapped/auth"
        _, headers = Api(self.auth_url, headers={"X-Sso-User": user}).call("POST", path)
        return str(headers["X-Subject-Token"])

    def expire_password(self, user_id: str) -> None:
        """Make a password as old as if the ninety days that it has were over."""
        self._set_expiry(user_id, "2020-01-01", 1_577_836_800_000_000)

    def _set_expiry(self, user_id: str, date: str | None, microseconds: int | None) -> None:
        with sqlite3.connect(self.folder / "keystone.sqlite", timeout=60) as database:
            changed = database.execute(
                "UPDATE password SET expires_at = ?, expires_at_int = ?"
                " WHERE local_user_id IN (SELECT id FROM local_user WHERE user_id = ?)",
                (date, microseconds, user_id),
            )
        assert changed.rowcount


@contextmanager
def running_strictly(folder: Path) -> Iterator[StrictCloud]:
    """Run such a cloud, which keeps its state in a folder."""
    with running_cloud(folder, keystone=STRICT) as cloud:
        yield StrictCloud(cloud.description, folder)


def passcode(secret: str) -> str:
    """Return the passcode of now (RFC 6238); Keystone takes the one before as well."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    step = int(time.time() // 30).to_bytes(8, "big")
    digest = hmac.new(key, step, hashlib.sha1).digest()
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**6:06}"


def application_credential(cloud: Cloud, user: str, project: str, **more: Any) -> dict[str, Any]:
    """Make one with the secret ``a-secret`` in the cloud; returns what Keystone says of it."""
    token = sign_in(cloud.auth_url, user, cloud.password(user), project)
    user_id = cloud.keystone().get(f"/users?name={user}")["users"][0]["id"]
    wanted = {"name": f"credential-{uuid.uuid4()}", "secret": "a-secret", **more}
    made = Api(cloud.auth_url, token).post(
        f"/users/{user_id}/application_credentials", {"application_credential": wanted}
    )
    return dict(made["application_credential"])
