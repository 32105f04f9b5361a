"""``GET {prefix}/``: the explorer, a page that shows what is served and calls it.

``page/`` is built from ``explorer/``; ``make explorer`` builds it anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

_PAGE = Path(__file__).parent / "page"
# Scripts and styles come from files of this server alone. `require-trusted-types-for` makes the
# browser itself refuse to read text as markup, as the name of an image could be.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
_PAGE_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
}
_MEDIA_TYPES: Mapping[str, str] = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
# Their names hold a hash of what is in them.
_ASSET_HEADERS: Mapping[str, str] = {"Cache-Control": "public, max-age=31536000, immutable"}


def routes(prefix: str) -> list[Route]:
    """Return the page's routes; its files are read now, and no request touches the disk."""
    page = (_PAGE / "index.html").read_bytes()
    assets = {path.name: _asset(path) for path in (_PAGE / "assets").iterdir()}

    async def show(_request: Request) -> Response:
        return Response(page, media_type="text/html", headers=_PAGE_HEADERS)

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in assets:
            raise HTTPException(404)
        content, media_type = assets[name]
        return Response(content, media_type=media_type, headers=_ASSET_HEADERS)

    async def with_slash(_request: Request) -> Response:
        # Relative, so that it is right behind a proxy that serves another path.
        return RedirectResponse(f"{prefix.rpartition('/')[2]}/")

    return [
        Route(prefix, with_slash),
        Route(f"{prefix}/", show),
        Route(f"{prefix}/assets/{{name}}", asset),
    ]


def _asset(path: Path) -> tuple[bytes, str]:
    return path.read_bytes(), _MEDIA_TYPES[path.suffix]
