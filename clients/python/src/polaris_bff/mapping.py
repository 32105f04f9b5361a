"""Calls by the tens of thousands: a few requests at a time, a few hundred calls in memory."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from typing import Any

from polaris_bff.base import settle
from polaris_bff.core import Core
from polaris_bff.effects import Emit, Flow, Start, Take, Wait
from polaris_bff.outcome import Outcome
from polaris_bff.wire import wire_params

Inputs = Iterable[Mapping[str, Any]]


def mapped(
    core: Core,
    name: str,
    inputs: Inputs | AsyncIterable[Mapping[str, Any]],
    *,
    concurrency: int,
    size: int,
    ordered: bool,
) -> Flow[None]:
    """Make a call for each input; emits the outcomes.

    Args:
        concurrency: How many requests there are at a time.
        size: How many calls a request has.
        ordered: In the order of the inputs; otherwise as they end.
    """
    running: list[Any] = []
    at_end = False
    while True:
        while not at_end and len(running) < concurrency:
            taken = yield Take(inputs, min(size, core.max_batch))
            at_end = not taken
            if taken:
                running.append((yield Start(_some(core, name, taken), concurrency)))
        if not running:
            return
        for ended in (yield Wait(running[:1] if ordered else running)):
            running.remove(ended)
            for outcome in ended.result():
                yield Emit(outcome)


def _some(core: Core, name: str, inputs: Sequence[Mapping[str, Any]]) -> Flow[list[Outcome[Any]]]:
    made = [
        (core.new_call(name, wire_params(name, dict(given))), Outcome[Any](name, given))
        for given in inputs
    ]
    yield from settle(core, made)
    return [outcome for _, outcome in made]
