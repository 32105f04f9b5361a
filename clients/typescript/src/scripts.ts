import type { Client } from "./client.js"
import type { CallOptions } from "./connection.js"
import type { GlanceImage, ImageStatus, ListImagesInput } from "./contract.js"
import { BffError } from "./error.js"
import { pause } from "./pause.js"

export { onUnauthorized, retry, type RetryOptions } from "./layers.js"

// In a row: of a search, each has looked at hundreds of images.
const MOST_EMPTY_PAGES = 1000

/**
 * The images that match, however many there are: `for await (const image of images(client, { tag: "lts" }))`.
 *
 * They are read page by page, the next one when it is needed; `limit` is the size of a page. Whoever leaves the
 * loop asks for no more. Pages of a search may be empty and lead on; a thousand of them in a row are BAD_RESPONSE.
 */
export async function* images(
  client: Client,
  filters: ListImagesInput = {},
  options?: CallOptions,
): AsyncGenerator<GlanceImage, void, undefined> {
  const { query } = client.compute.image.listImagesWithPagination
  for (let next: string | null | undefined, empty = 0; empty < MOST_EMPTY_PAGES; empty++) {
    const page = await query({ ...filters, next }, options)
    yield* page.images
    next = page.next
    if (next == null) return
    if (page.images.length) empty = -1
  }
  const message = `${MOST_EMPTY_PAGES} pages in a row have no image: there is no end`
  throw new BffError(message, { code: "BAD_RESPONSE" })
}

/** A status that an image can be waited for; what ends it is none. */
export type AwaitedStatus = Exclude<ImageStatus, "killed" | "deleted" | "pending_delete">

/** How `waitFor` behaves; times are in milliseconds. */
export interface WaitOptions extends CallOptions {
  /** How long it waits at most: 600,000, ten minutes, unless given. */
  timeout?: number | undefined
  /** The first pause between two looks at the image: 1000 unless given. It grows to ten times as much. */
  interval?: number | undefined
  /** Where the image is, if not in the session's own project. */
  project_id?: string | undefined
}

// In milliseconds: a timer of more ends at once.
const LONGEST = 2 ** 31 - 1
// An image that has its data keeps it, and one of another status than all of these never comes back.
const FILLING: readonly string[] = ["queued", "saving", "uploading", "importing"]
const FILLED: readonly string[] = ["active", "deactivated"]

/**
 * Waits until an image has a status, and returns it.
 *
 * Throws a `BffError`: NOT_FOUND when it is gone, CONFLICT as soon as it can no longer get there, TIMEOUT; and
 * whatever getting it throws.
 */
export async function waitFor(
  client: Client,
  imageId: string,
  status: AwaitedStatus,
  { timeout = 600_000, interval = 1000, project_id, signal }: WaitOptions = {},
): Promise<GlanceImage> {
  const over = new AbortController()
  const abort = () => over.abort(signal?.reason)
  const end = () => over.abort(timedOut(imageId, status, timeout))
  const timer = setTimeout(end, Math.min(timeout, LONGEST))
  signal?.addEventListener("abort", abort)
  if (signal?.aborted) abort()
  try {
    for (let ms = interval; ; ms = Math.min(ms * 1.5, interval * 10)) {
      const input = { imageId, project_id }
      const image = await client.compute.image.getImageById.query(input, { signal: over.signal })
      if (image.status === status) return image
      if (!canBecome(image.status, status)) throw lost(image, status)
      await pause(ms, over.signal)
    }
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener("abort", abort)
  }
}

/** Whether an image can get from one status to another, by itself or by what somebody does. */
const canBecome = (from: string | null | undefined, to: AwaitedStatus) =>
  FILLING.includes(from!) || (FILLED.includes(from!) && FILLED.includes(to))

const lost = ({ id, status: now }: GlanceImage, status: string) =>
  new BffError(`Image ${id} is ${now}, and can no longer become ${status}`, { code: "CONFLICT" })

const timedOut = (imageId: string, status: string, timeout: number) =>
  new BffError(`Image ${imageId} is not ${status} after ${timeout} ms`, { code: "TIMEOUT" })
