/** What somebody is changing of an image, and has not saved: nothing of it is lost, and nobody else's change either. */

import type { GlanceImage, JSONPatchOperation } from "@polaris-bff/client"

export interface Draft {
  /** The image as the page shows it: what the patch tests for. */
  shown: GlanceImage
  /** What somebody wants it to be, by property; `undefined` takes the property away. */
  readonly mine: Map<string, unknown>
  /** What somebody else has made of it meanwhile, where that is not settled; `undefined` as well. */
  readonly theirs: Map<string, unknown>
}

/** Begins to change an image. */
export const draftOf = (shown: GlanceImage): Draft => ({
  shown,
  mine: new Map(),
  theirs: new Map(),
})

/** The drafts of the page, by image; they stay while it is open. */
export const drafts = new Map<string, Draft>()

/** Whether there is something that was not saved. */
export const isUnsaved = (id: string | undefined): boolean =>
  changes(drafts.get(id ?? "")).length > 0

/** What the draft changes, as it would be. */
export const changes = (draft: Draft | undefined): [string, unknown][] =>
  draft ? [...draft.mine].filter(([name, value]) => !isSame(value, draft.shown[name])) : []

/** Whether two values are one to Glance, which keeps tags in no order. */
export function isSame(one: unknown, other: unknown): boolean {
  const [a, b] = [one, other].map((value) =>
    Array.isArray(value) ? JSON.stringify([...new Set(value)].sort()) : (value ?? null),
  )
  return a === b
}

/**
 * Returns the patch: it changes what somebody changed, where that is still what the page shows.
 *
 * No test says that a property is not there, so for a new one the image must not have changed at all.
 */
export function patchOf(draft: Draft): JSONPatchOperation[] {
  const { shown } = draft
  const wanted = changes(draft)
  const known = wanted.filter(([name]) => Object.hasOwn(shown, name)).map(([name]) => name)
  const guards = known.length < wanted.length ? [...known, "updated_at"] : known
  return [
    ...guards.map((name) => ({ op: "test" as const, path: pointer(name), value: shown[name] })),
    ...wanted.map(([name, value]) => step(name, value, Object.hasOwn(shown, name))),
  ]
}

function step(name: string, value: unknown, isThere: boolean): JSONPatchOperation {
  const path = pointer(name)
  if (value === undefined) return { op: "remove", path }
  return { op: isThere ? "replace" : "add", path, value }
}

const pointer = (name: string): string => `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`

/** Takes in what the image is now; what both have changed, and not to the same, is to be settled. */
export function rebase(draft: Draft, now: GlanceImage): void {
  for (const [name, mine] of draft.mine) {
    const [theirs, before] = [now[name], draft.shown[name]]
    if (isSame(theirs, mine)) draft.theirs.delete(name)
    else if (!isSame(theirs, before)) draft.theirs.set(name, theirs)
  }
  draft.shown = now
}

/** Settles what both have changed. */
export function settle(draft: Draft, name: string, whose: "mine" | "theirs"): void {
  draft.theirs.delete(name)
  if (whose === "theirs") draft.mine.delete(name)
}

/** Whether anything of any image was not saved. */
export const anyUnsaved = (): boolean => [...drafts.keys()].some(isUnsaved)

addEventListener("beforeunload", (event) => {
  if (anyUnsaved()) event.preventDefault()
})
