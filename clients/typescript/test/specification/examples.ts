// Each example of the specification, in its own words. `run.ts` runs them, and puts the ids of real images
// in the place of the specification's.
import { client } from "./client.ts"

/** List Images */
export async function lists() {
  // Using modern sort syntax (recommended)
  const imagesSorted = await client.compute.image.listImages.query({
    sort: "name:asc",
    status: "active",
    visibility: "private",
    limit: 10,
  })

  // Multi-field sorting
  const imagesMultiSort = await client.compute.image.listImages.query({
    sort: "status:asc,name:asc,created_at:desc",
    visibility: "public",
  })

  // Using legacy syntax (still supported)
  const imagesLegacy = await client.compute.image.listImages.query({
    sort_key: "name",
    sort_dir: "asc",
    status: "active",
  })

  // Filtering examples
  const filteredImages = await client.compute.image.listImages.query({
    sort: "created_at:desc",
    os_type: "linux",
    disk_format: "qcow2",
    size_min: 1000000000, // 1GB minimum
    tags: "production",
  })
  return [imagesSorted, imagesMultiSort, imagesLegacy, filteredImages]
}

/** List Images with Pagination */
export async function pages() {
  const paginatedImages = await client.compute.image.listImagesWithPagination.query({
    sort: "name:asc",
    limit: 25,
    visibility: "public",
  })

  // Using next page URL
  const nextPage = await client.compute.image.listImagesWithPagination.query({
    next: paginatedImages.next,
  })
  return [paginatedImages, nextPage]
}

/** Get Image by ID */
export async function get() {
  const image = await client.compute.image.getImageById.query({
    imageId: "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac",
  })
  return image
}

/** Create Image */
export async function create() {
  const newImage = await client.compute.image.createImage.mutate({
    name: "Ubuntu 22.04 LTS",
    container_format: "bare",
    disk_format: "qcow2",
    visibility: "private",
    os_type: "linux",
    os_distro: "ubuntu",
    os_version: "22.04",
    min_ram: 1024,
    min_disk: 10,
    tags: ["ubuntu", "lts", "server"],
  })
  return newImage
}

/** Upload Image Data, method 1 */
export async function uploadByCall(imageId: string, file: File) {
  const result = await client.compute.image.uploadImage.mutate({
    // File upload handling via tRPC client
    imageId,
    file,
  })
  return result
}

/** Upload Image Data, method 2 */
export async function uploadByForm() {
  const fileInput = document.getElementById("imageFile") as HTMLInputElement
  const file = fileInput.files?.[0]
  const imageId = "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac"

  if (file) {
    const formData = new FormData()
    formData.append("file", file)
    formData.append("imageId", imageId)

    const response = await fetch("/polaris-bff/upload-image", {
      method: "POST",
      body: formData,
    })

    if (response.ok) {
      const result = await response.json() // { success: true, imageId }
    }
  }
}

/** Update Image */
export async function update() {
  const updatedImage = await client.compute.image.updateImage.mutate({
    imageId: "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac",
    operations: [
      {
        op: "replace",
        path: "/name",
        value: "Ubuntu 22.04 LTS Updated",
      },
      {
        op: "add",
        path: "/tags/-",
        value: "production",
      },
      {
        op: "remove",
        path: "/hw_serial",
      },
    ],
  })
  return updatedImage
}

/** Update Image Visibility */
export async function updateVisibility() {
  const updatedImage = await client.compute.image.updateImageVisibility.mutate({
    imageId: "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac",
    visibility: "public",
  })
  return updatedImage
}

/** Delete Image */
export async function remove() {
  const success = await client.compute.image.deleteImage.mutate({
    imageId: "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac",
  })
  return success
}

/** Deactivate Image */
export async function deactivate() {
  const success = await client.compute.image.deactivateImage.mutate({
    imageId: "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac",
  })
  return success
}

/** Reactivate Image */
export async function reactivate() {
  const success = await client.compute.image.reactivateImage.mutate({
    imageId: "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac",
  })
  return success
}

/** List Image Members */
export async function listMembers() {
  const members = await client.compute.image.listImageMembers.query({
    imageId: "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac",
  })
  return members
}

/** Get Image Member */
export async function getMember() {
  const member = await client.compute.image.getImageMember.query({
    imageId: "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac",
    memberId: "660e8400-e29b-41d4-a716-446655440001",
  })
  return member
}

/** Create Image Member */
export async function createMember() {
  const newMember = await client.compute.image.createImageMember.mutate({
    imageId: "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac",
    member: "660e8400-e29b-41d4-a716-446655440001",
  })
  return newMember
}

/** Update Image Member */
export async function updateMember() {
  const updatedMember = await client.compute.image.updateImageMember.mutate({
    imageId: "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac",
    memberId: "660e8400-e29b-41d4-a716-446655440001",
    status: "accepted",
  })
  return updatedMember
}

/** Delete Image Member */
export async function removeMember() {
  const success = await client.compute.image.deleteImageMember.mutate({
    imageId: "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac",
    memberId: "660e8400-e29b-41d4-a716-446655440001",
  })
  return success
}

/** Delete Images (Bulk) */
export async function removeMany() {
  const result = await client.compute.image.deleteImages.mutate({
    imageIds: [
      "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac",
      "b95abd86-55b3-4413-a5b7-6cd8a6bd99ad",
      "c95abd86-55b3-4413-a5b7-6cd8a6bd99ae",
    ],
  })
  return result
}

/** Activate Images (Bulk) */
export async function activateMany() {
  const result = await client.compute.image.activateImages.mutate({
    imageIds: ["a85abd86-55b3-4413-a5b7-6cd8a6bd99ac", "b95abd86-55b3-4413-a5b7-6cd8a6bd99ad"],
  })
  return result
}

/** Deactivate Images (Bulk) */
export async function deactivateMany() {
  const result = await client.compute.image.deactivateImages.mutate({
    imageIds: [
      "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac",
      "b95abd86-55b3-4413-a5b7-6cd8a6bd99ad",
      "c95abd86-55b3-4413-a5b7-6cd8a6bd99ae",
    ],
  })
  return result
}
