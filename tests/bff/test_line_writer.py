"""Log lines come whole, in order, and none is lost, whoever writes them."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
from threading import Thread

from bff.line_writer import LineWriter


class Stream(io.StringIO):
    """Counts the writes."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)


def test_without_a_loop_each_line_is_written_at_once() -> None:
    stream = Stream()
    writer = LineWriter(stream)
    writer.write("one")
    assert stream.getvalue() == "one\n"
    writer.write("two")
    assert stream.getvalue() == "one\ntwo\n"


async def test_the_lines_of_one_turn_of_the_loop_are_one_write() -> None:
    stream = Stream()
    writer = LineWriter(stream)
    for number in range(3):
        writer.write(str(number))
    await asyncio.sleep(0)
    assert (stream.getvalue(), stream.writes) == ("0\n1\n2\n", 1)
    writer.write("3")
    await asyncio.sleep(0)
    assert stream.getvalue() == "0\n1\n2\n3\n"


def test_what_a_loop_has_left_is_written_by_whoever_comes_next() -> None:
    stream = Stream()
    writer = LineWriter(stream)

    async def leave() -> None:
        asyncio.get_running_loop().stop()
        writer.write("last")

    loop = asyncio.new_event_loop()
    task = loop.create_task(leave())
    loop.run_forever()
    loop.close()
    assert task.done()
    writer.write("next")
    assert stream.getvalue() == "last\nnext\n"


async def test_lines_of_threads_are_all_there_and_whole() -> None:
    stream = Stream()
    writer = LineWriter(stream)

    def write(name: str) -> None:
        for number in range(500):
            writer.write(f"{name} {number}")

    threads = [Thread(target=write, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for number in range(500):
        writer.write(f"loop {number}")
        await asyncio.sleep(0)
    await asyncio.gather(*(asyncio.to_thread(thread.join) for thread in threads))
    writer.flush()
    expected = {f"{name} {number}" for name in ("a", "b", "c", "loop") for number in range(500)}
    assert sorted(stream.getvalue().splitlines()) == sorted(expected)


def test_a_stream_that_is_gone_fails_nobody() -> None:
    stream = Stream()
    writer = LineWriter(stream)
    stream.close()
    writer.write("lost")


def test_what_waits_when_the_process_ends_is_written() -> None:
    script = (
        "import asyncio, sys; from bff.line_writer import LineWriter\n"
        "async def main():\n"
        "    LineWriter(sys.stdout).write('last')\n"
        "    sys.exit(3)\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (3, b"last\n")
