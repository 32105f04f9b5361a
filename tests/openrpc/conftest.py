"""The served BFF of the unit tests."""

from tests.bff.conftest import bff, openstack, start

__all__ = ["bff", "openstack", "start"]
