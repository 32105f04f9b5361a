import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { openAsBlob } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import type { IncomingMessage } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type TestContext, test } from "node:test"
import { BffError, createClient, type UploadProgress } from "../dist/index.js"
import { listen } from "./server.ts"

const ID = "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac"
const BYTES = Buffer.alloc(3_000_000, "polaris ")

interface Seen {
  url: string
  headers: IncomingMessage["headers"]
  bytes: number
  sha512: string
  /** Whether the request came to its end. */
  whole: boolean
}

/** The upload route, as docs/protocol.md has it, and what came through it. */
async function route(t: TestContext) {
  const { promise: started, resolve: start } = Promise.withResolvers<void>()
  const { promise: next, resolve } = Promise.withResolvers<Seen>()
  const { promise: uploaded, resolve: finish } = Promise.withResolvers<void>()
  const progress: string[] = []
  const url = await listen(t, async (request, response) => {
    if (request.url!.includes("/upload-progress/")) {
      progress.push(request.url!, String(request.headers["x-auth-token"]))
      response.writeHead(200, { "content-type": "text/event-stream" })
      if (!request.url!.includes("?after=")) {
        // What is left of an earlier attempt.
        response.write('event: progress\r\ndata: {"uploaded":77}\r\n\r\n')
        response.end('event: error\r\ndata: {"uploaded":77,"error":{}}\r\nid: 0123\r\n\r\n')
        return
      }
      // Events come in pieces that end anywhere.
      response.write(': ping\r\n\r\nevent: progress\r\ndata: {"uploaded":10')
      response.write('00,"total":3000000,"percent":0}\r\nretry: 1000\r\n\r\n')
      finish()
      return
    }
    const hash = createHash("sha512")
    let bytes = 0
    const done = (whole: boolean) =>
      resolve({
        url: request.url!,
        headers: request.headers,
        bytes,
        sha512: hash.digest("hex"),
        whole,
      })
    try {
      for await (const chunk of request) {
        start()
        bytes += chunk.length
        hash.update(chunk)
      }
    } catch {
      return done(false)
    }
    done(true)
    if (request.headers["x-auth-token"]) await uploaded
    response.end(JSON.stringify({ success: true, imageId: ID }))
  })
  return { url, started, next, progress }
}

const streamOf = (...chunks: Uint8Array[]) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })

const uploaderOf = (url: string) => createClient({ url }).compute.image.uploadImage

test("a file goes through the upload route as it is, behind its image's id", async (t) => {
  const { url, next } = await route(t)
  const folder = await mkdtemp(join(tmpdir(), "upload-"))
  t.after(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, "image.raw"), BYTES)
  const file = await openAsBlob(join(folder, "image.raw"))
  const sha512 = createHash("sha512").update(BYTES).digest("hex")
  const answer = await uploaderOf(url).mutate({ imageId: ID, file }, { sha512 })
  assert.deepEqual(answer, { success: true, imageId: ID })
  const seen = await next
  assert.equal(seen.url, `/polaris-bff/upload-image?imageId=${ID}`)
  assert.equal(seen.headers["content-type"], "application/octet-stream")
  assert.equal(seen.headers["content-length"], String(BYTES.length))
  assert.equal(seen.headers["x-upload-sha512"], sha512)
  assert.equal(seen.sha512, sha512)
})

test("a stream is sent as it comes", async (t) => {
  const { url, next } = await route(t)
  await uploaderOf(url).mutate({ imageId: ID, file: streamOf(BYTES, BYTES) })
  const { bytes, headers } = await next
  assert.equal(bytes, 2 * BYTES.length)
  assert.equal(headers["transfer-encoding"], "chunked")
})

test("a stream that fails cuts the request, and never ends it", async (t) => {
  const { url, next } = await route(t)
  let count = 0
  const file = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (++count > 3) controller.error(new Error("the disk is gone"))
      else controller.enqueue(BYTES)
    },
  })
  const upload = uploaderOf(url).mutate({ imageId: ID, file })
  await assert.rejects(upload, (error: BffError) => error.code === "NETWORK_ERROR")
  assert.equal((await next).whole, false)
})

test("an abort cuts the request, and throws the signal's reason", async (t) => {
  const { url, started, next } = await route(t)
  const controller = new AbortController()
  const file = new ReadableStream<Uint8Array>({ start: (stream) => stream.enqueue(BYTES) })
  const upload = uploaderOf(url).mutate({ imageId: ID, file }, { signal: controller.signal })
  void started.then(() => controller.abort(new Error("changed my mind")))
  await assert.rejects(upload, /changed my mind/)
  assert.equal((await next).whole, false)
})

test("progress tells what was sent and what Glance has, up to the end", async (t) => {
  const { url, progress } = await route(t)
  const told: UploadProgress[] = []
  const client = createClient({ url, headers: { "x-auth-token": "secret" } })
  const onProgress = (now: UploadProgress) => told.push(now)
  await client.compute.image.uploadImage.mutate(
    { imageId: ID, file: new Blob([BYTES]) },
    { onProgress },
  )
  const path = `/polaris-bff/upload-progress/${ID}`
  assert.deepEqual(progress, [path, "secret", `${path}?after=0123`, "secret"])
  const total = BYTES.length
  assert.deepEqual(told.at(-1), { sent: total, stored: total, total })
  assert.deepEqual([...new Set(told.map(({ stored }) => stored))], [77, 0, 1000, total])
})

test("the parts of a stream are counted as they are sent", async (t) => {
  const { url } = await route(t)
  const sent: number[] = []
  const onProgress = (now: UploadProgress) => sent.push(now.sent)
  const file = streamOf(BYTES, BYTES)
  const client = createClient({ url, headers: { "x-auth-token": "secret" } })
  await client.compute.image.uploadImage.mutate({ imageId: ID, file }, { onProgress })
  assert.deepEqual([...new Set(sent)].filter(Boolean), [BYTES.length, 2 * BYTES.length])
})

test("a server that only tells of earlier attempts is not asked for ever", async (t) => {
  let asked = 0
  const { promise: enough, resolve } = Promise.withResolvers<void>()
  const url = await listen(t, async (request, response) => {
    if (request.url!.includes("/upload-progress/")) {
      if (++asked === 3) resolve()
      return response.end(`event: error\ndata: {}\nid: ${asked}\n\n`)
    }
    await request.toArray()
    await enough
    return response.end(JSON.stringify({ success: true, imageId: ID }))
  })
  await uploaderOf(url).mutate({ imageId: ID, file: new Blob(["abc"]) }, { onProgress: () => {} })
  assert.equal(asked, 3)
})

test("an upload does not need its progress", async (t) => {
  const url = await listen(t, async (request, response) => {
    if (request.url!.includes("/upload-progress/")) return response.writeHead(404).end("{}")
    await request.toArray()
    return response.end(JSON.stringify({ success: true, imageId: ID }))
  })
  const told: UploadProgress[] = []
  const onProgress = (now: UploadProgress) => told.push(now)
  await uploaderOf(url).mutate({ imageId: ID, file: new Blob(["abc"]) }, { onProgress })
  assert.deepEqual(told, [{ sent: 3, stored: 3, total: 3 }])
})

const REFUSAL = {
  code: -32009,
  message: "The image must be queued",
  data: { code: "CONFLICT", httpStatus: 409 },
}

for (const [what, status, body, code] of [
  ["the BFF's refusal", 409, JSON.stringify({ error: REFUSAL }), "CONFLICT"],
  ["a proxy's limit", 413, "<html>", "PAYLOAD_TOO_LARGE"],
  ["a page that is no answer", 200, "<html>", "BAD_RESPONSE"],
  ["an answer without success", 200, "null", "BAD_RESPONSE"],
] as const) {
  test(`${what} is ${code}; in soft mode it is undefined, and onError is told`, async (t) => {
    const url = await listen(t, async (request, response) => {
      await request.toArray()
      response.writeHead(status).end(body)
    })
    const input = { imageId: ID, file: new Blob(["abc"]) }
    await assert.rejects(uploaderOf(url).mutate(input), (error: BffError) => error.code === code)
    const told: string[] = []
    const soft = createClient({ url, soft: true, onError: (error) => told.push(error.code) })
    assert.equal(await soft.compute.image.uploadImage.mutate(input), undefined)
    assert.deepEqual(told, [code])
  })
}

test("what is neither file nor stream is refused, and nothing is sent", async () => {
  const fetch = () => assert.fail("a request was made")
  const { uploadImage } = createClient({ url: "/", fetch }).compute.image
  for (const file of ["text", {}, undefined]) {
    const upload = uploadImage.mutate({ imageId: ID, file: file as Blob })
    await assert.rejects(upload, (error: BffError) => error.code === "BAD_REQUEST")
  }
})

test("where fetch cannot send a stream, it is refused and nothing is sent", async (t) => {
  const fetch = () => assert.fail("a request was made")
  // Such a Request does not read `duplex`, and makes a text of the stream.
  const { Request } = globalThis
  t.after(() => Object.assign(globalThis, { Request }))
  const headers = new Headers({ "content-type": "text/plain;charset=UTF-8" })
  Object.assign(globalThis, {
    Request: function () {
      return { headers }
    },
  })
  const upload = createClient({ url: "/", fetch }).compute.image.uploadImage.mutate({
    imageId: ID,
    file: streamOf(),
  })
  await assert.rejects(upload, (error: BffError) => error.code === "STREAM_NOT_SUPPORTED")
})

test("the id cannot lead to another address", async (t) => {
  const { url, next } = await route(t)
  await uploaderOf(url).mutate({ imageId: "../x?y#z&imageId=", file: new Blob(["a"]) })
  assert.equal((await next).url, "/polaris-bff/upload-image?imageId=..%2Fx%3Fy%23z%26imageId%3D")
})

test("an upload may run in another project", async (t) => {
  const { url, next } = await route(t)
  await uploaderOf(url).mutate({ imageId: ID, file: new Blob(["a"]), project_id: "partner" })
  assert.equal((await next).headers["x-project-id"], "partner")
})
