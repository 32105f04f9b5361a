"""``compute.image.*``: the table of the image procedures."""

from bff.errors import Code
from bff.registry import Procedure, mutation, query
from procedures.image import images

PROCEDURES: tuple[Procedure, ...] = (
    query("compute.image.listImages", images.list_images, Code.BAD_REQUEST, Code.CONFLICT),
    query(
        "compute.image.listImagesWithPagination",
        images.list_images_with_pagination,
        Code.BAD_REQUEST,
        Code.FORBIDDEN,
    ),
    query("compute.image.getImageById", images.get_image_by_id, Code.FORBIDDEN, Code.NOT_FOUND),
    mutation(
        "compute.image.createImage",
        images.create_image,
        Code.BAD_REQUEST,
        Code.FORBIDDEN,
        Code.CONFLICT,
        Code.PAYLOAD_TOO_LARGE,
    ),
    mutation(
        "compute.image.deleteImage",
        images.delete_image,
        Code.FORBIDDEN,
        Code.NOT_FOUND,
        Code.CONFLICT,
    ),
)
