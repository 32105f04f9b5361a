"""Input that does not fit: every fault explained, none quoted, and never too many of them."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from pydantic import BaseModel, Field

import procedures
from bff.errors import BffError, Code
from bff.rpc.validation import MAX_HINTS, MAX_ISSUES, MAX_KEY_LENGTH, validated
from schemas.base import MAX_PARAMETERS, Input
from schemas.image import CreateImageInput, ListImagesInput

MANY = 200_000
MAX_MEMORY = 32 * 1024 * 1024
INPUTS: dict[str, type[Input]] = {
    procedure.input.__name__: procedure.input for procedure in procedures.ALL
}
LIST_FIELDS = [
    (model, field.alias or name)
    for model in INPUTS.values()
    for name, field in model.model_fields.items()
]


class Inner(BaseModel):
    count: int = Field(ge=1)


class Example(Input):
    first_name: str
    image_id: str | None = Field(None, alias="imageId")
    inner: list[Inner] = Field(default=[])


def refusal(model: type[BaseModel], raw: Any) -> BffError:
    with pytest.raises(BffError) as caught:
        validated(model, raw)
    assert caught.value.code is Code.INVALID_INPUT
    assert caught.value.__suppress_context__
    return caught.value


def issues(model: type[BaseModel], raw: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = refusal(model, raw).data["issues"]
    return found


def test_input_that_fits_becomes_its_model() -> None:
    params = validated(Example, {"first_name": "a", "imageId": "b", "inner": [{"count": 1}]})
    assert (params.first_name, params.image_id, params.inner[0].count) == ("a", "b", 1)


@pytest.mark.parametrize(
    ("raw", "path", "message", "code"),
    [
        ({}, ["first_name"], "first_name: required", "missing"),
        (
            {"first_name": 1},
            ["first_name"],
            "first_name: Input should be a valid string",
            "string_type",
        ),
        (
            {"first_name": "a", "first_nam": 1},
            ["first_nam"],
            "first_nam: unknown parameter; did you mean first_name?",
            "extra_forbidden",
        ),
        (
            {"first_name": "a", "imageID": 1},
            ["imageID"],
            "imageID: unknown parameter; did you mean imageId?",
            "extra_forbidden",
        ),
        # The name in Python is no parameter where there is an alias.
        (
            {"first_name": "a", "image_id": "b"},
            ["image_id"],
            "image_id: unknown parameter; did you mean imageId?",
            "extra_forbidden",
        ),
        (
            {"first_name": "a", "zzz": 1},
            ["zzz"],
            "zzz: unknown parameter",
            "extra_forbidden",
        ),
        (
            {"first_name": "a", "inner": [{"count": 1}, {"count": 0}]},
            ["inner", 1, "count"],
            "inner.1.count: Input should be greater than or equal to 1",
            "greater_than_equal",
        ),
    ],
)
def test_a_fault_has_its_path_a_sentence_and_a_code(
    raw: Any, path: list[str | int], message: str, code: str
) -> None:
    assert issues(Example, raw) == [{"path": path, "message": message, "code": code}]


@pytest.mark.parametrize("model", [Example, CreateImageInput])
@pytest.mark.parametrize("raw", [None, [], ["a"], "text", 5, True])
def test_input_that_is_no_object_is_one_fault_without_a_path(model: type[Input], raw: Any) -> None:
    [issue] = issues(model, raw)
    assert (issue["path"], issue["code"]) == ([], "model_type")
    assert issue["message"].startswith("Input should be a valid dictionary")


def test_every_fault_is_listed_and_the_message_names_the_first_three() -> None:
    error = refusal(Example, {"a": 1, "b": 1, "c": 1, "d": 1})
    assert error.message == (
        "Invalid params: first_name: required; a: unknown parameter; b: unknown parameter"
    )
    assert [issue["path"] for issue in error.data["issues"]] == [
        ["first_name"],
        *(["a"], ["b"], ["c"], ["d"]),
    ]


def test_a_long_name_is_cut_wherever_it_is_shown() -> None:
    [issue] = issues(Example, {"first_name": "a", "k" * 10_000: 1})
    assert issue["path"] == ["k" * MAX_KEY_LENGTH]
    assert len(issue["message"]) < 2 * MAX_KEY_LENGTH


def test_only_the_first_unknown_names_cost_a_search_for_the_nearest() -> None:
    raw = {"first_name": "a"} | {f"first_name{number}": 1 for number in range(MAX_HINTS + 5)}
    hints = ["did you mean" in issue["message"] for issue in issues(Example, raw)]
    assert hints == [True] * MAX_HINTS + [False] * 5


def test_no_more_faults_are_listed_than_anybody_reads() -> None:
    raw = {"first_name": "a", "inner": [{"count": 0}] * (MAX_ISSUES + 1)}
    assert len(issues(Example, raw)) == MAX_ISSUES


@pytest.mark.parametrize("model", INPUTS.values())
@pytest.mark.parametrize("value", ["s3cret-value", ["s3cret-value"], {"s3cret-value": 1}])
def test_no_error_shows_a_value_that_was_given(model: type[Input], value: Any) -> None:
    names = [field.alias or name for name, field in model.model_fields.items()]
    # Only a key to sort by is named, cut to its length, and the name of a property.
    named = ("sort", "properties")
    raw = dict.fromkeys([name for name in [*names, "zzz"] if name not in named], value)
    error = refusal(model, raw)
    shown = [error.message, *(issue["message"] for issue in error.data["issues"])]
    assert "s3cret-value" not in f"{shown} {error.__context__}"


def peak_of_refusing(model: type[BaseModel], raw: Any) -> int:
    """Return the most memory that a refusal took at any time."""
    tracemalloc.start()
    try:
        assert len(issues(model, raw)) <= MAX_ISSUES
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def many_names() -> dict[str, int]:
    return {f"k{number}": 1 for number in range(MANY)}


@pytest.mark.parametrize("model", INPUTS.values())
def test_an_input_of_countless_unknown_names_is_refused_for_their_number(
    model: type[Input], many_names: dict[str, int]
) -> None:
    assert peak_of_refusing(model, many_names) < MAX_MEMORY
    [issue] = issues(model, many_names)
    assert "at most" in issue["message"]


@pytest.mark.parametrize(("model", "name"), LIST_FIELDS)
def test_a_list_of_countless_wrong_elements_is_refused_at_little_cost(
    model: type[Input], name: str
) -> None:
    assert peak_of_refusing(model, {name: [1] * MANY}) < MAX_MEMORY
    assert peak_of_refusing(model, {name: [""] * MANY}) < MAX_MEMORY


def test_the_most_parameters_leave_room_for_every_property_of_an_image() -> None:
    own = {f"k{number}": "v" for number in range(MAX_PARAMETERS // 2)}
    assert validated(CreateImageInput, own).metadata().keys() >= own.keys()


def test_an_input_of_too_many_names_is_refused_at_the_limit() -> None:
    at_the_limit = {f"k{number}": 1 for number in range(MAX_PARAMETERS)}
    assert len(issues(ListImagesInput, at_the_limit)) == MAX_ISSUES
    assert len(issues(ListImagesInput, at_the_limit | {"one-more": 1})) == 1
