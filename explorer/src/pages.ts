/** The pages of a list. What Glance cannot look for comes in parts, which may hold no image and still lead on. */

import type { GlanceImage, ImagesPaginatedInput } from "@polaris-bff/client"

import type { Workplace } from "./workplace"

type Calls = Workplace["calls"]

export type Filter = Pick<
  ImagesPaginatedInput,
  "visibility" | "member_status" | "offered" | "status" | "search"
>

/** What a page is asked for. */
export interface Question {
  readonly filter: Filter
  readonly sort: string
  readonly size: number
  /** The image after which the page begins; the first page has none. */
  readonly marker: string
}

/** What of a page is known so far. */
export interface Page {
  readonly images: readonly GlanceImage[]
  /** The marker of what comes after it, or of where it goes on. */
  readonly next?: string | undefined
  /** At how many images the server looked, where it searches. */
  readonly lookedAt?: number | undefined
  /** How many requests it took. */
  readonly parts: number
}
export const NOTHING: Page = { images: [], parts: 0 }

/** Whether a page has room for more, and the list goes on. */
export const isShort = ({ images, next }: Page, { size }: Question): boolean =>
  !!next && images.length < size

/** Asks for the next part of a page. */
export async function readOn(
  calls: Calls,
  { filter, sort, size, marker }: Question,
  page: Page,
  signal: AbortSignal,
): Promise<Page> {
  const after = page.next ?? marker
  const limit = size - page.images.length
  const part = await calls.listImagesWithPagination.query(
    { ...filter, sort, limit, ...(after && { marker: after }) },
    { signal },
  )
  // What changed meanwhile may come a second time, where the order goes by what changed.
  const again = new Set(part.images.map(({ id }) => id))
  return {
    images: [...page.images.filter(({ id }) => !again.has(id)), ...part.images],
    next: new URLSearchParams(part.next?.split("?")[1]).get("marker") ?? undefined,
    lookedAt: part.looked_at == null ? undefined : (page.lookedAt ?? 0) + part.looked_at,
    parts: page.parts + 1,
  }
}

/**
 * Returns the image after which the page begins that ends before `first`; nothing where that is the first page.
 *
 * Glance knows the way on only. In the other order, the way on is the way back.
 */
export async function markerBefore(
  calls: Calls,
  question: Question,
  first: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const [key, direction] = question.sort.split(":")
  const sort = `${key}:${direction === "asc" ? "desc" : "asc"}`
  const back = { ...question, sort, size: question.size + 1, marker: first }
  let page = NOTHING
  do page = await readOn(calls, back, page, signal)
  while (isShort(page, back))
  return page.images[question.size]?.id
}

// The server's.
const MOST_IDS = 100

/** Asks for the images of a page alone, where all that was looked at for them took long: those that are gone leave it. */
export async function sameAgain(
  calls: Calls,
  { filter }: Question,
  page: Page,
  signal: AbortSignal,
): Promise<Page> {
  const ids = page.images.map(({ id }) => id)
  const asked: Promise<GlanceImage[]>[] = []
  for (let from = 0; from < ids.length; from += MOST_IDS)
    asked.push(
      calls.listImages.query({ ...filter, ids: ids.slice(from, from + MOST_IDS) }, { signal }),
    )
  const byId = new Map((await Promise.all(asked)).flat().map((image) => [image.id, image]))
  const images = ids.flatMap((id) => byId.get(id) ?? [])
  // Behind an image that is gone, Glance does not go on.
  const isThere = !page.next || !ids.includes(page.next) || byId.has(page.next)
  return { ...page, images, next: isThere ? page.next : images.at(-1)?.id }
}
