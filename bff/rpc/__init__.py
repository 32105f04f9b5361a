"""A procedure's name to the procedure to its answer."""
