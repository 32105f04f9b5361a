"""``auth.*``: signing in and out, and where the session works."""

from __future__ import annotations

from bff.errors import Code
from bff.rpc.registry import Procedure, mutation, query
from bff.session.context import PublicContext, UserContext
from schemas.auth import (
    ChangePasswordInput,
    CreateUserSessionInput,
    Domain,
    ListProjectsInput,
    Project,
    ScopedProject,
    SetCurrentScopeInput,
    User,
    UserSession,
)
from schemas.base import NoInput
from schemas.keystone import ProjectBody, Scope, TokenBody

COOKIE_NOT_KEPT = "no browser would keep the cookie: its token is too long, or the clocks differ"


async def create_user_session(ctx: PublicContext, params: CreateUserSessionInput) -> UserSession:
    """Sign in, with a password or otherwise; the browser keeps the session in a sealed cookie."""
    return _session(await ctx.sign_in(params))


async def change_password(ctx: PublicContext, params: ChangePasswordInput) -> bool:
    """Change a user's password, also one that has expired; it ends all sessions of the user."""
    await ctx.change_password(params)
    return True


async def get_current_user_session(ctx: PublicContext, params: NoInput) -> UserSession | None:
    """Return the session that this request belongs to, ``null`` when there is none."""
    session = await ctx.session()
    return _session(session) if session else None


async def list_projects(ctx: UserContext, params: ListProjectsInput) -> list[Project]:
    """Return the projects in which the user has a role, or those of them that are asked for."""
    projects = [each for each in await ctx.projects() if _is_asked_for(each, params)]
    names = await ctx.domain_names(projects)
    return [
        Project(**each.model_dump(), domain_name=names.get(each.domain_id or ""))
        for each in projects
    ]


async def set_current_scope(ctx: UserContext, params: SetCurrentScopeInput) -> UserSession:
    """Let the session work in another project or domain from the next request on."""
    return _session(await ctx.move_to(Scope(params.type, params.project or params.domain)))


async def terminate_user_session(ctx: PublicContext, params: NoInput) -> bool:
    """Sign out: revoke the token at Keystone, with all that came from it, and clear the cookie."""
    await ctx.sign_out()
    return True


def _is_asked_for(project: ProjectBody, params: ListProjectsInput) -> bool:
    part = (params.search or "").casefold()
    return (
        params.name in (None, project.name)
        and params.domain in (None, project.domain_id)
        and any(part in text.casefold() for text in (project.name, project.id))
    )


def _session(body: TokenBody) -> UserSession:
    return UserSession(
        user=User(**body.user.model_dump()),
        project=ScopedProject(**body.project.model_dump()) if body.project else None,
        domain=Domain(**body.domain.model_dump()) if body.domain else None,
        roles=[role.name for role in body.roles],
        expires_at=body.expires_at,
    )


PROCEDURES: tuple[Procedure, ...] = (
    mutation(
        "auth.createUserSession",
        create_user_session,
        (
            Code.UNAUTHORIZED,
            "a wrong user, password, domain, passcode, application credential or token, or the user"
            " is disabled or locked. `reason` tells what a program can do about:"
            " `SECOND_FACTOR_REQUIRED`, with `methods`; `SIGN_IN_EXPIRED`; `PASSWORD_EXPIRED`, with"
            " the `userId`",
        ),
        (Code.BAD_REQUEST, "Keystone is not set to take this way to sign in"),
        (Code.FORBIDDEN, "the user has no role in the project, or there is no such project"),
        (
            Code.TOO_MANY_REQUESTS,
            "too many attempts of the user or from the address, until `retryAfter` seconds later;"
            " or another call of the request signs in",
        ),
        (Code.BAD_GATEWAY, COOKIE_NOT_KEPT),
        upstream="POST /v3/auth/tokens",
    ),
    mutation(
        "auth.changePassword",
        change_password,
        (
            Code.UNAUTHORIZED,
            "a wrong user, password or domain, or the user is disabled or locked",
        ),
        (
            Code.BAD_REQUEST,
            "Keystone's rules do not allow the new password: `reason` is `PASSWORD_REFUSED`, and"
            " the message says which",
        ),
        (
            Code.TOO_MANY_REQUESTS,
            "too many attempts of the user or from the address, until `retryAfter` seconds later;"
            " or another call of the request signs in",
        ),
        upstream="POST /v3/users/{id}/password",
    ),
    query(
        "auth.getCurrentUserSession",
        get_current_user_session,
        (Code.FORBIDDEN, "the user has no role any more in the session's project"),
        Code.SESSION_CHANGED,
        upstream="GET /v3/auth/tokens",
    ),
    query("auth.listProjects", list_projects, Code.UNAUTHORIZED, upstream="GET /v3/auth/projects"),
    mutation(
        "auth.setCurrentScope",
        set_current_scope,
        Code.UNAUTHORIZED,
        (Code.FORBIDDEN, "the user has no role there, or there is no such project or domain"),
        (Code.BAD_REQUEST, "there is no cookie that could remember it: use `X-Project-Id`"),
        (Code.BAD_GATEWAY, COOKIE_NOT_KEPT),
        upstream="POST /v3/auth/tokens",
    ),
    mutation(
        "auth.terminateUserSession",
        terminate_user_session,
        Code.SESSION_CHANGED,
        upstream="DELETE /v3/auth/tokens",
        is_destructive=True,
    ),
)
