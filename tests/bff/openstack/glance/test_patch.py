"""JSON Patch as RFC 6902 has it, sent as Glance takes it."""

from __future__ import annotations

from contextlib import suppress
from itertools import product
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff.errors import BffError, Code
from bff.openstack.glance import patch

IMAGE: dict[str, Any] = {
    "id": "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac",
    "name": "an image",
    "tags": ["a", "b"],
    "protected": False,
    "min_ram": 1,
    "size": None,
    "hw_serial": "s",
}


def add(path: str, value: Any) -> patch.Step:
    return {"op": "add", "path": path, "value": value}


def replace(path: str, value: Any) -> patch.Step:
    return {"op": "replace", "path": path, "value": value}


def remove(path: str) -> patch.Step:
    return {"op": "remove", "path": path}


def check(path: str, value: Any) -> patch.Step:
    return {"op": "test", "path": path, "value": value}


def move(source: str, path: str) -> patch.Step:
    return {"op": "move", "from": source, "path": path}


def copy(source: str, path: str) -> patch.Step:
    return {"op": "copy", "from": source, "path": path}


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [add("/x", "1"), replace("/name", "n"), remove("/hw_serial")],
        [replace("/tags", [])],
        [add("/tags-of-mine", "x")],
    ],
)
def test_what_glance_takes_is_plain(steps: list[patch.Step]) -> None:
    assert patch.is_plain(steps)


@pytest.mark.parametrize(
    "step",
    [add("/tags/-", "x"), remove("/tags/0"), move("/a", "/b"), copy("/a", "/b"), check("/a", 1)],
)
def test_what_glance_does_not_take_is_not_plain(step: patch.Step) -> None:
    assert not patch.is_plain([replace("/name", "n"), step])


@pytest.mark.parametrize(
    ("steps", "sent"),
    [
        ([add("/tags/-", "c")], [replace("/tags", ["a", "b", "c"])]),
        ([add("/tags/0", "c")], [replace("/tags", ["c", "a", "b"])]),
        ([replace("/tags/1", "c")], [replace("/tags", ["a", "c"])]),
        ([remove("/tags/0"), add("/tags/-", "a")], [replace("/tags", ["b", "a"])]),
        ([move("/hw_serial", "/serial")], [remove("/hw_serial"), add("/serial", "s")]),
        ([copy("/name", "/title")], [add("/title", "an image")]),
        ([copy("/hw_serial", "/name")], [replace("/name", "s")]),
        ([copy("/tags/0", "/tags/-")], [replace("/tags", ["a", "b", "a"])]),
        ([check("/name", "an image"), replace("/name", "n")], [replace("/name", "n")]),
        ([check("/min_ram", 1.0)], []),
        ([check("/size", None)], []),
        ([check("/size", None), replace("/min_ram", True)], [replace("/min_ram", True)]),
        (
            [check("/tags", ["a", "b"]), add("/a~1b", "c"), add("/m~0n", "d")],
            [add("/a~1b", "c"), add("/m~0n", "d")],
        ),
        ([check("/name", "an image"), add("/x", "1"), remove("/x")], []),
    ],
)
def test_the_difference_is_sent_in_glances_own_operations(
    steps: list[patch.Step], sent: list[patch.Step]
) -> None:
    assert patch.difference(IMAGE, steps) == sent
    assert IMAGE["tags"] == ["a", "b"]


@pytest.mark.parametrize(
    ("code", "step"),
    [
        (Code.CONFLICT, check("/name", "another")),
        (Code.CONFLICT, check("/protected", 0)),
        (Code.CONFLICT, check("/min_ram", True)),
        (Code.CONFLICT, check("/nothing", None)),
        (Code.CONFLICT, remove("/tags/2")),
        (Code.CONFLICT, remove("/nothing")),
        (Code.CONFLICT, copy("/nothing", "/x")),
        (Code.CONFLICT, add("/tags/3", "x")),
        (Code.CONFLICT, move("/tags", "/tags/0")),
        (Code.INVALID_INPUT, add("/tags/x", "x")),
        (Code.INVALID_INPUT, add("/tags/01", "x")),
        (Code.INVALID_INPUT, remove("/tags/-")),
        (Code.INVALID_INPUT, add("/name/x", "x")),
        (Code.INVALID_INPUT, add("/nothing/x", "x")),
        (Code.INVALID_INPUT, add("/tags/-", ["nested"])),
        (Code.INVALID_INPUT, copy("/tags", "/tags/-")),
        (Code.INVALID_INPUT, copy("/size", "/tags/-")),
        (Code.INVALID_INPUT, copy("/min_ram", "/tags/0")),
        (Code.INVALID_INPUT, add("/x", {"a": 1})),
    ],
)
def test_a_step_that_cannot_be_applied_is_named_by_its_index(code: Code, step: patch.Step) -> None:
    with pytest.raises(BffError) as caught:
        patch.difference(IMAGE, [check("/tags", ["a", "b"]), step, remove("/never")])
    assert caught.value.code is code
    assert caught.value.message.startswith("Cannot apply operations.1: ")
    assert caught.value.data["issues"][0]["path"] == ["operations", 1]


def test_a_list_that_each_step_would_walk_through_has_an_end() -> None:
    longest = ["x"] * (patch.MAX_ITEMS - 1)
    steps = [add("/tags", longest), add("/tags/-", "x")]
    assert patch.difference(IMAGE, steps)[0]["value"] == [*longest, "x"]
    with pytest.raises(BffError, match="a list of at most 5000 strings"):
        patch.difference(IMAGE, [*steps, add("/tags/0", "x")])


def test_an_owner_is_replaced_and_never_added() -> None:
    steps = [add("/owner", "x"), add("/owner_name", "x"), remove("/owner"), add("/x", "/owner")]
    sent = patch.with_owner_checked(steps)
    assert sent == [{**steps[0], "op": "replace"}, *steps[1:]]
    assert steps[0]["op"] == "add"


OPS = ("add", "remove", "replace", "move", "copy", "test")
PLACES = [
    *("/name", "/size", "/min_ram", "/protected", "/tags", "/tags/-", "/tags/0", "/tags/9"),
    *("/x", "/x/y", "/", "//"),
]


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("value", [None, True, 1, 1.5, "x", [], ["x"], [None], {}, {"x": 1}])
def test_every_step_is_applied_or_refused_whatever_the_places(op: str, value: Any) -> None:
    for path, source in product(PLACES, PLACES):
        step = {"op": op, "path": path, "from": source, "value": value}
        with suppress(BffError):
            sent = patch.difference(IMAGE, [step])
            assert patch.is_plain(sent)
            assert all(isinstance(tag, str) for one in sent for tag in listed(one.get("value")))


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def test_a_patch_that_doubles_and_doubles_is_stopped() -> None:
    large = [add("/a", "x" * 100_000), *(copy("/a", f"/copy{n}") for n in range(999))]
    with pytest.raises(BffError) as caught:
        patch.difference(IMAGE, large)
    assert caught.value.code is Code.PAYLOAD_TOO_LARGE


KEYS = st.sampled_from(["name", "tags", "x", "hw_serial", "a/b", "m~n"])
VALUES = st.one_of(st.text(max_size=3), st.lists(st.text(max_size=2), max_size=3), st.booleans())


@given(st.dictionaries(KEYS, VALUES), st.dictionaries(KEYS, VALUES))
def test_the_difference_always_leads_from_one_image_to_the_other(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    pointers = {key: "/" + key.replace("~", "~0").replace("/", "~1") for key in before | after}
    steps = [remove(pointers[key]) for key in before]
    steps += [add(pointers[key], value) for key, value in after.items()]
    sent = patch.difference(before, steps)
    assert jsonpatch.apply_patch(before, sent) == after
    assert len({step["path"] for step in sent}) == len(sent)
    changed = {step["path"] for step in sent}
    assert changed == {
        pointers[key]
        for key in before | after
        if (key in before) != (key in after) or before[key] != after[key]
    }


def test_a_test_of_all_tags_asks_for_no_order() -> None:
    image = {"tags": ["a", "b", "c"]}
    for same in (["c", "a", "b"], ["a", "b", "c"]):
        assert patch.difference(image, [check("/tags", same), replace("/tags", [])]) == [
            replace("/tags", [])
        ]
    for other in (
        ["a", "b"],
        ["a", "b", "c", "c"],
        ["a", "b", "d"],
        "abc",
        None,
        [["a"], "b", "c"],
    ):
        with pytest.raises(BffError) as caught:
            patch.difference(image, [check("/tags", other)])
        assert caught.value.code is Code.CONFLICT
