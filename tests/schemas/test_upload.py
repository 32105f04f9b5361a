"""Data that comes with a call."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff.errors import BffError
from bff.rpc.validation import validated
from schemas.image import EXAMPLE_ID
from schemas.upload import UploadImageInput, UploadResult


@given(st.binary(max_size=200))
def test_base64_is_read_back_whole(content: bytes) -> None:
    raw = {"imageId": EXAMPLE_ID, "file": base64.b64encode(content).decode()}
    assert validated(UploadImageInput, raw).file == content


@pytest.mark.parametrize(
    "file",
    [None, 5, [], {}, "a", "abc", "====", "YQ==\n", "YQ ==", "Y-_=", "data:;base64,YQ==", "é"],
)
def test_what_is_no_base64_is_refused_and_not_repeated(file: Any) -> None:
    with pytest.raises(BffError) as caught:
        validated(UploadImageInput, {"imageId": EXAMPLE_ID, "file": file})
    (issue,) = caught.value.data["issues"]
    assert issue["path"] == ["file"]
    assert issue["message"].startswith("file: must be a string in base64")


def test_the_result_has_the_specifications_names() -> None:
    result = UploadResult(success=True, image_id=EXAMPLE_ID)
    assert result.model_dump() == {"success": True, "imageId": EXAMPLE_ID}
