"""Calls by the tens of thousands: a few requests at a time, a few hundred calls in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from polaris_bff.base import settle
from polaris_bff.core import Core
from polaris_bff.effects import Emit, Flow, Start, Take, Wait
from polaris_bff.outcome import Outcome
from polaris_bff.wire import wire_params


def mapped(
    core: Core,
    outcomes: Iterator[Outcome[Any]] | AsyncIterator[Outcome[Any]],
    *,
    concurrency: int,
    size: int,
    ordered: bool,
) -> Flow[None]:
    """Make the call of each outcome that has not ended; emits the outcomes.

    Args:
        concurrency: How many requests there are at a time.
        size: How many calls a request has.
        ordered: In the order given; otherwise as they end.
    """
    running: list[Any] = []
    at_end = False
    while True:
        while not at_end and len(running) < concurrency:
            taken = yield Take(outcomes, min(size, core.max_batch))
            at_end = not taken
            if taken:
                running.append((yield Start(_some(core, taken), concurrency)))
        if not running:
            return
        for ended in (yield Wait(running[:1] if ordered else running)):
            running.remove(ended)
            for outcome in ended.result():
                yield Emit(outcome)


def _some(core: Core, outcomes: Sequence[Outcome[Any]]) -> Flow[Sequence[Outcome[Any]]]:
    made = [
        (core.new_call(each.procedure, wire_params(each.procedure, dict(each.input))), each)
        for each in outcomes
        if not each.done
    ]
    yield from settle(core, made)
    return outcomes
