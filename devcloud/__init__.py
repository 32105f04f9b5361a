"""A real Keystone and a real Glance on loopback, for development and tests only."""
