/** One line above the view, for what just happened. */

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
  show(failed, errorOf(error).message)
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
    h("strong", {}, what),
    h("p", {}, errorOf(error).message),
    h("div", { class: "actions" }, ...actions),
  )
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
