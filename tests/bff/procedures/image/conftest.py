"""The context of a handler, with a Glance that answers as it is told."""

from __future__ import annotations

from typing import cast

import pytest

from bff.openstack.glance import Glance
from bff.session.caller import Caller
from bff.session.context import ProjectContext
from tests.bff.openstack.glance.conftest import PROJECT_ID, glance, service, upstream

__all__ = ["glance", "service", "upstream"]


@pytest.fixture
def context(glance: Glance) -> ProjectContext:
    """Return a context whose caller nobody asks for."""
    return ProjectContext(cast("Caller", None), PROJECT_ID, glance)
