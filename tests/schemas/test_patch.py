"""JSON Patch operations: what each needs, and what is refused with its index."""

from __future__ import annotations

from typing import Any

import pytest

from bff.errors import BffError
from bff.rpc.validation import validated
from schemas.image import EXAMPLE_ID
from schemas.patch import MAX_OPERATIONS, UpdateImageInput


def nested(levels: int) -> Any:
    value: Any = "x"
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


def issues(*operations: Any) -> list[Any]:
    with pytest.raises(BffError) as caught:
        validated(UpdateImageInput, {"imageId": EXAMPLE_ID, "operations": [*operations]})
    return [(issue["path"], issue["message"]) for issue in caught.value.data["issues"]]


GOOD = {"op": "remove", "path": "/hw_serial"}


@pytest.mark.parametrize(
    ("operation", "place", "words"),
    [
        ({"op": "add", "path": "/x"}, [], "add needs value"),
        ({"op": "replace", "path": "/x"}, [], "replace needs value"),
        ({"op": "test", "path": "/x"}, [], "test needs value"),
        ({"op": "move", "path": "/x"}, [], "move needs from"),
        ({"op": "copy", "path": "/x", "from": None}, [], "copy needs from"),
        ({"op": "remove"}, ["path"], "required"),
        ({"path": "/x"}, ["op"], "required"),
        ({"op": "append", "path": "/x"}, ["op"], "Input should be 'add', 'remove'"),
        ({"op": "remove", "path": "x"}, ["path"], "must be a JSON Pointer"),
        ({"op": "remove", "path": ""}, ["path"], "must be a JSON Pointer"),
        ({"op": "remove", "path": "/a~2"}, ["path"], "must be a JSON Pointer"),
        ({"op": "remove", "path": "/a~"}, ["path"], "must be a JSON Pointer"),
        ({"op": "remove", "path": "/a\0"}, ["path"], "must be a JSON Pointer"),
        ({"op": "remove", "path": "/a\n"}, ["path"], "must be a JSON Pointer"),
        ({"op": "remove", "path": "/" + "a" * 1024}, ["path"], "at most 1024"),
        ({"op": "remove", "path": 5}, ["path"], "valid string"),
        ({"op": "move", "path": "/x", "from": "y"}, ["from"], "must be a JSON Pointer"),
        ({"op": "remove", "path": "/"}, ["path"], "must name a property"),
        ({"op": "remove", "path": "//owner"}, ["path"], "must name a property"),
        ({"op": "remove", "path": "/owner "}, ["path"], "must name a property"),
        ({"op": "remove", "path": "/\u2003owner"}, ["path"], "must name a property"),
        ({"op": "add", "path": "//name", "value": "\0"}, ["path"], "must name a property"),
        ({"op": "move", "path": "/x", "from": "//y"}, ["from"], "must name a property"),
        ({"op": "add", "path": "/x", "valeu": 1}, ["valeu"], "did you mean value?"),
        ({"op": "add", "path": "/tags/-", "value": ""}, [], "a tag must have at least one"),
        (
            {"op": "replace", "path": "/tags", "value": ["a", ""]},
            [],
            "a tag must have at least one",
        ),
        ({"op": "add", "path": "/x", "value": nested(101)}, ["value"], "more than 100 levels"),
        ({**{str(n): 0 for n in range(21)}}, [], "at most 20 members"),
        (5, [], "valid dictionary"),
        ({"op": "add", "path": "/delete", "value": "x"}, [], "cannot change a property"),
        ({"op": "replace", "path": "/image_id", "value": "x"}, [], "cannot change a property"),
        ({"op": "move", "path": "/__class__", "from": "/x"}, [], "cannot change a property"),
        ({"op": "copy", "path": "/base", "from": "/x"}, [], "cannot change a property"),
    ],
)
def test_a_faulty_operation_is_refused_with_its_index(
    operation: Any, place: list[str], words: str
) -> None:
    found = issues(GOOD, operation)
    assert ["operations", 1, *place] in [path for path, _ in found]
    assert any(words in message for _, message in found)


def test_what_an_operation_does_not_use_is_left_out() -> None:
    steps = [
        {"op": "remove", "path": "/a", "value": 1, "from": "/b"},
        {"op": "move", "path": "/a", "from": "/b", "value": 1},
        {"op": "add", "path": "/a", "value": None, "from": "/b"},
    ]
    params = validated(UpdateImageInput, {"imageId": EXAMPLE_ID, "operations": steps})
    assert [operation.as_json() for operation in params.operations] == [
        {"op": "remove", "path": "/a"},
        {"op": "move", "path": "/a", "from": "/b"},
        {"op": "add", "path": "/a", "value": None},
    ]


@pytest.mark.parametrize("op", ["remove", "test"])
def test_a_property_that_another_client_made_may_be_looked_at_by_any_name(op: str) -> None:
    step = {"op": op, "path": "/delete", "value": "x"}
    validated(UpdateImageInput, {"imageId": EXAMPLE_ID, "operations": [step]})


def test_a_patch_has_an_end() -> None:
    found = issues(*[GOOD] * (MAX_OPERATIONS + 1))
    assert found[0][0] == ["operations"]


def test_a_million_unknown_members_are_one_issue() -> None:
    assert len(issues(*[dict.fromkeys(map(str, range(1000)), 0)] * 40)) == 40
