/**
 * The address behind the #: where the page is, and what is asked for there.
 *
 * `#/images/ID?status=active&sort=name:asc`, or `#/procedures/NAME?input={…}`. Reload, back and a sent link bring it back.
 * What a person chooses is a step of its own, to which back leads; what is typed replaces the step.
 * Whoever opens a link sees a form filled in, and nothing is sent before they say so. Secrets never stand here.
 */

import type { Input } from "./api"
import { isInput } from "./form"

const VIEWS = ["images", "procedures", "batch"] as const
export type View = (typeof VIEWS)[number]

export interface Place {
  /** A view, and what is shown in it, as ["images", "ID"]. */
  readonly parts: readonly string[]
  readonly asked: URLSearchParams
}

/** Where an address leads; that of the page, unless another one is given. */
export function place(hash = location.hash): Place {
  const [path = "", ...query] = hash.split("?")
  const parts = path.split("/").slice(1).map(decoded)
  return {
    parts: VIEWS.some((view) => view === parts[0]) ? parts : ["images"],
    asked: new URLSearchParams(query.join("?")),
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** Writes an address; what is asked for with no word is left out. */
export function addressOf(
  parts: readonly string[],
  asked: Readonly<Record<string, string>>,
): string {
  const path = parts.map((part) => `/${encodeURIComponent(part)}`).join("")
  const given = Object.entries(asked).filter(([, word]) => word)
  // People read these, and a # takes them as they are.
  const query = new URLSearchParams(given).toString().replaceAll("%3A", ":").replaceAll("%2C", ",")
  return `#${path}${query && `?${query}`}`
}

// What was last asked for in a view that lists things, so that links to these keep it.
const LISTS: ReadonlySet<string | undefined> = new Set<View>(["images"])
const last = new Map<string | undefined, Readonly<Record<string, string>>>()

/** The address of a view, or of a thing in it, with what was last asked for there. */
export const within = (view: View, which?: string): string =>
  addressOf(which === undefined ? [view] : [view, which], last.get(view) ?? {})

/** Notes what the page's address asks for, as that of its view. */
export function note(): void {
  const { parts, asked } = place()
  if (LISTS.has(parts[0])) last.set(parts[0], Object.fromEntries(asked))
}

/** Says in the address what is asked for now; the page stays where it is, and shows it itself. */
export function ask(asked: Readonly<Record<string, string>>, step: "push" | "replace"): void {
  const address = addressOf(place().parts, asked)
  if (address === location.hash) return
  if (step === "push") history.pushState(null, "", address)
  else history.replaceState(history.state, "", address)
  note()
}

/** Goes to an address of this page. */
export const goTo = (address: string): void => void (location.hash = address)

// Longer ones break where people paste them; a file in base64 is longer.
const LONGEST_INPUT = 8000
// A browser takes only so many replacements in a while.
const MILLISECONDS_OF_REST = 250
let typing: number | undefined

/** The input of the call that the address fills in; nothing where it has none, or no object. */
export function inputAsked(): Input | undefined {
  const text = place().asked.get("input") ?? ""
  // A stranger's link shall not keep the page busy with a form of thousands of fields.
  if (text.length > LONGEST_INPUT) return undefined
  try {
    const input: unknown = JSON.parse(text)
    return isInput(input) ? input : undefined
  } catch {
    return undefined
  }
}

/**
 * Puts a filled call into the address, once the typing rests; an empty one, or one too long for a link, takes it away.
 *
 * @param secrets the parameters that must not stand there: all that `isSecret` says of the procedure.
 */
export function keepInput(input: Input, secrets: ReadonlySet<string>): void {
  const { parts } = place()
  const open = Object.entries(input).filter(([name]) => !secrets.has(name))
  const text = open.length ? JSON.stringify(Object.fromEntries(open)) : ""
  clearTimeout(typing)
  typing = setTimeout(() => {
    // Not to the address of what is shown by now.
    if (place().parts.join("/") !== parts.join("/")) return
    ask({ input: text.length > LONGEST_INPUT ? "" : text }, "replace")
  }, MILLISECONDS_OF_REST)
}
