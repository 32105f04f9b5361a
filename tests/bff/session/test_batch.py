"""What calls of a batch share beside mutations, in any order: nobody is given what is too old."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from bff.openstack.exchange import uncounted
from bff.openstack.glance import Glance
from bff.openstack.glance.images import Listed
from bff.session.batch import Batch

KEYS = (b"one list", b"another list")
IDS = tuple(str(UUID(int=number)) for number in range(6))
USES = 9


class History:
    """A batch, step by step. An answer of its upstream is the time at which it was requested."""

    token = "a-token"

    def __init__(self) -> None:
        self.time = 0
        self.running: list[ExitStack] = []
        # When mutations began and ended, and when queries began.
        self.marks: list[int] = []
        self.queries: list[tuple[int, asyncio.Task[int | None]]] = []
        self.held: list[asyncio.Event] = []
        self.to_come = [*IDS]
        self.left = dict.fromkeys(KEYS, USES)
        batch = Batch.of({None: dict(enumerate(IDS))}, self.left, lambda: 60)
        assert batch is not None
        self.batch = batch

    def counting(self, _count: Any) -> History:
        return self

    @property
    def images(self) -> History:
        return self

    async def listed(self, image_ids: Sequence[str], *, hidden: bool) -> Listed:
        del hidden
        requested = await self._request(0)
        texts = {image_id: str(requested).encode() for image_id in image_ids}
        return Listed(texts, (), has_more=False)

    async def _request(self, _count: Any) -> int:
        requested, event = self.time, asyncio.Event()
        self.held.append(event)
        await event.wait()
        return requested

    async def _show(self, image_id: str) -> int | None:
        images: Any = self.batch.images(None)
        glance: Glance = self  # type: ignore[assignment]
        text = await images.text(image_id, glance)
        return None if text is None else int(text)

    def begin(self) -> None:
        mutation = ExitStack()
        mutation.enter_context(self.batch.changing())
        self.running.append(mutation)
        self.marks.append(self.time)

    def end(self) -> None:
        if self.running:
            self.running.pop().close()
            self.marks.append(self.time)

    def read(self, key: bytes) -> None:
        if self.left[key]:
            self.left[key] -= 1
            reading = self.batch.read(key, self._request, uncounted)
            self.queries.append((self.time, asyncio.ensure_future(reading)))

    def get(self) -> None:
        if self.to_come:
            showing = self._show(self.to_come.pop())
            self.queries.append((self.time, asyncio.ensure_future(showing)))

    def answer(self) -> None:
        while self.held:
            self.held.pop().set()

    async def play(self, steps: list[str]) -> None:
        actions = {
            "begin": self.begin,
            "end": self.end,
            "read one": lambda: self.read(KEYS[0]),
            "read another": lambda: self.read(KEYS[1]),
            "get": self.get,
            "answer": self.answer,
        }
        for step in steps:
            self.time += 1
            actions[step]()
            for _ in range(6):
                await asyncio.sleep(0)
        while not all(query.done() for _, query in self.queries):
            self.answer()
            await asyncio.sleep(0)


async def played(steps: list[str]) -> History:
    history = History()
    await history.play(steps)
    return history


STEPS = st.sampled_from(("begin", "end", "read one", "read another", "get", "get", "answer"))


@given(st.lists(STEPS, max_size=40))
def test_no_query_is_given_what_was_requested_before_a_mutation_that_it_follows(
    steps: list[str],
) -> None:
    history = asyncio.run(played(steps))
    for began, query in history.queries:
        requested = query.result()
        marks = [mark for mark in history.marks if mark <= began]
        assert requested is None or requested >= max(marks, default=0)


async def test_without_mutations_all_is_sent_once() -> None:
    history = await played(["get", "read one", "read another", "answer"] + ["read one", "get"] * 4)
    assert {query.result() for _, query in history.queries} == {1, 2, 3}
