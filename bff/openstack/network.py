"""How Keystone and Glance are reached: whom to trust, what to show, and through which proxy."""

from __future__ import annotations

import re
import ssl
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from yarl import URL

# X509_V_ERR_… of OpenSSL's x509_vfy.h.
_CLOCK = "renew the service's certificate, or set the clocks of both hosts right"
_AUTHORITY = "name the file of the authority that signed it in BFF_CA_FILE"
_NAME = (
    "use a name that the certificate is for: in BFF_AUTH_URL, in BFF_GLANCE_URL or in the catalog"
)
_ADVICE: Mapping[int, str] = {
    9: _CLOCK,
    10: _CLOCK,
    2: _AUTHORITY,
    18: _AUTHORITY,
    19: _AUTHORITY,
    20: _AUTHORITY,
    21: _AUTHORITY,
    62: _NAME,
    64: _NAME,
}
# The alerts of a service that sees no certificate, or not the one it wants (RFC 8446, 6.2).
_REFUSED = re.compile(r"ALERT_\w*(CERTIFICATE|UNKNOWN_CA)")
_CLIENT = (
    "the service wants to see a certificate of an authority that it knows: set BFF_CLIENT_CERT and"
    " BFF_CLIENT_KEY"
)


@dataclass
class Network:
    """What holds for every connection, those of uploads too.

    Args:
        tls: Whom to trust and what to show; ``True`` for the system's authorities.
        proxies: The proxies by scheme, and under ``no`` the hosts that need none.
    """

    tls: ssl.SSLContext | bool = True
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        *,
        ca_file: Path | None = None,
        client_cert: Path | None = None,
        client_key: Path | None = None,
        use_proxy: bool = False,
    ) -> Network:
        """Return the network of these settings; the files are read.

        Raises:
            ValueError: one is wrong: which, and what to do.
        """
        tls = _context(ca_file, client_cert, client_key)
        return cls(tls, _proxies() if use_proxy else {})

    def options(self, url: URL) -> Mapping[str, Any]:
        """Return what aiohttp is told for a request to this address.

        Not its ``trust_env``, which would also send what ``~/.netrc`` holds for the host.
        """
        proxy = self.proxies.get(url.scheme)
        if proxy is None or self._needs_none(url):
            return {"ssl": self.tls}
        return {"ssl": self.tls, "proxy": proxy}

    def _needs_none(self, url: URL) -> bool:
        # Unknown to typeshed.
        bypassed: Any = urllib.request.proxy_bypass_environment  # type: ignore[attr-defined]
        return bool(bypassed(f"{url.host}:{url.port}", self.proxies))


def advice(failure: BaseException | None) -> str:
    """Return what an operator can do about a failure of TLS; empty for any other."""
    while failure is not None:
        # aiohttp's own class is an SSLCertVerificationError too, and has no code.
        if (code := getattr(failure, "verify_code", None)) is not None:
            return _ADVICE.get(code, _AUTHORITY)
        if isinstance(failure, OSError) and _REFUSED.search(str(failure)):
            return _CLIENT
        failure = failure.__cause__
    return ""


def _context(ca: Path | None, cert: Path | None, key: Path | None) -> ssl.SSLContext | bool:
    if key is not None and cert is None:
        raise ValueError("BFF_CLIENT_KEY: is the key of no certificate: set BFF_CLIENT_CERT too")
    if ca is None and cert is None:
        return True
    if ca is not None:
        _check_certificates("BFF_CA_FILE", ca)
    context = ssl.create_default_context(cafile=ca)
    # As aiohttp's own.
    context.set_alpn_protocols(["http/1.1"])
    if cert is not None:
        _check_certificates("BFF_CLIENT_CERT", cert)
        _show(context, cert, key)
    return context


def _check_certificates(variable: str, path: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        raise ValueError(f"{variable}: {path} must hold certificates in PEM format") from None
    except OSError as problem:
        raise ValueError(f"{variable}: {path} cannot be read ({problem.strerror})") from None


def _show(context: ssl.SSLContext, cert: Path, key: Path | None) -> None:
    variable, path = ("BFF_CLIENT_CERT", cert) if key is None else ("BFF_CLIENT_KEY", key)
    try:
        # Without ``password`` OpenSSL asks for one at the terminal, and waits.
        context.load_cert_chain(cert, key, password=_encrypted)
    except ssl.SSLError:
        raise ValueError(
            f"{variable}: {path} must hold the key of the certificate in BFF_CLIENT_CERT, in PEM"
            " format"
        ) from None
    except OSError as problem:
        raise ValueError(f"{variable}: {path} cannot be read ({problem.strerror})") from None


def _encrypted() -> NoReturn:
    raise ValueError("BFF_CLIENT_KEY: is encrypted; store the key without a passphrase")


def _proxies() -> dict[str, str]:
    """Return the proxies that the environment names, for the two schemes that are used.

    Raises:
        ValueError: one is no address of an HTTP proxy.
    """
    named = urllib.request.getproxies_environment()
    found = {
        scheme: _address(scheme, named[scheme]) for scheme in ("http", "https") if named.get(scheme)
    }
    return {**found, "no": named.get("no", "")}


def _address(scheme: str, value: str) -> str:
    address = value if "://" in value else f"http://{value}"
    try:
        url = URL(address)
        whole = url.scheme == "http" and bool(url.host) and url.path in ("", "/")
    except ValueError:
        whole = False
    if not whole:
        # Not the value: it may hold a password.
        raise ValueError(
            f"{scheme.upper()}_PROXY: must be like http://[user:password@]proxy:3128"
            " (BFF_USE_PROXY)"
        )
    return address
