"""The aiohttp adapters to Keystone and Glance: one module per remote resource."""
