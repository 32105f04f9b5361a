"""The query of a list as it goes out, and the marker in Glance's links."""

from __future__ import annotations

import pytest

from bff.openstack.glance.query import from_marker, marker_in, marker_of, to_path
from tests.bff.openstack.glance.conftest import IMAGE_ID


def test_a_path_encodes_everything_that_is_not_plain() -> None:
    path = to_path([("name", "eq:a b/c&d=é#?"), ("tag", "~x_y-z.1")])
    assert path == "/v2/images?name=eq%3Aa%20b%2Fc%26d%3D%C3%A9%23%3F&tag=~x_y-z.1"


def test_an_empty_query_is_the_path_alone() -> None:
    assert to_path([]) == "/v2/images"


def test_a_marker_is_set_replaced_and_read() -> None:
    tags = [("tag", "a"), ("tag", "b")]
    assert from_marker(tags, "new") == [*tags, ("marker", "new")]
    assert from_marker([("marker", "old"), *tags], "new") == [*tags, ("marker", "new")]
    assert (marker_in(tags), marker_in([("marker", "old"), *tags])) == (None, "old")


@pytest.mark.parametrize(
    ("link", "marker"),
    [
        (f"/v2/images?limit=2&marker={IMAGE_ID}", IMAGE_ID),
        ("/v2/images?marker=a%2Fb", "a/b"),
        ("/v2/images?limit=2", None),
        ("/v2/images?marker=", None),
        ("http://[broken?marker=x", "x"),
        ("", None),
    ],
)
def test_of_the_link_that_glance_gives_only_the_marker_is_read(
    link: str, marker: str | None
) -> None:
    assert marker_of(link) == marker
