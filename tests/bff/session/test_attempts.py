"""What is kept of attempts: in bounded memory, exact, and never longer than the window."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff.session.attempts import Bound, MemoryAttempts
from bff.session.user_names import folded
from tests.bff.session.conftest import Clock


def test_made_up_names_cost_bounded_memory() -> None:
    attempts = MemoryAttempts(Clock(), size=100)
    for number in range(1000):
        attempts.add([Bound("user", f"made up {number}", 10)])
    assert len(attempts) == 100


def test_a_user_who_is_tried_again_is_not_pushed_out_by_them() -> None:
    attempts = MemoryAttempts(Clock(), size=100)
    alice = Bound("user", "alice", 1)
    attempts.add([alice])
    for number in range(1000):
        attempts.add([Bound("user", f"made up {number}", 10)])
        assert attempts.add([alice])[1] == [60]


def test_they_are_gone_after_the_window() -> None:
    clock = Clock()
    attempts = MemoryAttempts(clock)
    attempts.add([Bound("user", "alice", 10)])
    clock.now += 60
    assert len(attempts) == 0


def test_a_lower_limit_counts_what_was_there() -> None:
    clock = Clock()
    attempts = MemoryAttempts(clock)
    for _ in range(5):
        attempts.add([Bound("user", "alice", 10)])
        clock.now += 1
    assert attempts.add([Bound("user", "alice", 2)])[1] == [58]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 40)), max_size=60))
def test_no_window_ever_has_more_than_its_limit(steps: list[tuple[str, float]]) -> None:
    clock = Clock()
    attempts = MemoryAttempts(clock)
    allowed: dict[str, list[float]] = {"a": [], "b": []}
    for key, passes in steps:
        clock.now += passes
        _, (wait,) = attempts.add([Bound("user", key, 3)])
        recent = [at for at in allowed[key] if at > clock.now - 60]
        assert (wait == 0) == (len(recent) < 3)
        if wait:
            assert wait == pytest.approx(recent[-3] + 60 - clock.now)
        else:
            allowed[key].append(clock.now)


def test_either_bound_refuses_for_both() -> None:
    attempts = MemoryAttempts(Clock())
    user, address = Bound("user", "alice", 5), Bound("address", "192.0.2.1", 1)
    assert attempts.add([user, address])[1] == [0, 0]
    assert attempts.add([user, address])[1] == [0, 60]
    assert [attempts.add([user])[1] for _ in range(5)] == [[0]] * 4 + [[60]]


def test_what_is_taken_back_can_be_tried_again() -> None:
    attempts = MemoryAttempts(Clock())
    alice = [Bound("user", "alice", 2)]
    at, _ = attempts.add(alice)
    attempts.add(alice)
    attempts.remove(alice, at)
    attempts.remove(alice, 0)
    assert [attempts.add(alice)[1] for _ in range(2)] == [[0], [60]]


# As many spellings of one name as MySQL's collations take for it.
SPELLINGS = [
    ["Straße", "strasse", "STRASSE", "ſtrasse", "strase", "Strаße".replace("а", "a"), "ßtrase"],
    ["José  García", "jose garcia", " JOSÉ\u00a0GARCÍA ", "Jose\u0301 Garci\u0301a"],
    ["Łukasz", "lukasz", "LUKASZ"],
    ["Søren", "soren", "SO\u0338REN"],
    ["œuvre", "oeuvre", "ŒUVRE"],
    ["ﬁona", "fiona", "FIONA"],
    ["иван", "ИВАН", "и\u200dван"],
    ["Ωmega", "ωmega", "\u2126mega"],
    ["alice\ud800", "alice"],
]


@pytest.mark.parametrize("names", SPELLINGS, ids=lambda names: names[0].encode("ascii", "replace"))
def test_spellings_of_one_name(names: list[str]) -> None:
    assert len({folded(name) for name in names}) == 1


def test_other_names_stay_others() -> None:
    names = ["alice", "bob", "al ice", "alice2", "иван", "пётр", "李", "王", "admin", "demo"]
    for one, other in product(names, names):
        assert (folded(one) == folded(other)) == (one == other)


@given(st.text())
def test_any_text_has_one_spelling_that_can_be_hashed(name: str) -> None:
    assert isinstance(folded(name).encode(), bytes)
    assert folded(f"\u3000{folded(name)}\t") == folded(name)
