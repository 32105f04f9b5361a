/** Changes an image in place: one patch, which does nothing where somebody else was faster. */

import { BffError, type GlanceImage } from "@polaris-bff/client"

import { button, fill, h } from "./dom"
import { changes, type Draft, drafts, patchOf, rebase, settle } from "./draft"
import { baseFields, type Field, osFields, propertyRows } from "./fields"
import { attempt, say } from "./notice"
import type { Workplace } from "./workplace"

// The image may change for another reason between what is read and what is sent.
const MOST_TRIES = 4

export interface Editing {
  readonly element: HTMLElement
  /** Shows what the image is now, beside what was typed. */
  take(now: GlanceImage): void
}

/** Makes the form of a draft; `closed` hears when it is saved or given up. */
export function editView(
  draft: Draft,
  place: Workplace,
  closed: (image?: GlanceImage) => unknown,
): Editing {
  const imageId = draft.shown.id
  const { getImageById, updateImage } = place.calls
  const notice = h("div", { role: "alert" })
  const body = h("div", { class: "parts" })
  const save = h("button", { type: "submit", class: "primary" }, "Save")
  const actions = h("div", { class: "actions" }, save, button("Cancel", giveUp))
  let fields: () => readonly Field[] = () => []

  function render(): void {
    const own = propertyRows(draft)
    const [base, os] = [baseFields(draft), osFields(draft)]
    fields = () => [...base, ...os, ...own.rows()]
    fill(
      body,
      h("div", { class: "form many" }, ...base.map(({ element }) => element)),
      h("h2", {}, "Operating system"),
      h("div", { class: "form many" }, ...os.map(({ element }) => element)),
      h("h2", {}, "Properties"),
      own.element,
    )
  }

  function giveUp(): void {
    drafts.delete(imageId)
    closed()
  }

  /** Shows what is to be settled, and what else is another now. */
  function take(now: GlanceImage): void {
    rebase(draft, now)
    for (const field of fields()) {
      if (!draft.mine.has(field.name)) field.write(now[field.name])
    }
    showClashes()
  }

  function showClashes(): void {
    const clashes = [...draft.theirs].map(([name, theirs]) => clashView(name, theirs))
    if (!clashes.length) return fill(notice)
    fill(
      notice,
      h(
        "div",
        { class: "trouble" },
        h("h2", { tabindex: "-1" }, "Somebody else changed this meanwhile"),
        h("p", {}, "Nothing was saved. Choose for each what it is to be, then save."),
        ...clashes,
      ),
    )
  }

  function clashView(name: string, theirs: unknown): HTMLElement {
    const choose = (whose: "mine" | "theirs") => () => {
      settle(draft, name, whose)
      if (whose === "theirs")
        fields()
          .find((field) => field.name === name)
          ?.write(theirs)
      showClashes()
      const next = notice.querySelector("button") ?? save
      next.focus()
    }
    const label = { "aria-label": `Keep theirs: ${name}` }
    return h(
      "div",
      { class: "clash" },
      h("h3", { class: "code" }, name),
      h(
        "dl",
        {},
        h("dt", {}, "There now"),
        h("dd", {}, words(theirs)),
        h("dt", {}, "Yours"),
        h("dd", {}, words(draft.mine.get(name))),
      ),
      h(
        "div",
        { class: "actions" },
        button("Keep theirs", choose("theirs"), "plain", label),
        button("Put mine", choose("mine"), "plain", { "aria-label": `Put mine: ${name}` }),
      ),
    )
  }

  /** Sends the patch; where it finds another image than was shown, looks what is to be settled. */
  async function send(): Promise<GlanceImage | undefined> {
    for (let tries = 1; changes(draft).length; tries += 1) {
      try {
        return await updateImage.mutate({ imageId, operations: patchOf(draft) })
      } catch (error) {
        const isOther = error instanceof BffError && error.code === "CONFLICT"
        if (!isOther || tries === MOST_TRIES) throw error
        take(await getImageById.query({ imageId }))
        if (draft.theirs.size) return undefined
      }
    }
    // Also where the answer to an earlier try was lost.
    return draft.shown
  }

  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    if (save.disabled) return
    save.disabled = true
    await attempt(async () => {
      const image = draft.theirs.size ? undefined : await send()
      if (!image) return notice.querySelector("h2")?.focus()
      drafts.delete(imageId)
      say("The image is saved.")
      closed(image)
    })
    save.disabled = false
  }

  render()
  showClashes()
  const element = h("form", { class: "edit", onsubmit: submit }, notice, body, actions)
  return { element, take }
}

function words(value: unknown): string {
  if (value === undefined || value === null || value === "") return "nothing"
  return Array.isArray(value) ? value.join(", ") || "nothing" : String(value)
}
