"""Pydantic models of everything that travels; no input or output happens here."""
