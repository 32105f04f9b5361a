/** One line above the view, for what just happened. */

import { BffError, type BffErrorCode } from "@polaris-bff/client"

import { button, type Child, fill, h, type Option, select } from "./dom"
import { errorOf, isDoubt } from "./api"

const said = h("div", { class: "notice", role: "status" })
const failed = h("div", { class: "notice bad", role: "alert" })

export const notices = h("div", { class: "notices" }, said, failed)

/** Says what was done. */
export function say(text: string): void {
  fill(failed)
  show(said, text)
}

/** Says what did not work, and why. */
export function complain(error: unknown): void {
  fill(said)
  show(failed, wordsOf(error))
}

/** Takes away what was said. */
export function hush(): void {
  fill(said)
  fill(failed)
}

/** Runs what a person asked for, and returns whether it worked. What fails is said; what became of the session is said where it is known. */
export async function attempt(work: () => Promise<void>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (!isDoubt(error)) complain(error)
    return false
  }
}

/** Says what could not be shown and why, with a way to try again. */
export function troubleView(what: string, error: unknown, ...actions: Child[]): HTMLElement {
  return h(
    "div",
    { class: "trouble", role: "alert" },
    what && h("strong", {}, what),
    h("p", {}, errorOf(error).message),
    h("p", {}, adviceOn(error)),
    h("div", { class: "actions" }, ...actions),
  )
}

const IN_A_MOMENT = "Try again in a moment."
const ADVICE: Partial<Record<BffErrorCode, string>> = {
  NETWORK_ERROR: "Look whether this device is connected, then try again.",
  UNAUTHORIZED: "Sign in again.",
  FORBIDDEN: "Ask whoever runs this project for a role that may, or choose another project.",
  TOO_MANY_REQUESTS: IN_A_MOMENT,
  TIMEOUT: IN_A_MOMENT,
  GATEWAY_TIMEOUT: IN_A_MOMENT,
  SERVICE_UNAVAILABLE: IN_A_MOMENT,
}

/** A failure in words; what was not answered does not say what to do. */
export const wordsOf = (error: unknown): string =>
  error instanceof BffError && error.code === "NETWORK_ERROR"
    ? `${error.message}. ${adviceOn(error)}`
    : errorOf(error).message

/** What to do about a failure. */
function adviceOn(error: unknown): string {
  if (!navigator.onLine) return "This device is offline. Try again when it is connected."
  if (!(error instanceof BffError)) return IN_A_MOMENT
  const { code, requestId, data } = error
  if (ADVICE[code]) return ADVICE[code]
  if ((data.httpStatus ?? 500) < 500) return ""
  const told = requestId ? ` the request id ${requestId}` : " when it was"
  return `Try again. If it stays so, tell whoever runs this page${told}.`
}

/** Makes a select whose choice is carried out at once, and taken back where that fails. */
export function chooser(
  options: readonly Option[],
  value: string,
  carryOut: (value: string) => Promise<void>,
  label: string,
): HTMLSelectElement {
  let holds = value
  const chosen = select(options, value, { "aria-label": label, onchange: choose })
  async function choose(): Promise<void> {
    const wanted = chosen.value
    // Until it is carried out, the page still stands for what was chosen before.
    chosen.ariaBusy = "true"
    if (await attempt(() => carryOut(wanted))) holds = wanted
    chosen.value = holds
    chosen.ariaBusy = null
  }
  return chosen
}

function show(place: HTMLElement, text: string): void {
  const close = button("Dismiss", () => fill(place), "quiet")
  fill(place, h("p", {}, text), close)
}
