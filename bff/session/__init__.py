"""Who calls, and what a handler is given."""
