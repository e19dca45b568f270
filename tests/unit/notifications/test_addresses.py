"""Addresses and URLs: every notation and every kind of address that is not public is refused."""

from __future__ import annotations

import pytest

from groat.kernel.errors import InvalidRequest
from groat.notifications.domain.addresses import is_public
from groat.notifications.infrastructure.urls import parse_url

PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.215.14", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e"]
PRIVATE = [
    *("127.0.0.1", "127.255.255.254", "0.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.1", "192.0.2.1", "198.18.0.1"),
    *("198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.88.99.1"),
    *("168.63.129.16", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254"),
    *("fec0::1", "ff02::1", "2001:db8::1", "2001::1", "2002:7f00:1::", "100::1", "3fff::1"),
    *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:7f00:1", "::7f00:1", "::127.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::a00:1", "2001:0:7f00:1::"),
    *("localhost", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", ""),
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_accepted(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_other_addresses_are_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://a/", "//a/"),
        *("https://", "https:///path", "https://user@example.com/", "https://a:b@example.com/"),
        *("https://example.com@127.0.0.1/", "https://example.com#x", "https://example.com\\@a/"),
        *(
            "https://example.com:0/",
            "https://example.com:99999/",
            "https://[::1",
            "https://exa mple/",
        ),
        *("https://example.com/\r\nx: y", "https://exämple.com/", "https://[fe80::1%25eth0]/"),
        "https://example.com/" + "x" * 2048,
    ],
)
def test_urls_that_are_not_plain_https_are_refused(url: str) -> None:
    with pytest.raises(InvalidRequest, match="URL cannot be used") as refused:
        parse_url(url, allow_private=False)
    assert refused.value.code == "invalid_webhook_url"


def test_a_url_is_read_into_its_parts() -> None:
    target = parse_url("https://example.com:8443/a/b?c=d", allow_private=False)
    assert (target.host, target.port, target.path) == ("example.com", 8443, "/a/b?c=d")
    assert parse_url("http://localhost", allow_private=True).path == "/"
