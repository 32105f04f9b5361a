"""Which of an image's uploads a watcher sees, as a table of cases."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bff.errors import BffError, Code, to_wire
from bff.progress.state import STALE_SECONDS, UploadState, View, followed_next, view_of

NOW = 1000.0
MAYBE_ENDED = st.none() | st.floats(500, 1000)
TOTALS = st.none() | st.integers(0, 2**40)


def wire(code: Code) -> dict[str, Any]:
    return to_wire(BffError(code, "why"), path=None, request_id="req-1")


def upload(name: str, started: float, ended: float | None = None, code: Code | None = None) -> Any:
    """A failed upload has a code, a completed one only an end, a running one neither."""
    error = wire(code) if code else None
    return UploadState(name, started, ended or NOW, 10, 100, ended, error)


GONE = Code.CLIENT_CLOSED_REQUEST


@pytest.mark.parametrize(
    ("uploads", "seen"),
    [
        ([], None),
        ([upload("a", 1)], "a"),
        ([upload("b", 2), upload("a", 1)], "a"),
        ([upload("a", 1), upload("b", 2, 3, Code.CONFLICT)], "a"),
        ([upload("a", 1, 3, GONE), upload("b", 5)], "b"),
        ([upload("a", 1, 3, GONE), upload("b", 4, 5, GONE)], "b"),
        # Glance refuses what began before the image was completed.
        ([upload("a", 1, 5), upload("b", 2)], "a"),
        ([upload("a", 1, 5), upload("b", 2, 6, Code.CONFLICT)], "a"),
        ([upload("a", 1, 5), upload("b", 6, 7, Code.CONFLICT)], "b"),
    ],
)
def test_who_comes_now_sees_the_upload_that_counts(
    uploads: list[UploadState], seen: str | None
) -> None:
    found = followed_next(uploads, None, NOW)
    assert (found and found.id) == seen


@pytest.mark.parametrize(
    ("uploads", "seen"),
    [
        ([upload("a", 2, 5, GONE), upload("b", 3)], "a"),
        ([upload("a", 2), upload("b", 3, 5)], "a"),
        ([upload("a", 2), upload("b", 1)], "a"),
        # It lost a race: Glance took the other one, which runs or has already ended.
        ([upload("a", 2, 5, Code.CONFLICT), upload("b", 3)], "b"),
        ([upload("a", 2, 5, Code.CONFLICT), upload("b", 3, 4)], "b"),
        # It was refused for a reason of its own.
        ([upload("a", 2, 5, Code.CONFLICT), upload("b", 0, 1)], "a"),
        ([upload("a", 2, 5, Code.CONFLICT), upload("b", 3, 4, GONE)], "a"),
        ([], "a"),
    ],
)
def test_who_watches_an_upload_stays_with_it_unless_another_one_was_taken(
    uploads: list[UploadState], seen: str
) -> None:
    found = followed_next(uploads, upload("a", 2), NOW)
    assert found is not None
    assert found.id == seen


def test_an_answer_that_was_overtaken_does_not_move_progress_back() -> None:
    newer, older = UploadState("a", 1, NOW, 50, 100), UploadState("a", 1, NOW - 1, 40, 100)
    assert followed_next([older], newer, NOW) == newer


def test_an_upload_that_is_silent_for_too_long_is_told_as_lost_and_shown_to_nobody_new() -> None:
    silent = upload("a", 1)
    later = NOW + STALE_SECONDS + 1
    assert followed_next([silent], None, later) is None
    lost = followed_next([silent], silent, later)
    assert lost is not None
    view = view_of(lost)
    assert view.event == "error"
    assert view.data["error"]["data"]["code"] == "TIMEOUT"


@pytest.mark.parametrize(
    ("uploaded", "total", "percent"),
    [(0, None, None), (0, 0, 100.0), (1, 3, 33.3), (999_999, 1_000_000, 99.9), (9, 3, 100.0)],
)
def test_the_percentage_is_rounded_down(
    uploaded: int, total: int | None, percent: float | None
) -> None:
    view = view_of(UploadState("a", 1, NOW, uploaded, total))
    assert view == View(
        "progress", {"uploaded": uploaded, "total": total, "percent": percent}, final=None
    )


def test_a_completed_upload_has_its_own_size_as_total() -> None:
    view = view_of(UploadState("a", 1, NOW, 7, None, ended=NOW))
    assert view == View("complete", {"uploaded": 7, "total": 7, "percent": 100.0}, "a")


UPLOADS = st.lists(
    st.builds(
        UploadState,
        st.sampled_from("abc"),
        st.floats(1, 1000),
        st.floats(1, 1000),
        st.integers(0, 2**40),
        TOTALS,
        MAYBE_ENDED,
        st.none() | st.sampled_from([wire(Code.CONFLICT), wire(GONE)]),
    ),
    unique_by=lambda found: found.id,
)


@settings(max_examples=50)
@given(st.lists(UPLOADS, max_size=5))
def test_only_an_end_is_final_whatever_is_read(reads: list[list[UploadState]]) -> None:
    followed: UploadState | None = None
    for uploads in reads:
        followed = followed_next(uploads, followed, NOW)
        view = view_of(followed)
        assert (view.final is None) == (view.event in ("waiting", "progress"))
        assert view.data["percent"] is None or 0 <= view.data["percent"] <= 100
