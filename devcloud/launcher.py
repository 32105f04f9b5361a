"""Serve one OpenStack WSGI application with cheroot; run by the cloud's own Python.

``launcher.py MODULE PORT`` prints the port when it listens. Its standard
input is a pipe whose other end the parent holds: when the parent dies, however hard, the pipe
closes and this process ends with it.
"""

import importlib
import os
import sys
import threading


def follow_parent() -> None:
    """End this process as soon as the parent's end of the pipe is closed."""
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    """Serve until the parent is gone or SIGTERM comes."""
    module, port = sys.argv[1], int(sys.argv[2])
    # Keystone reads sys.argv while it is imported and fails on words that it does not know.
    del sys.argv[1:]
    threading.Thread(target=follow_parent, daemon=True).start()

    from cheroot.wsgi import Server  # noqa: PLC0415  # not before argv is cleared

    application = importlib.import_module(module).application
    server = Server(("127.0.0.1", port), application, numthreads=32, request_queue_size=128)
    server.prepare()
    print(server.bind_addr[1], flush=True)
    server.serve()


main()
