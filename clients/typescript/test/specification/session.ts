// The session that a page shows, against the real server. node session.ts, with BFF_URL and TOKEN.
import assert from "node:assert/strict"
import { createTRPCClient } from "@trpc/client"
import { createClient, type ExpectedSession } from "@polaris-bff/client"
import { type AppRouter, jsonRpcLink } from "@polaris-bff/client/trpc"

const { BFF_URL: url = "", TOKEN: token = "" } = process.env
const headers = { "x-auth-token": token }

const whoever = createClient({ url, headers })
const now = await whoever.auth.getCurrentUserSession.query()
assert.ok(now?.project)
const userId = now.user.id
const scope = `project:${now.project.id}` as const
const right: ExpectedSession = { userId, scope }
const others: ExpectedSession[] = [
  { userId: "0".repeat(32), scope },
  { userId, scope: `project:${"0".repeat(32)}` },
  { userId, scope: `domain:${now.project.domain.id}` },
  { scope: "unscoped" },
]

let shown: ExpectedSession | undefined
const session = () => shown
const watched: number[] = []
const { promise: answered, resolve: answer } = Promise.withResolvers<void>()

/** Lets an upload be answered only after its progress was. */
async function watching(address: string | URL | Request, init?: RequestInit): Promise<Response> {
  const isProgress = String(address).includes("/upload-progress/")
  if (!isProgress) await answered
  const response = await fetch(address, init)
  if (isProgress) answer(void watched.push(response.status))
  return response
}

const thin = createClient({ url, headers, session })
const trpc = createTRPCClient<AppRouter>({ links: [jsonRpcLink({ url, headers, session })] })
const watcher = createClient({ url, headers, session, fetch: watching })

const BARE = { container_format: "bare", disk_format: "raw" } as const
const file = new File(["the data of an image"], "image.raw")
const { id: imageId } = await whoever.compute.image.createImage.mutate({ ...BARE, name: "ours" })
const refused = (call: Promise<unknown>) =>
  assert.rejects(call, (error: { code?: string; data: { code: string; httpStatus: number } }) => {
    assert.deepEqual([error.data.code, error.data.httpStatus], ["SESSION_CHANGED", 409])
    return true
  })

for (shown of others) {
  for (const { compute, auth } of [thin, trpc]) {
    await refused(compute.image.createImage.mutate({ ...BARE, name: "another's" }))
    await refused(compute.image.deleteImage.mutate({ imageId, project_id: now.project.id }))
    await refused(compute.image.uploadImage.mutate({ imageId, file }))
    await refused(auth.getCurrentUserSession.query({}))
  }
}
await refused(watcher.compute.image.uploadImage.mutate({ imageId, file }, { onProgress() {} }))
assert.deepEqual(watched, [409])

// Nothing was done.
const found = await whoever.compute.image.listImages.query({ owner: now.project.id })
assert.deepEqual(
  found.map(({ id, status }) => [id, status]),
  [[imageId, "queued"]],
)

// Each part of what is right may be said, or neither.
for (shown of [right, { userId }, { scope }, {}, undefined]) {
  for (const { compute } of [thin, trpc]) {
    assert.equal((await compute.image.getImageById.query({ imageId })).id, imageId)
  }
}
shown = right
assert.equal((await thin.compute.image.uploadImage.mutate({ imageId, file })).success, true)
console.log("every call ran in the session that was shown")
