"""Glance's Image API v2: one module per remote resource."""

from bff.openstack.glance.client import Glance

__all__ = ["Glance"]
