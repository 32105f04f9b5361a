"""``compute.image.*``: the table of the image procedures, in the specification's order."""

from bff.errors import Code
from bff.rpc.registry import Procedure, mutation, query
from procedures.image import bulk, images, members

NOT_THEIRS = "the image is another project's, or the session's roles do not allow it"

PROCEDURES: tuple[Procedure, ...] = (
    query(
        "compute.image.listImages",
        images.list_images,
        (Code.BAD_REQUEST, "`marker` is no image, or Glance refuses a filter"),
        (Code.FORBIDDEN, "`marker` is an image that this project may not see"),
        (Code.CONFLICT, "the list changed while it was read: list again"),
        upstream="GET /v2/images",
    ),
    query(
        "compute.image.listImagesWithPagination",
        images.list_images_with_pagination,
        (
            Code.BAD_REQUEST,
            "the image that ended the page before was deleted, or Glance refuses a filter",
        ),
        (Code.FORBIDDEN, "the image that ended the page before was hidden from this project"),
        upstream="GET /v2/images",
    ),
    query(
        "compute.image.getImageById",
        images.get_image_by_id,
        Code.FORBIDDEN,
        Code.NOT_FOUND,
        upstream="GET /v2/images/{imageId}",
    ),
    mutation(
        "compute.image.createImage",
        images.create_image,
        (Code.BAD_REQUEST, "Glance refuses a value"),
        (
            Code.FORBIDDEN,
            "`visibility` is `public` and the user may not publish, or `owner` is another project",
        ),
        (Code.CONFLICT, "the `id` is taken, by a deleted image or another project's too"),
        (Code.PAYLOAD_TOO_LARGE, "more tags or properties than Glance's quota"),
        upstream="POST /v2/images",
        example_overrides={"status": "queued", "size": None, "virtual_size": None},
    ),
    mutation(
        "compute.image.uploadImage",
        images.upload_image,
        (Code.BAD_REQUEST, "the file is empty, or the image has no formats yet"),
        (Code.FORBIDDEN, NOT_THEIRS),
        (Code.NOT_FOUND, "no such image, or it was deleted during the upload"),
        (Code.CONFLICT, "the image is not `queued`"),
        (Code.PAYLOAD_TOO_LARGE, "more than `BFF_MAX_INLINE_UPLOAD`, or than Glance's quota"),
        (Code.UNSUPPORTED_MEDIA_TYPE, "the data is not of the image's `disk_format`"),
        (Code.BAD_GATEWAY, "what Glance stored is not what was sent, or Glance failed"),
        upstream="PUT /v2/images/{imageId}/file",
    ),
    mutation(
        "compute.image.updateImage",
        images.update_image,
        (Code.BAD_REQUEST, "Glance refuses a value"),
        (
            Code.FORBIDDEN,
            f"{NOT_THEIRS}; Glance sets this property itself; `owner`, by who is no administrator",
        ),
        Code.NOT_FOUND,
        (
            Code.CONFLICT,
            "a `test` failed, nothing is where an operation points, or the state forbids it",
        ),
        (Code.PAYLOAD_TOO_LARGE, "more tags or properties than Glance's quota"),
        upstream="PATCH /v2/images/{imageId}",
        example_overrides={"name": "Ubuntu 22.04 LTS Updated"},
    ),
    mutation(
        "compute.image.updateImageVisibility",
        images.update_image_visibility,
        Code.BAD_REQUEST,
        (Code.FORBIDDEN, f"{NOT_THEIRS}; the user may not publish"),
        Code.NOT_FOUND,
        upstream="PATCH /v2/images/{imageId}",
        example_overrides={"visibility": "public"},
    ),
    mutation(
        "compute.image.deleteImage",
        images.delete_image,
        (Code.FORBIDDEN, f"{NOT_THEIRS}; it is protected"),
        Code.NOT_FOUND,
        (Code.CONFLICT, "the image is in use"),
        upstream="DELETE /v2/images/{imageId}",
    ),
    mutation(
        "compute.image.deactivateImage",
        images.deactivate_image,
        (Code.FORBIDDEN, NOT_THEIRS),
        Code.NOT_FOUND,
        (Code.CONFLICT, "the image has no data yet"),
        upstream="POST /v2/images/{imageId}/actions/deactivate",
    ),
    mutation(
        "compute.image.reactivateImage",
        images.reactivate_image,
        (Code.FORBIDDEN, NOT_THEIRS),
        Code.NOT_FOUND,
        (Code.CONFLICT, "the image has no data yet"),
        upstream="POST /v2/images/{imageId}/actions/reactivate",
    ),
    query(
        "compute.image.listImageMembers",
        members.list_image_members,
        (Code.FORBIDDEN, "the image is not `shared`"),
        Code.NOT_FOUND,
        upstream="GET /v2/images/{imageId}/members",
    ),
    query(
        "compute.image.getImageMember",
        members.get_image_member,
        (Code.NOT_FOUND, "no such member that this project may see; the image is not `shared`"),
        upstream="GET /v2/images/{imageId}/members/{memberId}",
    ),
    mutation(
        "compute.image.createImageMember",
        members.create_image_member,
        (Code.BAD_REQUEST, "the image is not `shared`"),
        (Code.FORBIDDEN, NOT_THEIRS),
        Code.NOT_FOUND,
        (Code.CONFLICT, "the project is a member already"),
        (Code.PAYLOAD_TOO_LARGE, "more members than Glance's quota"),
        upstream="POST /v2/images/{imageId}/members",
        example_overrides={"status": "pending"},
    ),
    mutation(
        "compute.image.updateImageMember",
        members.update_image_member,
        Code.BAD_REQUEST,
        (Code.FORBIDDEN, "the caller's project is not the member, or the image is not `shared`"),
        (Code.NOT_FOUND, "no such image or member, or none that this project may see"),
        upstream="PUT /v2/images/{imageId}/members/{memberId}",
    ),
    mutation(
        "compute.image.deleteImageMember",
        members.delete_image_member,
        (Code.FORBIDDEN, f"{NOT_THEIRS}; it is not `shared`"),
        (Code.NOT_FOUND, "no such image or member, or none that this project may see"),
        upstream="DELETE /v2/images/{imageId}/members/{memberId}",
    ),
    mutation(
        "compute.image.deleteImages",
        bulk.delete_images,
        upstream="DELETE /v2/images/{imageId}, for each",
    ),
    mutation(
        "compute.image.activateImages",
        bulk.activate_images,
        upstream="POST /v2/images/{imageId}/actions/reactivate, for each",
    ),
    mutation(
        "compute.image.deactivateImages",
        bulk.deactivate_images,
        upstream="POST /v2/images/{imageId}/actions/deactivate, for each",
    ),
)
