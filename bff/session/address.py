"""Whose turn or bound an address counts for: one host, or one IPv6 network."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

UNKNOWN = "unknown"
# What one customer of a provider has, at least (RFC 6177): the rest is theirs to choose.
IPV6_PREFIX = 64
# The first 96 bits of 64:ff9b::/96, in which the whole of IPv4 is one /64 (RFC 6052, 2.1).
_TRANSLATED = 0x0064_FF9B << 64


def canonical_address(host: str | None) -> str:
    """Return an address in its one spelling; ``unknown`` for what is none.

    A proxy may write anything into X-Forwarded-For, and a Unix socket's peer has no address.
    """
    address = _parsed(host)
    return UNKNOWN if address is None else str(address)


def address_group(address: str) -> str:
    """Return what addresses of one client have in common: IPv4 itself, or the IPv6 /64."""
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((int(parsed), IPV6_PREFIX), strict=False))
    return UNKNOWN if parsed is None else str(parsed)


def _parsed(host: str | None) -> IPv4Address | IPv6Address | None:
    try:
        # The zone (RFC 4007, 11) names an interface of this host's.
        address = ip_address((host or "").partition("%")[0])
    except ValueError:
        return None
    if not isinstance(address, IPv6Address):
        return address
    if int(address) >> 32 == _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    # As a socket for both has them.
    return address.ipv4_mapped or address
