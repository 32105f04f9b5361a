"""JSON texts put together."""

from __future__ import annotations

import pytest

from schemas.json import enclosed


@pytest.mark.parametrize(
    ("items", "text"),
    [([], b"[]"), ([b"{}"], b"[{}]"), ([b'{"a":1}', b"2", b"[]"], b'[{"a":1},2,[]]')],
)
def test_an_array_is_its_items_joined(items: list[bytes], text: bytes) -> None:
    assert enclosed(b"[", items, b"]") == text
