import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import type { IncomingMessage, ServerResponse } from "node:http"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { test, type TestContext } from "node:test"
import { listen, textOf } from "./server.ts"

const DIST = resolve(import.meta.dirname, "../dist")
const BYTES = 20_000_000

/** Runs in the page; what it returns is what the test looks at. */
const PAGE = `
import { createClient } from "/polaris-bff/dist/index.js"
const { uploadImage } = createClient({ url: "/polaris-bff" }).compute.image
const file = new File([new Uint8Array(${BYTES})], "image.raw")
const why = ({ name, code, message }) => ({ name, code, message })
const told = []
const controller = new AbortController()
const untilSent = ({ sent }) => sent > 0 && controller.abort()
const results = {
  whole: await uploadImage.mutate({ imageId: "whole", file }, { onProgress: (now) => told.push(now) }),
  told,
  silent: await uploadImage.mutate({ imageId: "silent", file }),
  refused: await uploadImage.mutate({ imageId: "refused", file }, { onProgress() {} }).catch(why),
  aborted: await uploadImage
    .mutate({ imageId: "aborted", file }, { onProgress: untilSent, signal: controller.signal })
    .catch(why),
  stream: await uploadImage.mutate({ imageId: "stream", file: file.stream() }).catch(why),
}
await fetch("/polaris-bff/results", { method: "POST", body: JSON.stringify(results) })
`

const REFUSAL = {
  code: -32009,
  message: "It must be queued",
  data: { code: "CONFLICT", httpStatus: 409 },
}

/** Opens an address until the test ends. */
async function browse(t: TestContext, url: string): Promise<void> {
  const profile = await mkdtemp(join(tmpdir(), "chromium-"))
  const options = ["--headless", "--no-sandbox", "--disable-gpu", `--user-data-dir=${profile}`, url]
  const chromium = spawn("chromium", options, { stdio: "ignore" })
  await once(chromium, "spawn")
  t.after(async () => {
    chromium.kill()
    await once(chromium, "exit")
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  })
}

async function upload(
  id: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<number> {
  let bytes = 0
  for await (const chunk of request) bytes += chunk.length
  if (id === "refused") response.writeHead(409).end(JSON.stringify({ error: REFUSAL }))
  else response.end(JSON.stringify({ success: true, imageId: id }))
  return bytes
}

test("a browser uploads files with progress from both ends, and can stop", async (t) => {
  const came: Record<string, number> = {}
  const { promise: cut, resolve: cutOff } = Promise.withResolvers<void>()
  const { promise: printed, resolve: print } = Promise.withResolvers<string>()
  const url = await listen(t, async (request, response) => {
    const [path = "", id = ""] = request.url!.replace("/polaris-bff/", "").split("?imageId=")
    if (path === "") {
      return response
        .setHeader("content-type", "text/html")
        .end(`<script type="module">${PAGE}</script>`)
    }
    if (path.startsWith("dist/")) {
      return response
        .setHeader("content-type", "text/javascript")
        .end(await readFile(join(DIST, path.slice(5))))
    }
    if (path.startsWith("upload-progress/")) {
      response.writeHead(200, { "content-type": "text/event-stream" })
      return response.write('event: progress\r\ndata: {"uploaded":1234}\r\n\r\n')
    }
    // It is never answered: only the client can end it.
    if (id === "aborted") return response.on("close", cutOff) && request.resume()
    if (path === "results") return print(await textOf(request))
    if (path === "upload-image") came[id] = await upload(id, request, response)
    return response.end()
  })
  await browse(t, `${url}/`)
  const { told, ...results } = JSON.parse(await printed)
  await cut

  assert.deepEqual(results, {
    whole: { success: true, imageId: "whole" },
    silent: { success: true, imageId: "silent" },
    refused: { name: "BffError", code: "CONFLICT", message: "It must be queued" },
    aborted: { name: "AbortError", code: 20, message: "signal is aborted without reason" },
    stream: {
      name: "BffError",
      code: "NETWORK_ERROR",
      message:
        "No answer to compute.image.uploadImage: a browser sends a stream over HTTP/2 only; give a File or a Blob",
    },
  })
  assert.deepEqual(came, { whole: BYTES, silent: BYTES, refused: BYTES })
  const counts = (name: "sent" | "stored") => told.map((now: Record<string, number>) => now[name])
  assert.deepEqual([...new Set(counts("stored"))].filter(Boolean), [1234, BYTES])
  assert.deepEqual(
    counts("sent"),
    counts("sent").toSorted((a: number, b: number) => a - b),
  )
  assert.deepEqual(told.at(-1), { sent: BYTES, stored: BYTES, total: BYTES })
})
