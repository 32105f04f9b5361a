"""How procedures are served: registry, JSON-RPC, sessions, settings and the command line."""

__version__ = "0.1.0"
