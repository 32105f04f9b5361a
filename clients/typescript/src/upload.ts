import { base, type CallOptions, type ConnectionOptions, request, type Send } from "./connection.js"
import { UPLOAD_ROUTES } from "./contract.js"
import {
  BffError,
  type BffErrorCode,
  foreign,
  type Refusal,
  refused,
  unreachable,
} from "./error.js"

/** What to upload. */
export interface UploadInput {
  /** The image, which must be `queued`. */
  imageId: string
  /** Its data. A stream needs Node, or a browser that can send one (Chromium, over HTTP/2). */
  file: Blob | ReadableStream<Uint8Array>
  /** Run in this project instead of the session's own. */
  project_id?: string | null | undefined
}

/** How far an upload is, in bytes. */
export interface UploadProgress {
  /** What has left this machine; of a file that `fetch` sends, this is known at the end only. */
  sent: number
  /** What Glance has taken. */
  stored: number
  /** The size of the file; a stream has none. */
  total: number | undefined
}

/** Per upload. */
export interface UploadOptions extends CallOptions {
  /** Told whenever a part of the data was sent or stored. */
  onProgress?: ((progress: UploadProgress) => void) | undefined
  /** The data's SHA-512 in hexadecimal; the upload fails unless Glance computes the same. */
  sha512?: string | undefined
}

type Init = RequestInit & { headers: Headers }
type Report = (change: Partial<UploadProgress>) => void
type Reply = { status: number; text: string; headers?: Headers }
type Transfer = (
  url: string,
  init: Init,
  file: UploadInput["file"],
  report: Report,
  fetch: typeof globalThis.fetch,
) => Promise<Reply>

/** Sends the data of images through the upload route, and every other call as `send` does. */
export const withUploads =
  (connection: ConnectionOptions, send: Send): Send =>
  (path, input, options) =>
    // No name of any object's, as `hasOwnProperty`.
    Object.hasOwn(UPLOAD_ROUTES, path)
      ? upload(connection, path, input as UploadInput, options)
      : send(path, input, options)

async function upload(
  connection: ConnectionOptions,
  path: string,
  input: UploadInput,
  options: UploadOptions = {},
): Promise<unknown> {
  const { signal } = options
  // Whatever belongs to the upload ends with it: its request, its source, its progress.
  const over = new AbortController()
  const abort = () => over.abort(signal?.reason)
  signal?.addEventListener("abort", abort)
  try {
    signal?.throwIfAborted()
    return await transferred(connection, path, input, options, over.signal)
  } catch (cause) {
    if (!(cause instanceof BffError)) release(input.file, cause)
    signal?.throwIfAborted()
    if (!(cause instanceof BffError)) throw unreachable(cause, path)
    cause.data.path ??= path
    throw cause
  } finally {
    signal?.removeEventListener("abort", abort)
    over.abort()
  }
}

/** Ends a stream whose request was not begun, as `fetch` does: what is behind it would stay open. */
function release(file: unknown, reason: unknown): void {
  if (file instanceof ReadableStream && !file.locked) file.cancel(reason).catch(() => {})
}

async function transferred(
  connection: ConnectionOptions,
  path: string,
  { imageId, file, project_id, ...unknown }: UploadInput,
  { onProgress, sha512 }: UploadOptions,
  over: AbortSignal,
): Promise<unknown> {
  const [name] = Object.keys(unknown)
  if (name) throw refusal("BAD_REQUEST", `${name}: Unknown parameter`)
  const { fetch = globalThis.fetch } = connection
  const progress: UploadProgress = { sent: 0, stored: 0, total: sizeOf(file) }
  const report: Report = (change) => {
    if (!over.aborted) onProgress?.({ ...Object.assign(progress, change) })
  }
  const init = await request(connection)
  over.throwIfAborted()
  if (project_id != null) init.headers.set("x-project-id", project_id)
  const image = encodeURIComponent(imageId)
  if (onProgress) {
    const url = `${base(connection)}/upload-progress/${image}`
    void watch((after) => fetch(url + after, { ...init, signal: over }), report)
  }
  const headers = new Headers(init.headers)
  headers.set("content-type", "application/octet-stream")
  if (sha512) headers.set("x-upload-sha512", sha512)
  const url = `${base(connection)}/${UPLOAD_ROUTES[path]}?imageId=${image}`
  const countsSent =
    typeof XMLHttpRequest !== "undefined" && file instanceof Blob && !connection.fetch
  const transfer = onProgress && countsSent ? byXhr : byFetch
  const result = answered(
    await transfer(url, { ...init, headers, signal: over }, file, report, fetch),
    path,
  )
  const whole = progress.total ?? progress.sent
  report({ sent: whole, stored: whole })
  return result
}

/** A browser does not say why it would not send a stream. */
const explained = (cause: unknown, file: unknown) =>
  file instanceof Blob || typeof XMLHttpRequest === "undefined"
    ? cause
    : new TypeError("a browser sends a stream over HTTP/2 only; give a File or a Blob", { cause })

/** The size of a file, nothing for a stream; whatever else would be sent as "[object Object]". */
function sizeOf(file: unknown): number | undefined {
  if (file instanceof Blob) return file.size
  if (!(file instanceof ReadableStream)) {
    throw refusal("BAD_REQUEST", "file must be a File, a Blob or a ReadableStream")
  }
  if (file.locked) throw refusal("BAD_REQUEST", "file must be a stream without a reader")
  if (!sendsStreams()) {
    throw refusal(
      "STREAM_NOT_SUPPORTED",
      "This browser cannot send a stream; give a File or a Blob",
    )
  }
  return undefined
}

/** What this client refuses; `upload` adds the procedure. */
const refusal = (code: BffErrorCode, message: string) => new BffError(message, { code })

/** A browser that cannot send a stream does not read `duplex`, and makes a text of the stream. */
function sendsStreams(): boolean {
  let asked = false
  const { headers } = new Request("http://localhost", {
    method: "POST",
    body: new ReadableStream(),
    get duplex() {
      asked = true
      return "half"
    },
  } as RequestInit)
  return asked && !headers.has("content-type")
}

const byFetch: Transfer = async (url, init, file, report, fetch) => {
  let fault: unknown
  const fail = (why: unknown) => (fault = why)
  const body = file instanceof Blob ? file : counted(file, init.signal!, report, fail)
  try {
    const response = await fetch(url, {
      ...init,
      method: "POST",
      body,
      duplex: "half",
    } as RequestInit)
    return { status: response.status, headers: response.headers, text: await response.text() }
  } catch (cause) {
    // All that `fetch` says of a stream that failed is that it failed itself.
    throw fault ?? explained(cause, file)
  }
}

/**
 * The stream as it is sent. It ends with the signal by itself: Node's `fetch` goes on reading a body
 * when its request is aborted (undici cancels the stream, which refuses, since it has a reader).
 */
function counted(
  file: ReadableStream<Uint8Array>,
  over: AbortSignal,
  report: Report,
  fail: (why: unknown) => void,
) {
  const reader = file.getReader()
  const cancel = (reason: unknown) => reader.cancel(reason).catch(() => {})
  let sent = 0
  return new ReadableStream<Uint8Array>(
    {
      start(out) {
        over.addEventListener("abort", () => {
          out.error(over.reason)
          void cancel(over.reason)
        })
      },
      async pull(out) {
        try {
          const { done, value } = await reader.read()
          if (over.aborted) return
          if (done) return out.close()
          // Node would send a text as UTF-8: other bytes than those of the file that it was read from.
          if (!ArrayBuffer.isView(value))
            throw refusal("BAD_REQUEST", "file must be a stream of bytes")
          report({ sent: (sent += value.byteLength) })
          out.enqueue(value)
        } catch (why) {
          fail(why)
          throw why
        }
      },
      cancel,
    },
    { highWaterMark: 0 },
  )
}

/** The one way in which a browser says how much of a body it has sent. */
const byXhr: Transfer = (url, init, file, report) =>
  new Promise((resolve, reject) => {
    const { signal } = init
    signal?.throwIfAborted()
    const xhr = new XMLHttpRequest()
    const abort = () => xhr.abort()
    xhr.open("POST", url)
    xhr.withCredentials = init.credentials === "include"
    init.headers.forEach((value, name) => xhr.setRequestHeader(name, value))
    xhr.upload.onprogress = ({ loaded }) => report({ sent: loaded })
    xhr.onload = () => resolve({ status: xhr.status, text: xhr.responseText })
    xhr.onerror = xhr.onabort = () => reject(new TypeError("the connection broke off"))
    xhr.onloadend = () => signal?.removeEventListener("abort", abort)
    signal?.addEventListener("abort", abort)
    xhr.send(file as Blob)
  })

function answered(reply: Reply, path: string): unknown {
  let body: { success?: boolean; error?: Refusal } | undefined
  try {
    body = JSON.parse(reply.text)
  } catch {
    // Not the BFF's.
  }
  if (body?.success) return body
  throw body?.error?.data ? refused(body.error, path) : foreign(reply, path)
}

/**
 * Reads the server's events; an upload does not fail for want of them.
 *
 * The first ones may be about an earlier attempt, whose failure has its id. A few of them are passed over.
 */
async function watch(watched: (after: string) => Promise<Response>, report: Report): Promise<void> {
  try {
    let after: string | undefined = ""
    for (let attempts = 0; attempts < 3 && after !== undefined; attempts++) {
      const { ok, body }: Response = await watched(after && `?after=${after}`)
      after = ok && body ? await lastId(body, report) : undefined
      // What was stored of that attempt is gone.
      if (after) report({ stored: 0 })
    }
  } catch {
    // It is over.
  }
}

/** Reads one stream of events to its end; returns the id of the upload whose failure it told. */
async function lastId(
  body: ReadableStream<Uint8Array>,
  report: Report,
): Promise<string | undefined> {
  const reader = body
    .pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
    .getReader()
  let text = ""
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const events = (text + part.value).split(/\r?\n\r?\n/)
      text = events.pop()!
      for (const event of events) {
        const field = (name: string) => RegExp(`^${name}: ?(.*)`, "m").exec(event)?.[1]
        if (field("event") === "error") return field("id")
        if (field("event") === "progress") report({ stored: JSON.parse(field("data")!).uploaded })
      }
    }
    return undefined
  } finally {
    // The next attempt has a stream of its own.
    reader.cancel().catch(() => {})
  }
}
