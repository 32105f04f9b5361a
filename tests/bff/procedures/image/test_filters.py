"""A list's filters: what is sent for each parameter, and which links are let in."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff.errors import BffError, Code
from bff.openstack.glance.body import Known
from procedures.image import filters
from procedures.image.scan import Scan
from schemas.image import ImagesPaginatedInput, ListImagesInput

SOME_ID = "a85abd86-55b3-4d5b-b0b4-5d0a6e6042fc"
NEWEST_FIRST = ("sort", "created_at:desc")

PARAMETERS: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    "limit": (10, [("limit", "10")]),
    "marker": (SOME_ID, [("marker", SOME_ID)]),
    "name": ("web", [("name", "eq:web")]),
    "status": ("active", [("status", "active")]),
    "ids": (
        [SOME_ID, SOME_ID.upper(), SOME_ID],
        [
            ("id", f"in:{SOME_ID},{SOME_ID.upper()}"),
            ("visibility", "all"),
            ("member_status", "all"),
        ],
    ),
    "visibility": ("all", [("visibility", "all")]),
    "owner": ("f" * 32, [("owner", "f" * 32)]),
    "protected": (True, [("protected", "true")]),
    "container_format": ("bare", [("container_format", "bare")]),
    "disk_format": ("qcow2", [("disk_format", "qcow2")]),
    "size_min": (0, [("size_min", "0")]),
    "size_max": (2**63 - 1, [("size_max", "9223372036854775807")]),
    "min_ram": (512, [("min_ram", "512")]),
    "min_disk": (0, [("min_disk", "0")]),
    "tag": ("prod", [("tag", "prod")]),
    "tags": (["prod", "eu"], [("tag", "prod"), ("tag", "eu")]),
    "os_type": ("linux", [("os_type", "linux")]),
    "properties": (
        {"os_distro": "in:a,b", "a b.c&": "gt:=é"},
        [("os_distro", "in:a,b"), ("a b.c&", "gt:=é")],
    ),
    "os_hidden": (False, [("os_hidden", "false")]),
    "member_status": ("pending", [("member_status", "pending")]),
    "search": ("Ubu", [("search", "Ubu")]),
    "offered": ("pending", [("offered", "pending")]),
    "created_at": ("gte:2026-01-31T12:00:00Z", [("created_at", "gte:2026-01-31T12:00:00Z")]),
    "updated_at": ("lt:2026-01-31T12:00:00Z", [("updated_at", "lt:2026-01-31T12:00:00Z")]),
    "project_id": ("p1", []),
}
ORDERS = {"sort", "sort_key", "sort_dir"}


def of(**params: Any) -> filters.Query:
    return filters.of_params(ListImagesInput.model_validate(params))


def refused(link: str) -> BffError:
    with pytest.raises(BffError) as caught:
        filters.of_link(link)
    return caught.value


def test_every_parameter_of_a_list_is_in_the_table() -> None:
    assert PARAMETERS.keys() | ORDERS == ListImagesInput.model_fields.keys()


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_is_sent_as_glance_takes_it(name: str) -> None:
    value, sent = PARAMETERS[name]
    assert of(**{name: value}) == [*sent, NEWEST_FIRST]


def test_all_parameters_together_are_all_sent() -> None:
    given_all = {name: value for name, (value, _) in PARAMETERS.items() if name != "offered"}
    expected = {pair for name in given_all for pair in PARAMETERS[name][1]} | {NEWEST_FIRST}
    # What is given is meant, also with ids.
    assert set(of(**given_all)) == expected - {("member_status", "all")}


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("probe:x", "eq:probe:x"),
        ("eq:x", "eq:eq:x"),
        ("inside", "eq:inside"),
        ("", "eq:"),
        (" in:a", "eq: in:a"),
        ("in:a,b", "in:a,b"),
        ('in:"a,b",c', 'in:"a,b",c'),
    ],
)
def test_a_name_is_taken_as_it_is_unless_it_lists_several(name: str, sent: str) -> None:
    assert of(name=name) == [("name", sent), NEWEST_FIRST]


@pytest.mark.parametrize("name", ["status", "container_format", "disk_format"])
def test_several_values_are_one_filter_and_each_is_sent_once(name: str) -> None:
    several: dict[str, list[str]] = {
        "status": ["active", "queued", "active"],
        "container_format": ["bare", "ovf"],
        "disk_format": ["qcow2", "raw", "iso"],
    }
    sent = ",".join(dict.fromkeys(several[name]))
    assert of(**{name: several[name]}) == [(name, f"in:{sent}"), NEWEST_FIRST]


def test_images_asked_for_by_id_are_those_that_may_be_seen_so_where_that_is_said() -> None:
    asked = of(ids=[SOME_ID], visibility="private")
    assert asked == [
        ("visibility", "private"),
        ("id", SOME_ID),
        ("member_status", "all"),
        NEWEST_FIRST,
    ]
    asked = of(ids=[SOME_ID], member_status="pending")
    assert asked == [
        ("member_status", "pending"),
        ("id", SOME_ID),
        ("visibility", "all"),
        NEWEST_FIRST,
    ]


@pytest.mark.parametrize(
    ("params", "sent"),
    [
        ({"tag": "a", "tags": "b"}, ["a", "b"]),
        ({"tag": ["a", "b"], "tags": ["b", "c", "a"]}, ["a", "b", "c"]),
        ({"tag": ["a", "a"]}, ["a"]),
        ({"tag": [], "tags": []}, []),
    ],
)
def test_tag_and_tags_mean_the_same_and_each_is_sent_once(params: Any, sent: list[str]) -> None:
    assert of(**params) == [*(("tag", tag) for tag in sent), NEWEST_FIRST]


@pytest.mark.parametrize(
    ("params", "sort"),
    [
        ({}, "created_at:desc"),
        ({"sort": "name:asc"}, "name:asc"),
        ({"sort": "name:asc,size:desc"}, "name:asc,size:desc"),
        ({"sort": "name:asc", "sort_key": "size", "sort_dir": "desc"}, "name:asc"),
        ({"sort_key": "size", "sort_dir": "asc"}, "size:asc"),
        ({"sort_key": "size"}, "size:desc"),
        ({"sort_dir": "asc"}, "created_at:asc"),
    ],
)
def test_sort_wins_and_the_legacy_order_becomes_sort(params: Any, sort: str) -> None:
    assert of(**params) == [("sort", sort)]


@pytest.mark.parametrize("which", ["first", "next"])
def test_a_link_already_holds_every_filter_and_wins_over_them(which: str) -> None:
    params = {which: "/v2/images?tag=a&tag=b&limit=2", "name": "ignored", "limit": 9}
    sent = filters.of_params(ImagesPaginatedInput.model_validate(params))
    assert sent == [("tag", "a"), ("tag", "b"), ("limit", "2")]


def test_a_link_encodes_everything_that_is_not_plain() -> None:
    link = filters.to_link([("name", "eq:a b/c&d=é#?"), ("tag", "~x_y-z.1")])
    assert link == "/v2/images?name=eq%3Aa%20b%2Fc%26d%3D%C3%A9%23%3F&tag=~x_y-z.1"


def test_an_empty_query_is_the_path_alone() -> None:
    assert filters.to_link([]) == "/v2/images"
    assert filters.of_link("/v2/images") == filters.of_link("/v2/images?") == []


LINK_PARAMETERS = (PARAMETERS.keys() | ORDERS | {"id"}) - {
    "project_id",
    "ids",
    "tags",
    "properties",
}
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=4096)
TAGS = st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), max_size=50)
PARAMS = st.fixed_dictionaries(
    {},
    optional={name: st.just(value) for name, (value, _) in PARAMETERS.items() if name != "offered"}
    | {"name": NAMES, "tag": TAGS.map(lambda tags: [tag[:255] for tag in tags]), "tags": st.none()},
)


@given(PARAMS)
def test_every_query_survives_its_own_link(params: dict[str, Any]) -> None:
    asked = of(**params)
    assert filters.of_link(filters.to_link(asked)) == asked


@pytest.mark.parametrize(
    "link",
    [
        # Glance's own, and ones that a browser or a library may have written anew.
        "/v2/images?limit=2&sort=name%3Aasc&marker=" + SOME_ID,
        "/v2/images?sort=name:asc,size:desc",
        "/v2/images?sort_key=name&sort_dir=asc",
        "/v2/images?name=eq%3Ax+y&visibility=all&tag=a&tag=b",
        "/v2/images?" + "&".join(f"tag={number}" for number in range(50)),
        "/v2/images?name=" + "eq%3A" + "x" * 4096,
    ],
)
def test_a_link_of_an_earlier_answer_is_let_in(link: str) -> None:
    assert filters.of_link(link)


@pytest.mark.parametrize(
    "link",
    [
        "",
        "?",
        "images?limit=1",
        "v2/images?limit=1",
        "http://evil.example/v2/images",
        "https://evil.example/v2/images?limit=1",
        "//evil.example/v2/images",
        "///v2/images",
        "\\\\evil.example/v2/images",
        "/\\evil.example/v2/images",
        "/v2/images\\..\\tasks",
        "/v2/images?limit=1\\",
        "user:password@evil.example/v2/images",
        "//user@evil.example/v2/images",
        "/v2/images@evil.example",
        "/v2/tasks",
        "/v2/tasks?limit=1",
        "/v2/images/",
        "/v2/images/?limit=1",
        f"/v2/images/{SOME_ID}",
        f"/v2/images/{SOME_ID}/file",
        "/v2/images/../tasks",
        "/v2/images/..",
        "/v2/%2e%2e/v2/images",
        "/v2/images%2e%2e/tasks",
        "/v2/images/%2e%2e/tasks?limit=1",
        "/v2/images%2f..%2ftasks",
        "/v2/images%3Flimit=1",
        "/v2//images",
        "//v2/images",
        "/v2/images;x=1",
        "/V2/images",
        "/v2/imagesx",
        "/v2/images#fragment",
        "/v2/images?limit=1#fragment",
        "/v2/images?limit=1\n",
        "/v2/images\n",
        "\n/v2/images",
        " /v2/images",
        "/v2/images ",
        "/v2/images?limit=1\r\nX-Auth-Token: x",
        "/v2/images?limit=\t1",
        "/v2/im\tages",
        "/v2/images?limit=1\0",
        "\0/v2/images",
        "/v2/images?name=ü",
        "/v2/images?name=\u2028",
        "/v2/images?name=\ud800",
        "/v2/images?limit=１",
        "/v2/images?name=a b",
        "/v2/images?name=<script>",
        '/v2/images?name="',
        "/v2/images?unknown=1",
        "/v2/images?limit=1&unknown=",
        "/v2/images?Limit=1",
        "/v2/images?limit%00=1",
        "/v2/images?limit=1;unknown=2&x=",
        "/v2/images?=1",
        "/v2/images??limit=1",
        "/v2/images?project_id=p1",
        "/v2/images?tags=a",
        "/v2/images?next=/v2/images",
        f"/v2/images?ids={SOME_ID}",
        "/v2/images?os_distro=ubuntu",
        *(f"/v2/images?properties.{name}=x" for name in ("", "owner", "limit", "x_min", "save")),
        "/v2/images?properties.a=%00",
        "/v2/images?properties=a",
        "/v2/images?" + "&".join(f"properties.p{number}=x" for number in range(51)),
        *(
            f"/v2/images?id={value}"
            for value in ("", "in:", "x", f"{SOME_ID},", f"in:in:{SOME_ID}")
        ),
        "/v2/images?id=in:" + ",".join(f"{SOME_ID[:-3]}{number:03}" for number in range(101)),
        *(f"/v2/images?status={value}" for value in ("", "in:", "active,", "in:gone", "gt:active")),
        "/v2/images?" + "&".join(["tag=a"] * (filters.MAX_FIELDS + 1)),
        "/v2/images?" + "&".join(f"tag={number}" for number in range(51)),
        *(f"/v2/images?limit={value}" for value in ("", "0", "-1", "1001", "x", "1e1", "%D9%A1")),
        *(f"/v2/images?size_min={value}" for value in (10**20, "-1", "x", "")),
        "/v2/images?sort=owner:asc",
        "/v2/images?sort=",
        "/v2/images?tag=",
        "/v2/images?tag=%00",
        "/v2/images?visibility=everyone",
        "/v2/images?protected=maybe",
        "/v2/images?created_at=gte:0001-01-01T00:00:00%2B14:00",
        "/v2/images?" + "&" * 201,
    ],
)
def test_a_link_that_is_anything_else_is_refused(link: str) -> None:
    error = refused(link)
    assert error.code is Code.INVALID_INPUT
    assert error.code.label == "BAD_REQUEST"
    assert "links of an earlier answer" in error.message


@given(
    st.lists(st.sampled_from([*sorted(LINK_PARAMETERS), *"=&%?#/:;@+.0A \\\n", "x", "../", "//"]))
)
def test_a_link_is_refused_or_holds_list_parameters_only(parts: list[str]) -> None:
    found: filters.Query = []
    with suppress(BffError):
        found = filters.of_link("/v2/images?" + "".join(parts))
    assert {key for key, _ in found} <= LINK_PARAMETERS


def test_what_is_offered_is_shared_by_others_and_says_no_visibility_besides() -> None:
    asked = of(offered="pending", limit=3)
    assert filters.of_link(filters.to_link(asked)) == asked
    scan = Scan.of(asked, "mine")
    assert scan.query == [NEWEST_FIRST, ("visibility", "shared"), ("member_status", "pending")]
    assert scan.matches(Known("1", owner="theirs"))
    assert not scan.matches(Known("1", owner="mine"))
    with pytest.raises(ValueError, match="leave them out"):
        of(offered="all", visibility="shared")


@pytest.mark.parametrize(
    ("part", "is_found"),
    [("UBU", True), ("strasse", True), ("A85", True), ("lts", True), ("ubuntu l", False)],
)
def test_a_search_looks_at_name_id_and_tags_without_regard_to_case(
    part: str, is_found: bool
) -> None:
    scan = Scan.of(of(search=part), "mine")
    assert scan.matches(Known(SOME_ID, "Ubuntu Straße", ("LTS", "x"), "mine")) is is_found


FROM, TO = "gte:2026-01-01T00:00:00Z", "lt:2026-02-01T00:00:00+00:00"
OF_JANUARY = [
    ("2025-12-31T23:59:59Z", False),
    ("2026-01-01T00:00:00Z", True),
    ("2026-01-31T23:59:59Z", True),
    ("2026-02-01T00:00:00Z", False),
    ("yesterday", False),
    (None, False),
]


@pytest.mark.parametrize(
    ("sort", "asked", "stops"),
    [
        ("created_at:desc", TO, True),
        ("created_at:asc,name:asc", FROM, True),
        ("name:asc,created_at:desc", FROM, False),
    ],
)
def test_of_a_from_and_a_to_glance_is_asked_the_one_that_the_list_begins_with(
    sort: str, asked: str, stops: bool
) -> None:
    scan = Scan.of(of(created_at=[TO, FROM], sort=sort), "mine")
    assert scan.query == [("sort", sort), ("created_at", asked)]
    assert (bool(scan.until), bool(scan.tests)) == (stops, not stops)
    for time, is_in in OF_JANUARY:
        given = Known("1", created_at=time)
        # The other half is Glance's to look at.
        is_glances = time == ("2026-02-01T00:00:00Z" if asked == TO else "2025-12-31T23:59:59Z")
        assert (scan.matches(given) and not scan.is_past(given)) is (is_in or is_glances)


def test_a_from_and_a_to_travel_in_links() -> None:
    query = of(created_at=[TO, FROM], updated_at=TO)
    assert query == [("created_at", FROM), ("created_at", TO), ("updated_at", TO), NEWEST_FIRST]
    assert filters.of_link(filters.to_link(query)) == query
    twisted = [("created_at", TO), ("created_at", FROM), ("sort", "name:asc")]
    assert Scan.of(filters.of_link(filters.to_link(twisted)), "").query == [
        ("sort", "name:asc"),
        ("created_at", FROM),
    ]
    # How Glance orders by both ways at once is not to be guessed.
    both = [*query, ("sort_key", "name")]
    assert not Scan.of(filters.of_link(filters.to_link(both)), "").until
    for bad in ([FROM, FROM], [TO, FROM, TO], [FROM, "eq:2026-01-01T00:00:00Z"]):
        refused(filters.to_link([("created_at", bound) for bound in bad]))


def test_one_bound_of_a_date_is_glances_alone() -> None:
    scan = Scan.of(of(created_at=FROM, updated_at=[TO]), "mine")
    assert not scan.is_needed
    assert scan.query == [NEWEST_FIRST, ("created_at", FROM), ("updated_at", TO)]


@pytest.mark.parametrize("wrong", [[], [FROM, FROM], [FROM, TO, TO], [FROM, "2026-01-01"], [1, 2]])
def test_what_is_no_from_and_to_is_refused(wrong: list[Any]) -> None:
    with pytest.raises(ValueError, match="created_at"):
        of(created_at=wrong)


def test_a_link_of_another_search_is_refused() -> None:
    given: dict[str, Any] = {"next": filters.to_link(of(search="a")), "search": "b"}
    with pytest.raises(BffError, match="another search"):
        filters.of_params(ImagesPaginatedInput.model_validate(given))
    given["search"] = "a"
    assert ("search", "a") in filters.of_params(ImagesPaginatedInput.model_validate(given))


def test_a_property_cannot_pass_for_a_parameter_of_a_link() -> None:
    link = filters.to_link(of(properties={"os_distro": "ubuntu", "properties.x": "y"}))
    assert link == (
        "/v2/images?properties.os_distro=ubuntu&properties.properties.x=y&sort=created_at%3Adesc"
    )
    assert ("properties.x", "y") in filters.of_link(link)


def test_the_first_page_is_the_same_query_without_its_marker() -> None:
    tags = [("tag", "a"), ("tag", "b")]
    assert filters.first_page([("marker", "old"), *tags]) == tags
    assert filters.first_page(tags) == tags
