"""``POST {prefix}/upload-image``: a file from a request into Glance, whole or not at all."""
