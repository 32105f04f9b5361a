"""What a hostile client would send: refused before anything leaves, or sent encoded."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import procedures
from bff.rpc.registry import Procedure
from tests.bff.conftest import Bff, Start
from tests.fakes.openstack import FakeOpenStack
from tests.fakes.recorder import Recorder, recording
from tests.inputs import JSON, UUID, fitting, least, schema_of

SCHEMAS = {procedure.name: schema_of(procedure) for procedure in procedures.ALL}

# Every request that may ever be made of Glance: nothing below is outside of `/v2/images`, and
# no character in a path or query that is not plain or encoded.
_ID = "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
# Whoever decodes such a tag twice still has the tag, and no other place.
_TAG = r"/tags/(?!\.+$)([A-Za-z0-9._~-]|%(3A|3D|2C|40|20))+"
_BELOW = r"(/file|/members(/[A-Za-z0-9_-][A-Za-z0-9._-]*)?|/actions/(de|re)activate" rf"|{_TAG})?"
_QUERY = r"(\?([a-z_]+=([A-Za-z0-9._~-]|%[0-9A-F]{2})*(&|$))+)?"
ALLOWED = re.compile(rf"(GET|POST|PUT|PATCH|DELETE) /v2/images(/{_ID}{_BELOW})?{_QUERY}")
HEADERS = {
    *(b"host", b"accept", b"accept-encoding", b"user-agent", b"x-auth-token"),
    *(b"x-openstack-request-id", b"content-type", b"content-length", b"transfer-encoding"),
    # An upload has a connection of its own, which ends with it.
    *(b"x-openstack-image-size", b"expect", b"connection"),
}


@pytest.fixture
async def glance() -> AsyncIterator[Recorder]:
    """Return the recording Glance."""
    async with recording() as recorder:
        yield recorder


@pytest.fixture
async def bff(start: Start, glance: Recorder) -> Bff:
    """Return a BFF in front of it."""
    started: Bff = await start(glance_url=glance.url)
    return started


async def errors(bff: Bff, openstack: FakeOpenStack, calls: list[tuple[str, Any]]) -> list[Any]:
    """Make all calls in one batch; returns each one's error, ``None`` where there is none."""
    batch = [
        {"jsonrpc": "2.0", "id": 1, "method": f"compute.image.{name}", "params": params}
        for name, params in calls
    ]
    answers = await bff.json(batch, X_Auth_Token=openstack.new_token())
    return [answer.get("error") for answer in answers]


def is_harmless(glance: Recorder) -> None:
    """Check every byte that was sent beside the bodies."""
    for request, line in zip(glance.requests, glance.lines, strict=True):
        assert ALLOWED.fullmatch(line), line
        assert request.headers.keys() <= HEADERS
        assert request.headers[b"x-auth-token"].startswith(b"token-")


# --- What is refused ----------------------------------------------------------------------------

IDS: list[Any] = [
    *("", " ", ".", "..", "/", "*", "null", "0", "-1", "' or 1=1 --", "$(id)", "{id}", "%"),
    *("../tasks", "..%2ftasks", "%2e%2e/tasks", "..\\tasks", f"{UUID}/../../tasks", f"{UUID}/file"),
    *(f"{UUID}?all=1", f"{UUID}#", f"{UUID};x", f"{UUID}%00", f"{UUID}\0", f"{UUID}\n", f" {UUID}"),
    f"{UUID}\r\nX-Auth-Token: stolen\r\n\r\nGET /v2/tasks HTTP/1.1",
    *("http://169.254.169.254/latest", "//evil.example/", "file:///etc/passwd"),
    *(UUID[:-1], f"{UUID}0", UUID.replace("-", ""), f"{{{UUID}}}", f"urn:uuid:{UUID}"),
    *(UUID.replace("a", "а"), UUID.replace("8", "８"), UUID.replace("-", "‐"), "\u202e" + UUID),
    *(None, True, 0, 1.5, [], [UUID], {}, {"$ne": None}, "x" * 10_000),
]
MEMBERS: list[Any] = [
    *("", " ", ".", "..", "...", "/", "a/b", "a/../b", "../../tasks", "a%2fb", "%2e%2e", "a\\b"),
    *("a?b", "a#b", "a b", "a&b", "a;b", "a:b", "a@b", "a\0", "a\n", "a\r\nX: y", "\x7f", "*"),
    *("ä", "а", "\u202e", "😀", "a" * 256, "a" * 10_000, None, 5, True, ["a"], {}),
]
TAGS: list[Any] = [
    *("", "a\0", "a\n", "a\r\nX: y", "\x7f", "\x85", "a" * 256, None, 5, True, ["a"], {}),
]
LINKS: list[Any] = [
    *("", " ", "/", "?", "/v2", "/v2/", "/v2/images/", "/v2/imagesx", "v2/images", "/V2/images"),
    *("/v2/tasks", "/v2/images/../tasks", "/v2/images/%2e%2e/tasks", "/v2/images/..;/tasks"),
    *("/v2/images\\..\\tasks", "/v2//images", "//evil.example/v2/images", "///v2/images"),
    *("http://evil.example/v2/images", "https:/v2/images", "javascript:alert(1)", "@evil.example"),
    *(
        "/v2/images?limit=1#x",
        "/v2/images?limit=1\r\nX: y",
        "/v2/images?limit=1\0",
        "/v2/images?\t",
    ),
    *("/v2/images?limit=1 HTTP/1.1", "/v2/images?x=1", "/v2/images?project_id=x", "/v2/images?=1"),
    *(f"/v2/images/{UUID}", f"/v2/images/{UUID}/file", "/v2/images?all_tenants=true"),
    *("/v2/images?" + "tag=a&" * 3000, "/v2/images?tag=ä", "/v2/images?" + "&" * 20_000),
    *(f"/v2/images?size_min={10**20}", "/v2/images?limit=x"),
    "/v2/images?" + "&".join(f"tag={number}" for number in range(64)),
    *(5, True, [], ["/v2/images"], {}),
]
PATHS: list[Any] = [
    *("", "name", "name/x", " /name", "~", "/~", "/~2", "/a~", "/~~0", "#/name", "../name"),
    *("/a\0", "/\0", "/a\nb", "/a\r\nX: y", "/a\tb", "/\x7f", "/\x85", "/\x1b[31m", "/tags/\0"),
    *("/" + "x" * 100_000, "/a" * 10_000, None, 5, True, [], ["/name"], {}),
]
PROPERTIES = [
    *("", "\0", "a\0", "a\n", "a\r\nX: y", "a\tb", "\x7f", "\x1b[31m", "\u202e", "x" * 256),
    *("status", "size", "checksum", "locations", "direct_url", "self", "file", "stores"),
    *("os_glance_import_task", "os_glance_", "deleted_at", "os_hash_value", "virtual_size"),
]


def takers(parameter: str) -> list[tuple[str, dict[str, Any]]]:
    """Return every image procedure that takes a parameter, with an input that it accepts."""
    return [
        (name.removeprefix("compute.image."), least(schema))
        for name, schema in SCHEMAS.items()
        if parameter in schema["properties"] and name.startswith("compute.image.")
    ]


def shown(value: Any) -> str:
    return json.dumps(value)[:40]


async def are_refused(
    bff: Bff, openstack: FakeOpenStack, glance: Recorder, calls: list[tuple[str, Any]]
) -> None:
    assert calls
    for error in await errors(bff, openstack, calls):
        assert error is not None
        assert (error["code"], error["data"]["code"]) == (-32602, "BAD_REQUEST")
        assert len(json.dumps(error)) < 5000
    assert glance.requests == []


@pytest.mark.parametrize("value", IDS, ids=shown)
async def test_an_image_id_that_is_none_goes_nowhere(
    value: Any, bff: Bff, openstack: FakeOpenStack, glance: Recorder
) -> None:
    calls = [(name, known | {"imageId": value}) for name, known in takers("imageId")]
    calls += [(name, {"imageIds": [UUID, value]}) for name, _ in takers("imageIds")]
    if value is not None:
        calls += [("createImage", {"id": value}), ("listImages", {"marker": value})]
    await are_refused(bff, openstack, glance, calls)


@pytest.mark.parametrize("value", MEMBERS, ids=shown)
async def test_a_member_that_can_be_no_project_goes_nowhere(
    value: Any, bff: Bff, openstack: FakeOpenStack, glance: Recorder
) -> None:
    calls = [
        (name, known | {parameter: value})
        for parameter in ("member", "memberId")
        for name, known in takers(parameter)
    ]
    calls.append(("shareImages", {"imageIds": [UUID], "members": [value]}))
    if value is not None:
        calls += [("listImages", {"owner": value}), ("listImages", {"project_id": value})]
    await are_refused(bff, openstack, glance, calls)


@pytest.mark.parametrize("value", TAGS, ids=shown)
async def test_a_tag_that_can_be_none_goes_nowhere(
    value: Any, bff: Bff, openstack: FakeOpenStack, glance: Recorder
) -> None:
    params = {"imageIds": [UUID], "tags": ["fine", value]}
    calls = [(name, params) for name in ("tagImages", "untagImages")]
    await are_refused(bff, openstack, glance, calls)


@pytest.mark.parametrize("value", LINKS, ids=shown)
async def test_a_link_that_was_never_given_goes_nowhere(
    value: Any, bff: Bff, openstack: FakeOpenStack, glance: Recorder
) -> None:
    calls = [("listImagesWithPagination", {name: value}) for name in ("next", "first")]
    await are_refused(bff, openstack, glance, calls)


@pytest.mark.parametrize("value", PATHS, ids=shown)
async def test_a_patch_path_that_is_no_pointer_goes_nowhere_and_is_named_by_its_index(
    value: Any, bff: Bff, openstack: FakeOpenStack, glance: Recorder
) -> None:
    fine = {"op": "remove", "path": "/fine"}
    operations = [
        ({"op": "add", "path": value, "value": "x"}, "path"),
        ({"op": "remove", "path": value}, "path"),
        ({"op": "test", "path": value, "value": "x"}, "path"),
        ({"op": "move", "path": value, "from": "/name"}, "path"),
    ]
    if value is not None:
        operations += [({"op": "copy", "path": "/name", "from": value}, "from")]
    calls = [("updateImage", {"imageId": UUID, "operations": [fine, op]}) for op, _ in operations]
    found = await errors(bff, openstack, calls)
    for error, (_, parameter) in zip(found, operations, strict=True):
        (issue,) = error["data"]["issues"]
        assert issue["path"] == ["operations", 1, parameter]
    await are_refused(bff, openstack, glance, calls)


INCOMPLETE: list[tuple[Any, list[str | int]]] = [
    ({"op": "add", "path": "/a"}, ["operations", 1]),
    ({"op": "replace", "path": "/a"}, ["operations", 1]),
    ({"op": "test", "path": "/a"}, ["operations", 1]),
    ({"op": "move", "path": "/a"}, ["operations", 1]),
    ({"op": "copy", "path": "/a", "from": None}, ["operations", 1]),
    ({"op": "remove"}, ["operations", 1, "path"]),
    ({"path": "/a"}, ["operations", 1, "op"]),
    ({"op": "rename", "path": "/a"}, ["operations", 1, "op"]),
    ({"op": "remove", "path": "/a", "form": "/b"}, ["operations", 1, "form"]),
    ("remove /a", ["operations", 1]),
    (None, ["operations", 1]),
]


@pytest.mark.parametrize(("operation", "path"), INCOMPLETE)
async def test_an_operation_that_lacks_something_goes_nowhere_and_is_named_by_its_index(
    operation: Any, path: list[str | int], bff: Bff, openstack: FakeOpenStack, glance: Recorder
) -> None:
    fine = {"op": "remove", "path": "/fine"}
    calls = [("updateImage", {"imageId": UUID, "operations": [fine, operation]})]
    (error,) = await errors(bff, openstack, calls)
    (issue,) = error["data"]["issues"]
    assert issue["path"][: len(path)] == path
    await are_refused(bff, openstack, glance, calls)


@pytest.mark.parametrize("value", PROPERTIES, ids=shown)
async def test_a_property_that_no_image_may_have_goes_nowhere(
    value: str, bff: Bff, openstack: FakeOpenStack, glance: Recorder
) -> None:
    await are_refused(bff, openstack, glance, [("createImage", {value: "x"})])


NAMES = ["a\0", "\0", "a\nb", "a\r\nX: y", "a\tb", "\x7f", "\x85", "\x1b[31m"]


def setting(value: str) -> list[dict[str, Any]]:
    """Return operations that make a text an image's name or one of its tags."""
    return [
        {"op": "add", "path": "/name", "value": value},
        {"op": "replace", "path": "/name", "value": value},
        {"op": "add", "path": "/tags/-", "value": value},
        {"op": "replace", "path": "/tags/0", "value": value},
        {"op": "replace", "path": "/tags", "value": ["fine", value]},
    ]


@pytest.mark.parametrize("value", NAMES, ids=shown)
async def test_a_name_or_tag_that_no_screen_can_show_goes_nowhere(
    value: str, bff: Bff, openstack: FakeOpenStack, glance: Recorder
) -> None:
    await are_refused(
        bff,
        openstack,
        glance,
        [
            ("createImage", {"name": value}),
            ("createImage", {"tags": ["fine", value]}),
            ("listImages", {"tag": value}),
            *(("updateImage", {"imageId": UUID, "operations": [step]}) for step in setting(value)),
        ],
    )


# --- What is sent, and is harmless --------------------------------------------------------------

SENT = {
    "a dot, a dash and an underscore in a member": (
        "getImageMember",
        {"imageId": UUID, "memberId": "A.b_c-9"},
        f"GET /v2/images/{UUID}/members/A.b_c-9",
    ),
    "a long member": (
        "deleteImageMember",
        {"imageId": UUID, "memberId": "a" * 255},
        f"DELETE /v2/images/{UUID}/members/{'a' * 255}",
    ),
    "dots that lead nowhere": (
        "updateImageMember",
        {"imageId": UUID, "memberId": "a..", "status": "rejected"},
        f"PUT /v2/images/{UUID}/members/a..",
    ),
    "an id in capitals": (
        "getImageById",
        {"imageId": UUID.upper()},
        f"GET /v2/images/{UUID.upper()}",
    ),
    "a line break in a filter": (
        "listImages",
        {"name": "a\r\nX-Auth-Token: b", "limit": 1},
        "GET /v2/images?limit=1&name=eq%3Aa%0D%0AX-Auth-Token%3A%20b&sort=created_at%3Adesc",
    ),
    "another parameter in a filter": (
        "listImages",
        {"name": "a&visibility=all#", "limit": 1},
        "GET /v2/images?limit=1&name=eq%3Aa%26visibility%3Dall%23&sort=created_at%3Adesc",
    ),
    "another path in a tag": (
        "listImages",
        {"tag": "../../tasks?x=%2f", "limit": 1},
        "GET /v2/images?limit=1&tag=..%2F..%2Ftasks%3Fx%3D%252f&sort=created_at%3Adesc",
    ),
    "a line break in a link": (
        "listImagesWithPagination",
        {"next": "/v2/images?name=a%0d%0aX:%20b"},
        "GET /v2/images?name=a%0D%0AX%3A%20b",
    ),
    "another path in a link": (
        "listImagesWithPagination",
        {"next": "/v2/images?marker=../tasks"},
        "GET /v2/images?marker=..%2Ftasks",
    ),
    "bytes that are no UTF-8 in a link": (
        "listImagesWithPagination",
        {"first": "/v2/images?name=%ff%c0%af"},
        "GET /v2/images?name=%EF%BF%BD%EF%BF%BD%EF%BF%BD",
    ),
    "a slash in a property's name": (
        "updateImage",
        {"imageId": UUID, "operations": [{"op": "remove", "path": "/a~1..~1..~1tasks"}]},
        f"PATCH /v2/images/{UUID}",
    ),
    "a path that leads out": (
        "updateImage",
        {"imageId": UUID, "operations": [{"op": "remove", "path": "/../../tasks"}]},
        f"PATCH /v2/images/{UUID}",
    ),
    "a tag": (
        "untagImages",
        {"imageIds": [UUID], "tags": ["a b:c=d,e@f"]},
        f"DELETE /v2/images/{UUID}/tags/a%20b%3Ac%3Dd%2Ce%40f",
    ),
    "what is HTML in a property's name": (
        "createImage",
        {"<script>alert(1)</script>": '"><img src=x>', "../../tasks": "x", "name": "${jndi:x}"},
        "POST /v2/images",
    ),
    "a property that Python knows": (
        "createImage",
        {"__slots__": "x", "__proto__": "x", "constructor": "x", "model_config": "x"},
        "POST /v2/images",
    ),
}


@pytest.mark.parametrize("what", SENT)
async def test_what_looks_hostile_and_is_allowed_is_sent_encoded(
    what: str, bff: Bff, openstack: FakeOpenStack, glance: Recorder
) -> None:
    name, params, line = SENT[what]
    await errors(bff, openstack, [(name, params)])
    assert glance.lines == [line]
    is_harmless(glance)


async def test_a_property_of_any_allowed_name_arrives_as_it_was_given(
    bff: Bff, openstack: FakeOpenStack, glance: Recorder
) -> None:
    own = {"__proto__": "a", "a/b~c": "b", '"': "c", "ünï": "d", "x" * 255: "e", "model_config": ""}
    await errors(bff, openstack, [("createImage", own)])
    assert json.loads(glance.requests[0].body).items() >= own.items()
    steps = [{"op": "add", "path": "/a~1b~0c", "value": "x"}, {"op": "remove", "path": '/"'}]
    await errors(bff, openstack, [("updateImage", {"imageId": UUID, "operations": steps})])
    assert json.loads(glance.requests[1].body) == steps


def test_the_lists_hold_what_the_word_promises() -> None:
    hostile = [*IDS, *MEMBERS, *LINKS, *PATHS, *PROPERTIES, *NAMES]
    assert len(hostile) >= 60


@pytest.mark.parametrize(
    "tag",
    [".", "..", "/", "a/b", f"../../{UUID}", "..\\..", "%2e%2e", "a?b", "a#b", "a;b", "ä", "а"],
)
@pytest.mark.parametrize("procedure", ["tagImages", "untagImages"])
async def test_a_tag_that_could_be_another_place_stands_in_no_path(
    procedure: str, tag: str, bff: Bff, openstack: FakeOpenStack, glance: Recorder
) -> None:
    await errors(bff, openstack, [(procedure, {"imageIds": [UUID], "tags": [tag]})])
    assert glance.lines == [f"{method} /v2/images/{UUID}" for method in ("GET", "PATCH")]


# --- What nobody thought of ---------------------------------------------------------------------

HOSTILE = st.sampled_from([*IDS, *MEMBERS, *LINKS, *PATHS, *PROPERTIES])


@cache
def inputs(procedure: str) -> st.SearchStrategy[Any]:
    """Return inputs that fit, and inputs of which up to three parameters are something else."""
    schema = SCHEMAS[procedure]
    own = {name: part for name, part in schema["properties"].items() if name != "project_id"}
    fits = fitting(schema | {"properties": own})
    changes = st.dictionaries(
        st.sampled_from([*schema["properties"]]) | st.sampled_from(PROPERTIES) | st.text(),
        HOSTILE | JSON,
        min_size=1,
        max_size=3,
    )
    return fits | st.builds(lambda fit, change: {**fit, **change}, fits, changes) | JSON


async def test_an_input_that_fits_its_schema_reaches_glance(
    bff: Bff, openstack: FakeOpenStack, glance: Recorder
) -> None:
    for name, schema in SCHEMAS.items():
        if name.startswith("compute.image."):
            glance.requests.clear()
            # Of no images, nothing is asked.
            some = {"imageIds": [UUID]} if "imageIds" in schema["properties"] else {}
            params = least(schema) | some
            await bff.call(name, params, X_Auth_Token=openstack.new_token())
            assert glance.requests, name


PASSWORD_PATH = re.compile(r"/v3/users/[A-Za-z0-9_-][A-Za-z0-9._-]*/password")


def paths_of(openstack: FakeOpenStack) -> set[str]:
    return {request.raw_path for request in openstack.requests}


@pytest.mark.parametrize("procedure", procedures.ALL, ids=lambda procedure: procedure.name)
@settings(
    max_examples=10,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
async def test_no_input_makes_a_bug_show_or_a_request_go_astray(
    procedure: Procedure, data: st.DataObject, bff: Bff, openstack: FakeOpenStack, glance: Recorder
) -> None:
    params = data.draw(inputs(procedure.name))
    glance.requests.clear()
    openstack.requests.clear()
    answer = await bff.call(procedure.name, params, X_Auth_Token=openstack.new_token())
    if "error" in answer:
        error = answer["error"]["data"]
        assert error["code"] != "INTERNAL_SERVER_ERROR"
        assert procedure.name.startswith("auth.") or error["httpStatus"] < 500
    is_harmless(glance)
    known = {"/v3", "/v3/auth/tokens", "/v3/auth/projects"}
    if procedure.name == "auth.changePassword":
        # An id alone: whatever could be more of a path is refused.
        known |= {path for path in paths_of(openstack) if PASSWORD_PATH.fullmatch(path)}
    assert paths_of(openstack) <= known
