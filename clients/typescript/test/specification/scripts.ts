// What a script does with many images. node scripts.ts, with BFF_URL and TOKEN.
import assert from "node:assert/strict"
import { createClient } from "@polaris-bff/client"
import { images, onUnauthorized, retry, waitFor } from "@polaris-bff/client/scripts"

let token = "one that has ended"
let renewals = 0
const client = createClient({
  url: process.env.BFF_URL!,
  headers: () => ({ "x-auth-token": token }),
  layers: [
    onUnauthorized(() => {
      renewals++
      token = process.env.TOKEN!
    }),
    retry(),
  ],
})
const { image } = client.compute

const made = await Promise.all(
  ["a", "b", "c", "d", "e"].map((name) =>
    image.createImage.mutate({ name, container_format: "bare", disk_format: "raw" }),
  ),
)
assert.equal(renewals, 1)
const imageIds = made.map(({ id }) => id)

const tagged = await image.tagImages.mutate({ imageIds, tags: ["nightly"], dryRun: true })
assert.deepEqual(tagged, { successful: imageIds, failed: [], unchanged: [] })
await image.tagImages.mutate({ imageIds, tags: ["nightly"] })
const found = []
for await (const { name } of images(client, { tag: "nightly", limit: 2, sort: "name:asc" })) {
  found.push(name)
}
assert.deepEqual(found, ["a", "b", "c", "d", "e"])

const imageId = imageIds[0]!
const ready = waitFor(client, imageId, "active", { interval: 50, timeout: 30_000 })
await image.uploadImage.mutate({ imageId, file: new Blob(["the data of an image"]) })
assert.equal((await ready).size, 20)
await assert.rejects(waitFor(client, imageId, "queued"), { code: "CONFLICT" })

const operations = [{ op: "replace" as const, path: "/name", value: "renamed" }]
assert.deepEqual((await image.updateImages.mutate({ imageIds, operations })).failed, [])
await image.deleteImages.mutate({ imageIds })
await assert.rejects(waitFor(client, imageId, "active"), { code: "NOT_FOUND" })
console.log("a script did all that it wanted")
