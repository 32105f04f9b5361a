// Uploads to the real services, whole or refused. node uploads.ts, with BFF_URL and TOKEN.
import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import type { BffError } from "@polaris-bff/client"
import { client } from "./thin.ts"

const { image } = client.compute
const BYTES = new Uint8Array(64_000_000).fill(7)
const file = new File([BYTES], "image.raw")
const sha512 = createHash("sha512").update(BYTES).digest("hex")

const newImage = () => image.createImage.mutate({ container_format: "bare", disk_format: "raw" })
const codeOf = (upload: Promise<unknown>) =>
  upload.then(
    () => assert.fail("it should have been refused"),
    (error: unknown) => (error as BffError).code,
  )

const { id: imageId } = await newImage()
const missing = crypto.randomUUID()

// A refusal comes through, however much is still being sent.
assert.equal(await codeOf(image.uploadImage.mutate({ imageId: missing, file })), "NOT_FOUND")
const stream = file.stream()
assert.equal(
  await codeOf(image.uploadImage.mutate({ imageId: missing, file: stream })),
  "NOT_FOUND",
)
const wrong = { sha512: "00".repeat(64) }
assert.equal(await codeOf(image.uploadImage.mutate({ imageId, file }, wrong)), "BAD_REQUEST")
assert.deepEqual(await image.uploadImage.mutate({ imageId, file }), { success: true, imageId })
assert.equal(await codeOf(image.uploadImage.mutate({ imageId, file })), "CONFLICT")

// A stream that fails does not fill its image.
const unlucky = await newImage()
const broken = new ReadableStream<Uint8Array>({
  start: (controller) => controller.enqueue(BYTES.subarray(0, 1_000_000)),
  pull: (controller) => controller.error(new Error("the disk is gone")),
})
const breaking = image.uploadImage.mutate({ imageId: unlucky.id, file: broken })
assert.equal(await codeOf(breaking), "NETWORK_ERROR")
assert.notEqual((await image.getImageById.query({ imageId: unlucky.id })).status, "active")

// A stream is stored as it comes, and Glance's digest is ours.
const streamed = await newImage()
await image.uploadImage.mutate({ imageId: streamed.id, file: file.stream() }, { sha512 })
const got = await image.getImageById.query({ imageId: streamed.id })
assert.deepEqual([got.status, got.size, got.os_hash_value], ["active", BYTES.length, sha512])

console.log("every upload ended as it should")
