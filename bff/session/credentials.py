"""Who sent an HTTP request, and whether a browser was tricked into sending it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from starlette.requests import Request

from bff.errors import BffError, Code
from bff.ids import checked_project_id
from bff.request_headers import all_of, header, headers_in
from bff.session.caller import Caller
from bff.session.cookies import SessionCookie
from bff.session.services import Cloud
from bff.session.sessions import Credentials, ExpectedSession
from bff.settings import Settings
from schemas.base import ID_PATTERN
from schemas.keystone import Scope

TOKEN_HEADER = "x-auth-token"  # noqa: S105  # a header's name
PROJECT_HEADER = "x-project-id"
SESSION_USER_HEADER = "x-session-user"
SESSION_SCOPE_HEADER = "x-session-scope"
_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}")


def caller_of(request: Request, cloud: Cloud, request_id: str) -> Caller:
    """Return the caller of a request; a fault becomes ``credentials_error`` and is not raised."""
    host = (request.scope.get("client") or (None,))[0]
    try:
        cookies = request.cookies if b"cookie" in headers_in(request.scope) else {}
        extra = cloud.cookie.extra_parts(cookies)
        credentials = _credentials(request, cloud.cookie, cookies)
        if credentials is None or credentials.from_cookie:
            _check_origin(request, credentials, cloud.settings)
        credentials = _with_project(request, _with_expected_session(request, credentials))
        receipt = cookies.get(cloud.receipts.name)
        return Caller(
            cloud,
            request_id,
            credentials,
            host=host,
            extra_cookies=extra,
            sealed_receipt=receipt,
        )
    except BffError as error:
        return Caller(cloud, request_id, credentials_error=error, host=host)


def _credentials(
    request: Request, cookie: SessionCookie, cookies: Mapping[str, str]
) -> Credentials | None:
    token = header(request.scope, TOKEN_HEADER.encode())
    if token is not None:
        if not _TOKEN.fullmatch(token):
            raise BffError(Code.UNAUTHORIZED, "X-Auth-Token does not hold a Keystone token.")
        return Credentials(token)
    return cookie.open(cookies) if cookie.name in cookies else None


def _with_project(request: Request, credentials: Credentials | None) -> Credentials | None:
    project_id = header(request.scope, PROJECT_HEADER.encode())
    if project_id is None:
        return credentials
    checked_project_id(project_id, "X-Project-Id")
    if credentials is None:
        return None
    return replace(credentials, scope=Scope("project", project_id))


def _with_expected_session(request: Request, credentials: Credentials | None) -> Credentials | None:
    """Return the credentials with the session that the caller believes to have."""
    user_id = _header_or_query(request, SESSION_USER_HEADER)
    scope = _header_or_query(request, SESSION_SCOPE_HEADER)
    if user_id is None and scope is None:
        return credentials
    if user_id is not None and not re.fullmatch(ID_PATTERN, user_id):
        raise BffError(Code.BAD_REQUEST, "X-Session-User must be the id of a user.")
    expected = ExpectedSession(user_id, None if scope is None else _scope(scope))
    return replace(credentials, expected=expected) if credentials else None


def _header_or_query(request: Request, name: str) -> str | None:
    scope, values = request.scope, []
    if name.encode() in headers_in(scope):
        values = all_of(scope, name.encode())
    elif scope["query_string"]:
        # An EventSource sets no headers.
        values = request.query_params.getlist(name.removeprefix("x-").replace("-", "_"))
    # Repeated headers are one, joined by commas (RFC 9110, 5.2); no id has a comma.
    return ",".join(values) if values else None


def _scope(text: str) -> Scope:
    match = re.fullmatch(r"(unscoped)|(project|domain):(.*)", text)
    if match and match[1]:
        return Scope()
    if match and re.fullmatch(ID_PATTERN, match[3]):
        return Scope("project" if match[2] == "project" else "domain", match[3])
    message = "X-Session-Scope must be unscoped, project:ID or domain:ID."
    raise BffError(Code.BAD_REQUEST, message)


def _check_origin(request: Request, credentials: Credentials | None, settings: Settings) -> None:
    """Refuse what another site made a browser send (OWASP CSRF, "Fetch Metadata" and "Origin").

    A token in a header is something that no other site can send; a cookie goes along by itself,
    and signing in needs neither. A request without a cookie is a script's, unless a browser says
    where it comes from.
    """
    site = header(request.scope, b"sec-fetch-site")
    origin = header(request.scope, b"origin")
    if origin in settings.allowed_origins or site == "same-origin":
        return
    own_origin = f"{request.scope['scheme']}://{header(request.scope, b'host') or ''}"
    if site is None and origin == own_origin:
        return
    if site is None and origin is None and credentials is None:
        return
    message = (
        "This request does not come from this server's own pages: send it from there, add its"
        " origin to BFF_ALLOWED_ORIGINS, or use X-Auth-Token."
    )
    raise BffError(Code.FORBIDDEN, message)
