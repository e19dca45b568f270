"""Addresses that Groat may connect to for a merchant. Pure.

A merchant names the URL of a webhook. So it must not lead into our own network, to a cloud's
metadata service or back to ourselves.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from groat.kernel.errors import InvalidRequest

_IPV4_REFUSED = (
    IPv4Network("192.88.99.0/24"),  # relays of 6to4 (RFC 7526)
    IPv4Network("168.63.129.16/32"),  # the platform of Azure, under a public address
)
_IPV6_ALLOWED = IPv6Network("2000::/3")
"""The only part of IPv6 that is routed in public (RFC 4291)."""

_IPV6_REFUSED = (
    IPv6Network("2001::/23"),  # Teredo, ORCHID, benchmarks and other special uses
    IPv6Network("2001:db8::/32"),  # documentation
    IPv6Network("2002::/16"),  # 6to4, which embeds IPv4 addresses
    IPv6Network("3fff::/20"),  # documentation
)


def require_public(host: str, addresses: Collection[str]) -> None:
    """Refuse a host if it has no address, or if any of its addresses is not public.

    Raises:
        InvalidRequest: ``invalid_webhook_url``.
    """
    if not addresses or not all(map(is_public, addresses)):
        raise url_refused(f"{host[:253]} has an address that is not public")


def is_public(address: str) -> bool:
    """Return whether an address is one of a host in the public internet.

    Addresses of IPv6 that embed addresses of IPv4 are refused, whichever these are.
    """
    try:
        found = ip_address(address)
    except ValueError:  # for example an address with a zone
        return False
    if found.is_multicast or found.is_reserved or found.is_unspecified or not found.is_global:
        return False
    match found:
        case IPv4Address():
            return not any(found in network for network in _IPV4_REFUSED)
        case IPv6Address():
            return found in _IPV6_ALLOWED and not any(found in one for one in _IPV6_REFUSED)


def url_refused(reason: str) -> InvalidRequest:
    """Return the error for a URL that no webhook may go to."""
    return InvalidRequest("invalid_webhook_url", f"The URL cannot be used: {reason}.")
