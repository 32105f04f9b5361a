"""Images in one project, made around the BFF: what a test finds there before it begins."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from devcloud.api import Api

BARE = {"container_format": "bare", "disk_format": "raw"}
CONTENT = b"the data of an image"


def unordered(image: dict[str, Any]) -> dict[str, Any]:
    """Return the image with its tags sorted: Glance gives them in no order."""
    return image | {"tags": sorted(image["tags"])}


@dataclass(frozen=True)
class Shelf:
    """Makes images through Glance's own API; each method returns the id of a new one."""

    glance: Api
    project: str = ""

    @staticmethod
    def missing() -> str:
        """Return an id that no image has."""
        return str(uuid.uuid4())

    def queued(self, **metadata: Any) -> str:
        """Make an image without data; private, as the BFF's own default is."""
        image = {**BARE, "visibility": "private", **metadata}
        return str(self.glance.post("/v2/images", image)["id"])

    def active(self, **metadata: Any) -> str:
        """Make an image with data."""
        image_id = self.queued(**metadata)
        self.glance.put(f"/v2/images/{image_id}/file", CONTENT, "application/octet-stream")
        return image_id

    def deactivated(self) -> str:
        """Make an image and deactivate it."""
        image_id = self.active()
        self.glance.post(f"/v2/images/{image_id}/actions/deactivate")
        return image_id

    def shared(self, *projects: str, **metadata: Any) -> str:
        """Make a queued image that these projects are members of, by their ids."""
        return self.share(self.queued(visibility="shared", **metadata), *projects)

    def share(self, image_id: str, *projects: str) -> str:
        """Make projects members of an image; returns its id."""
        for project in projects:
            self.glance.post(f"/v2/images/{image_id}/members", {"member": project})
        return image_id

    def show(self, image_id: str) -> Any:
        """Return an image as Glance itself describes it."""
        return self.glance.get(f"/v2/images/{image_id}")
