"""Headers that mean the same to a client, to this service and to the clouds behind it."""

from __future__ import annotations

# Source: API-SIG guideline "Request IDs"; Keystone and Glance log a caller's beside their own.
REQUEST_ID = "X-Openstack-Request-Id"
# How many seconds a browser's session lasts yet.
SESSION_EXPIRES_IN = "X-Session-Expires-In"
