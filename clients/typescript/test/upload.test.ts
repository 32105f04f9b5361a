import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { getEventListeners } from "node:events"
import { openAsBlob } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import type { IncomingMessage, ServerResponse } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type TestContext, test } from "node:test"
import { ReadableStream as NodeStream } from "node:stream/web"
import { promisify } from "node:util"
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
  await assert.rejects(upload, ({ code, message }: BffError) => {
    return code === "NETWORK_ERROR" && message.endsWith(": the disk is gone")
  })
  assert.equal((await next).whole, false)
})

for (const [what, chunk] of [
  ["text", "h\u00e9"],
  ["text that is empty", ""],
  ["a buffer without a view", new ArrayBuffer(4)],
  ["a Blob", new Blob(["abc"])],
  ["nothing", null],
] as const) {
  test(`a stream of ${what} is no stream of bytes: it is refused, and never stored`, async (t) => {
    const { url, next } = await route(t)
    const file = streamOf(BYTES, chunk as unknown as Uint8Array)
    const told: number[] = []
    const onProgress = ({ sent }: UploadProgress) => told.push(sent)
    const upload = uploaderOf(url).mutate({ imageId: ID, file }, { onProgress })
    await assert.rejects(upload, ({ code, message }: BffError) => {
      return code === "BAD_REQUEST" && message === "file must be a stream of bytes"
    })
    assert.equal((await next).whole, false)
    assert.deepEqual([...new Set(told)].filter(Boolean), [BYTES.length])
  })
}

test("a stream may have any view of bytes in its parts", async (t) => {
  const { url, next } = await route(t)
  const { buffer } = new Uint8Array([1, 2, 3, 4])
  const views = [new DataView(buffer, 1, 2), new Uint16Array(buffer), new Uint8Array(0)]
  const parts = views as unknown as Uint8Array[]
  await uploaderOf(url).mutate({ imageId: ID, file: streamOf(...parts) })
  const sha512 = createHash("sha512")
    .update(new Uint8Array([2, 3, 1, 2, 3, 4]))
    .digest("hex")
  assert.equal((await next).sha512, sha512)
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
  const file = streamOf(BYTES)
  const { uploadImage } = createClient({ url: "/", fetch }).compute.image
  const upload = uploadImage.mutate({ imageId: ID, file })
  await assert.rejects(upload, (error: BffError) => error.code === "STREAM_NOT_SUPPORTED")
  // It can still be made a file.
  assert.equal((await new Response(file).blob()).size, BYTES.length)
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

/** A stream that goes on for long, and how it ended. */
function endless() {
  const { promise: ended, resolve: end } = Promise.withResolvers<unknown>()
  let pulls = 0
  const file = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise(setImmediate)
      if (++pulls > 2000) {
        controller.close()
        end("read to its end")
      } else controller.enqueue(Buffer.alloc(65536))
    },
    cancel: end,
  })
  return { file, ended, pulls: () => pulls }
}

/** Takes the first piece of an upload and no more of it. */
async function stuck(t: TestContext, then: (response: ServerResponse) => void = () => {}) {
  const { promise: begun, resolve } = Promise.withResolvers<void>()
  const url = await listen(t, (request, response) => {
    if (request.url!.includes("/upload-progress/")) return response.writeHead(404).end()
    request.once("data", () => {
      request.pause()
      resolve()
      then(response)
    })
  })
  return { url, begun }
}

test("after an abort nothing more is pulled or told, and the source hears the reason", async (t) => {
  const { url, begun } = await stuck(t)
  const { file, ended, pulls } = endless()
  const controller = new AbortController()
  let told = 0
  const options = { onProgress: () => void told++, signal: controller.signal }
  const upload = uploaderOf(url).mutate({ imageId: ID, file }, options)
  const reason = new Error("changed my mind")
  void begun.then(() => controller.abort(reason))
  await assert.rejects(upload, reason)
  const before = [told, pulls()]
  assert.equal(await ended, reason)
  assert.deepEqual([told, pulls()], before)
  assert.deepEqual(getEventListeners(controller.signal, "abort"), [])
})

test("an abort has a generator that is the source clean up", async (t) => {
  const { url, begun } = await stuck(t)
  const { promise: closed, resolve: close } = Promise.withResolvers<void>()
  async function* read() {
    try {
      for (;;) yield Buffer.alloc(65536)
    } finally {
      close()
    }
  }
  const controller = new AbortController()
  const file = NodeStream.from(read()) as ReadableStream<Uint8Array>
  const upload = uploaderOf(url).mutate({ imageId: ID, file }, { signal: controller.signal })
  void begun.then(() => controller.abort())
  await assert.rejects(upload, { name: "AbortError" })
  await closed
})

test("a program ends by itself after an abort", async () => {
  const program = `
    import { createServer } from "node:http"
    import { createClient } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url))}
    const server = createServer((request) => request.once("data", () => controller.abort()))
    const controller = new AbortController()
    server.listen(0, "127.0.0.1", async () => {
      server.unref()
      const { uploadImage } = createClient({ url: "http://127.0.0.1:" + server.address().port }).compute.image
      const pull = async (stream) => {
        await new Promise((resolve) => setTimeout(resolve))
        stream.enqueue(new Uint8Array(65536))
      }
      await uploadImage
        .mutate(
          { imageId: "x", file: new ReadableStream({ pull }) },
          { signal: controller.signal, onProgress() {} },
        )
        .catch(({ name }) => console.log(name))
      server.closeAllConnections()
    })`
  const run = promisify(execFile)
  const words = ["--input-type=module", "--eval", program]
  const { stdout } = await run(process.execPath, words, { timeout: 60_000 })
  assert.equal(stdout, "AbortError\n")
})

test("a refusal in mid upload ends the source", async (t) => {
  const refusal = { code: -32013, message: "Too large", data: { code: "PAYLOAD_TOO_LARGE" } }
  const { url } = await stuck(t, (response) => {
    response.writeHead(413, { connection: "close" }).end(JSON.stringify({ error: refusal }))
  })
  const { file, ended } = endless()
  const upload = uploaderOf(url).mutate({ imageId: ID, file })
  await assert.rejects(upload, { name: "BffError" })
  assert.notEqual(await ended, "read to its end")
})

test("a connection that breaks in mid upload ends the source", async (t) => {
  const { url } = await stuck(t, (response) => response.destroy())
  const { file, ended } = endless()
  const upload = uploaderOf(url).mutate({ imageId: ID, file })
  await assert.rejects(upload, (error: BffError) => error.code === "NETWORK_ERROR")
  assert.notEqual(await ended, "read to its end")
})

for (const [when, options] of [
  ["whose signal had ended before", { signal: AbortSignal.abort(new Error("too late")) }],
  ["whose signal ends before its headers are known", { late: true }],
  ["whose headers cannot be had", { headers: () => Promise.reject(new Error("no token")) }],
] as const) {
  test(`an upload ${when} sends nothing, and ends the source`, async () => {
    const fetch = () => assert.fail("a request was made")
    const { file, ended } = endless()
    const controller = new AbortController()
    const headers = () => controller.abort(new Error("too late"))
    const { uploadImage } = createClient({
      url: "/",
      fetch,
      ...("late" in options ? { headers: async () => (headers(), {}) } : {}),
      ...("headers" in options ? options : {}),
    }).compute.image
    const signal = "signal" in options ? options.signal : controller.signal
    await assert.rejects(uploadImage.mutate({ imageId: ID, file }, { signal }))
    assert.match(String(await ended), /too late|no token/)
  })
}

test("a stream that fails ends its progress too", async (t) => {
  const { promise: closed, resolve: close } = Promise.withResolvers<void>()
  const { promise: watched, resolve: watch } = Promise.withResolvers<void>()
  const url = await listen(t, (request, response) => {
    if (!request.url!.includes("/upload-progress/")) return request.resume().on("error", () => {})
    response.writeHead(200, { "content-type": "text/event-stream" }).write(": ping\n\n")
    watch()
    return response.on("close", close)
  })
  const file = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await watched
      controller.error(new Error("the disk is gone"))
    },
  })
  const upload = uploaderOf(url).mutate({ imageId: ID, file }, { onProgress() {} })
  await assert.rejects(upload, (error: BffError) => error.code === "NETWORK_ERROR")
  await closed
})

test("progress that told of an earlier attempt is not left open", async (t) => {
  const { promise: closed, resolve: close } = Promise.withResolvers<void>()
  const url = await listen(t, async (request, response) => {
    if (request.url!.includes("?after=")) return response.writeHead(404).end()
    if (request.url!.includes("/upload-progress/")) {
      response.writeHead(200, { "content-type": "text/event-stream" })
      response.write("event: error\ndata: {}\nid: 0123\n\n")
      return response.on("close", close)
    }
    await request.toArray()
    await closed
    return response.end(JSON.stringify({ success: true, imageId: ID }))
  })
  const file = new Blob(["abc"])
  await uploaderOf(url).mutate({ imageId: ID, file }, { onProgress() {} })
})

test("a stream that somebody else reads is refused, and nothing is sent", async () => {
  const fetch = () => assert.fail("a request was made")
  const file = streamOf(BYTES)
  file.getReader()
  const upload = createClient({ url: "/", fetch }).compute.image.uploadImage.mutate({
    imageId: ID,
    file,
  })
  await assert.rejects(upload, (error: BffError) => error.code === "BAD_REQUEST")
})

test("what an upload does not take is refused, as of any other call", async () => {
  const fetch = () => assert.fail("a request was made")
  const { uploadImage } = createClient({ url: "/", fetch }).compute.image
  const input = { imageId: ID, file: new Blob(["abc"]), projectId: "partner" }
  await assert.rejects(uploadImage.mutate(input), (error: BffError) => {
    assert.deepEqual(error.data, { code: "BAD_REQUEST", path: "compute.image.uploadImage" })
    return error.message.startsWith("projectId:")
  })
})

test("an upload and its progress name the session that the page showed when it began", async (t) => {
  const said: unknown[] = []
  const { promise: watched, resolve: watch } = Promise.withResolvers<void>()
  const url = await listen(t, async (request, response) => {
    const { "x-session-user": user, "x-session-scope": scope } = request.headers
    said.push([user, scope])
    if (request.url!.includes("/upload-progress/")) {
      watch()
      return response.writeHead(404).end()
    }
    await Promise.all([request.toArray(), watched])
    return response.end(JSON.stringify({ success: true, imageId: ID }))
  })
  let userId = "alice"
  const client = createClient({ url, session: () => ({ userId, scope: "project:demo" }) })
  const input = { imageId: ID, file: new Blob(["abc"]) }
  const upload = client.compute.image.uploadImage.mutate(input, { onProgress() {} })
  userId = "bob"
  await upload
  assert.deepEqual(said, [
    ["alice", "project:demo"],
    ["alice", "project:demo"],
  ])
})

test("what ends an upload in the middle of its progress is told no more of it", async (t) => {
  const url = await listen(t, (request, response) => {
    if (!request.url!.includes("/upload-progress/")) return request.resume().on("error", () => {})
    const events = [1, 2, 3].map((count) => `event: progress\ndata: {"uploaded":${count}}\n\n`)
    response.writeHead(200, { "content-type": "text/event-stream" })
    return response.write(events.join(""))
  })
  const controller = new AbortController()
  const stored: number[] = []
  const onProgress = (now: UploadProgress) => {
    if (now.stored) stored.push(now.stored)
    if (now.stored) controller.abort()
  }
  const { file } = endless()
  const options = { onProgress, signal: controller.signal }
  await assert.rejects(uploaderOf(url).mutate({ imageId: ID, file }, options), {
    name: "AbortError",
  })
  assert.deepEqual(stored, [1])
})
