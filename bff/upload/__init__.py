"""``POST {prefix}/upload-image``: a file from a request into Glance, whole or not at all."""

from bff.upload.endpoint import UploadEndpoint

__all__ = ["UploadEndpoint"]
