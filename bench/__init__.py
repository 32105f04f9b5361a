"""Measurements that a person starts; nothing here is part of the product or of its tests."""
