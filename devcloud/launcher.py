"""Serve one OpenStack WSGI application with cheroot; run by the cloud's own Python.

``launcher.py MODULE PORT PROCESSES`` prints a line when it listens. Its standard
input is a pipe whose other end the parent holds: when the parent dies, however hard, the pipe
closes and this process ends with it, as its copies do.
"""

import contextlib
import gc
import importlib
import os
import signal
import sys
import threading
from typing import Any

# What is not done by then, after SIGTERM, is cut off.
SECONDS_TO_FINISH = 1


def follow_parent() -> None:
    """End this process as soon as the parent's end of the pipe is closed."""
    # Not ``sys.stdin``, whose lock a copy of this process would find taken for ever.
    while os.read(0, 1024):
        pass
    os._exit(0)


def follow_in_background() -> None:
    """Follow the parent while this process serves."""
    threading.Thread(target=follow_parent, daemon=True).start()


def copies(count: int) -> list[int]:
    """Return the ids of so many copies of this process; a copy itself gets none."""
    made: list[int] = []
    for _ in range(count):
        made.append(os.fork())
        if not made[-1]:
            follow_in_background()
            return []
    return made


# Of the thread: whether the request that it serves only reads.
request = threading.local()


def noting_what_reads(application: Any) -> Any:
    """Return the application; its transactions know whether they are for a request that reads."""

    def noting(environ: Any, start_response: Any) -> Any:
        request.reads = environ["REQUEST_METHOD"] in {"GET", "HEAD"}
        return application(environ, start_response)

    return noting


def write_in_turns() -> None:
    """Let each transaction that may write wait for the one before it.

    SQLite fails at once ("database is locked") when two transactions that have only read so far
    both begin to write. One that says at its beginning that it will write waits instead: it sleeps
    and looks again, so that those which only read are left alone.
    """
    from sqlalchemy import event  # noqa: PLC0415  # not before argv is cleared
    from sqlalchemy.engine import Engine  # noqa: PLC0415

    def be_patient(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA busy_timeout = 60000")

    def begin_to_write(_connection: Any, _cursor: Any, statement: str, *rest: Any) -> Any:
        # oslo.db begins each transaction with this statement.
        may_write = statement == "BEGIN" and not getattr(request, "reads", False)
        return "BEGIN IMMEDIATE" if may_write else statement, rest[0]

    event.listen(Engine, "connect", be_patient)
    event.listen(Engine, "before_cursor_execute", begin_to_write, retval=True)


def keep_connections() -> None:
    """Use an open database again: oslo.db opens SQLite's file for each transaction."""
    from sqlalchemy import pool  # noqa: PLC0415  # not before argv is cleared

    class Kept(pool.QueuePool):  # type: ignore[misc]  # its types are not installed here
        """What SQLAlchemy itself takes for a file; a file needs no ping before each use."""

        def __init__(self, *args: Any, **settings: Any) -> None:
            super().__init__(*args, **{**settings, "pre_ping": False})

    # No setting says so.
    pool.NullPool = Kept


def return_at_once() -> None:
    """Take an answer of the database without letting another thread go first.

    oslo.db sleeps for no time whenever a connection is given back, for the sake of green threads:
    a tenth of a change's time, and more where other processes wait for the core.
    """
    from oslo_db.sqlalchemy import engines  # noqa: PLC0415  # not before argv is cleared

    engines._thread_yield = lambda *_: None


def trust_schemas() -> None:
    """Leave out the check of Glance's own schemas, a fifth of a change's time, at each request."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415  # not before argv is cleared

    Draft202012Validator.check_schema = lambda *_: None


def load_policies_once() -> None:
    """Look for files of policies once, not at each request: there are none."""
    from oslo_policy.policy import Enforcer  # noqa: PLC0415  # not before argv is cleared

    load = Enforcer.load_rules

    def load_once(enforcer: Any, force_reload: bool = False) -> None:
        known = len(enforcer.registered_rules)
        if force_reload or vars(enforcer).get("known_when_loaded") != known:
            load(enforcer, force_reload)
            enforcer.known_when_loaded = known

    Enforcer.load_rules = load_once


def main() -> None:
    """Serve until the parent is gone, or until SIGTERM asks for an orderly stop."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    module, port, processes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    # Keystone reads sys.argv while it is imported and fails on words that it does not know.
    del sys.argv[1:]
    follow_in_background()

    from cheroot.wsgi import Server  # noqa: PLC0415  # not before argv is cleared

    write_in_turns()
    keep_connections()
    return_at_once()
    trust_schemas()
    load_policies_once()
    # A quarter of the start would go into looking for garbage among modules, which stay.
    gc.disable()
    application = importlib.import_module(module).application
    gc.freeze()
    gc.enable()
    others = copies(processes - 1)
    server = Server(
        ("127.0.0.1", port),
        noting_what_reads(application),
        numthreads=32,
        request_queue_size=128,
        shutdown_timeout=SECONDS_TO_FINISH,
        # The kernel shares the connections out.
        reuse_port=processes > 1,
    )
    server.prepare()
    print("ready", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve()
    for other in others:
        os.kill(other, signal.SIGTERM)
    server.stop()
    # An ordinary exit would stumble over the thread that reads the standard input.
    os._exit(0)


main()
