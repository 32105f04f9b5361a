/** One line above the view, for what just happened. */

import { BffError } from "@polaris-bff/client"

import { button, fill, h } from "./dom"
import { errorOf } from "./api"

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
  show(failed, errorOf(error).message)
}

/** Takes away what was said. */
export function hush(): void {
  fill(said)
  fill(failed)
}

/** Runs what a person asked for; what fails is said. That a session has ended is said where it is known. */
export async function attempt(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof BffError && error.code === "UNAUTHORIZED")) complain(error)
  }
}

function show(place: HTMLElement, text: string): void {
  const close = button("Dismiss", () => fill(place), "quiet")
  fill(place, h("p", {}, text), close)
}
