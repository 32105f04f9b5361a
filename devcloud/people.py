"""Users, projects, roles and the catalog."""

from __future__ import annotations

from typing import Any

from devcloud.api import Api, sign_in

REGION = "RegionOne"
ADMIN_PASSWORD = "admin-secret"
PROJECTS = ("demo", "partner")
# Each user's first project is the one in which they are at home.
MEMBERSHIPS = {"alice": ("demo", "partner"), "bob": ("partner",)}


def settle(auth_url: str, glance_url: str) -> dict[str, Any]:
    """Make what is missing and return the cloud's description, without any token."""
    keystone = Api(auth_url, sign_in(auth_url, "admin", ADMIN_PASSWORD, "admin"))
    _offer(keystone, "keystone", "identity", auth_url)
    _offer(keystone, "glance", "image", glance_url)
    projects = {
        name: _ensure(keystone, "project", name, domain_id="default")["id"] for name in PROJECTS
    }
    member = _ensure(keystone, "role", "member")["id"]
    for name, memberships in MEMBERSHIPS.items():
        user = _ensure(keystone, "user", name, domain_id="default", password=name)["id"]
        for project in memberships:
            keystone.put(f"/projects/{projects[project]}/users/{user}/roles/{member}")
    projects["admin"] = _ensure(keystone, "project", "admin")["id"]
    return {
        "auth_url": auth_url,
        "glance_url": glance_url,
        "users": [
            *(_user(name, name, memberships) for name, memberships in MEMBERSHIPS.items()),
            _user("admin", ADMIN_PASSWORD, ("admin",)),
        ],
        "projects": projects,
    }


def _user(name: str, password: str, projects: tuple[str, ...]) -> dict[str, Any]:
    return {"name": name, "password": password, "domain": "Default", "projects": list(projects)}


def _ensure(keystone: Api, kind: str, name: str, **attributes: str) -> dict[str, Any]:
    found = keystone.get(f"/{kind}s?name={name}")[f"{kind}s"]
    if found:
        return dict(found[0])
    made = keystone.post(f"/{kind}s", {kind: {"name": name, **attributes}})
    return dict(made[kind])


def _offer(keystone: Api, name: str, kind: str, url: str) -> None:
    """Put a service into the catalog, or bring its address there up to date."""
    service = _ensure(keystone, "service", name, type=kind)["id"]
    known = {
        endpoint["interface"]: endpoint
        for endpoint in keystone.get(f"/endpoints?service_id={service}")["endpoints"]
    }
    for interface in ("public", "internal", "admin"):
        endpoint = {"service_id": service, "interface": interface, "region_id": REGION, "url": url}
        if interface not in known:
            keystone.post("/endpoints", {"endpoint": endpoint})
        elif known[interface]["url"] != url:
            keystone.patch(f"/endpoints/{known[interface]['id']}", {"endpoint": endpoint})
