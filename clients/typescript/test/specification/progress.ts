// A stream whose progress both ends tell. node progress.ts, with BFF_URL and TOKEN.
import assert from "node:assert/strict"
import type { UploadProgress } from "@polaris-bff/client"
import { client } from "./thin.ts"

const { image } = client.compute
const BYTES = new Uint8Array(64_000_000).fill(7)

// The second half of a stream waits until Glance has some of the first.
const { id: imageId } = await image.createImage.mutate({
  container_format: "bare",
  disk_format: "raw",
})
const told: UploadProgress[] = []
const { promise: underWay, resolve } = Promise.withResolvers<void>()
const onProgress = (now: UploadProgress) => {
  told.push(now)
  if (now.stored > 0) resolve()
}
const half = BYTES.length / 2
const whole = new ReadableStream<Uint8Array>({
  start: (controller) => controller.enqueue(BYTES.subarray(0, half)),
  async pull(controller) {
    await underWay
    controller.enqueue(BYTES.subarray(half))
    controller.close()
  },
})
await image.uploadImage.mutate({ imageId, file: whole }, { onProgress })
const stored = told.map((now) => now.stored)
assert.deepEqual(
  stored,
  stored.toSorted((a, b) => a - b),
)
assert.ok(stored.some((bytes) => bytes > 0 && bytes <= half))
assert.deepEqual(told.at(-1), { sent: BYTES.length, stored: BYTES.length, total: undefined })

console.log("both ends told how far it was")
