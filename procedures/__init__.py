"""The handlers, one package per namespace, and the table that names every procedure."""

from bff.rpc.registry import Procedure
from procedures import auth, image

ALL: tuple[Procedure, ...] = (*auth.PROCEDURES, *image.PROCEDURES)
