"""What the registry promises, and what is generated from it."""
