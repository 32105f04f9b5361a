"""The address of the image service in a catalog: found, or refused with the reason."""

from __future__ import annotations

import pytest

from bff.errors import BffError, Code
from bff.openstack.catalog import image_service, without_version
from schemas.keystone import TokenBody

GOOD = {"interface": "public", "url": "http://glance.example:9292", "region_id": "R"}


def catalog(*endpoints: object) -> TokenBody:
    user = {"id": "u", "name": "u", "domain": {"id": "d", "name": "d"}}
    entries = [None, {"type": "image", "endpoints": list(endpoints)}]
    token = {"user": user, "expires_at": "2099-01-01T00:00:00Z", "catalog": entries}
    return TokenBody.model_validate(token)


@pytest.mark.parametrize(
    "odd",
    [
        {**GOOD, "url": None},
        {**GOOD, "url": 5},
        {**GOOD, "interface": None},
        {**GOOD, "region_id": 5},
        {},
        None,
        "http://glance.example",
        {**GOOD, "interface": "internal"},
        {**GOOD, "region_id": "elsewhere"},
    ],
)
def test_one_odd_endpoint_does_not_hide_the_good_one_beside_it(odd: object) -> None:
    assert image_service(catalog(odd, GOOD).catalog, "public", "R") == GOOD["url"]


@pytest.mark.parametrize(
    "address",
    [
        *("http://[::1", "http://", "http:///v2", "//glance", "glance", "", "ftp://glance/"),
        *("http://glance:99999", "http://glance:port", "http://gl ance", "http://glance/?a=b"),
        *("javascript:alert(1)", "file:///etc/passwd", "http://glance\r\nX: y", "http://gl\xe4nce"),
        *("http://user:password@glance", "http://glance/#f"),
    ],
)
def test_an_address_that_is_none_is_a_bad_gateway_that_does_not_quote_it(address: str) -> None:
    with pytest.raises(BffError) as caught:
        image_service(catalog({**GOOD, "url": address}).catalog, "public", None)
    assert caught.value.code is Code.BAD_GATEWAY
    assert caught.value.message == (
        "The catalog's address of the image service is not an HTTP address."
    )


def test_a_catalog_without_an_image_service_is_unavailable() -> None:
    with pytest.raises(BffError) as caught:
        image_service(catalog().catalog, "public", "R")
    assert caught.value.code is Code.SERVICE_UNAVAILABLE
    assert "no public endpoint" in caught.value.message


@pytest.mark.parametrize(
    ("address", "root"),
    [
        ("http://glance", "http://glance"),
        ("http://glance/", "http://glance"),
        ("http://glance/v2", "http://glance"),
        ("http://glance/v2/", "http://glance"),
        ("http://glance/v1", "http://glance"),
        ("http://glance/v2.17", "http://glance"),
        ("http://cloud/image/v2", "http://cloud/image"),
        ("http://cloud/v2/image", "http://cloud/v2/image"),
        ("http://v2", "http://v2"),
    ],
)
def test_a_version_at_an_addresss_end_is_left_out(address: str, root: str) -> None:
    assert without_version(address) == root
