/** One image: what it is, what can be done to it, and with whom it is shared. */

import { BffError, type GlanceImage, type Visibility } from "@polaris-bff/client"

import { goTo, within } from "./address"
import { closeLinks, toView } from "./close"
import { confirmed } from "./confirm"
import { asking, button, copyButton, fill, h, labelled } from "./dom"
import { draftOf, drafts } from "./draft"
import { takesFile } from "./drop"
import { type Editing, editView } from "./edit"
import { VISIBILITY_OPTIONS } from "./fields"
import { membersView } from "./members"
import { attempt, chooser, say, troubleView } from "./notice"
import { ended, isRunning, upload } from "./uploads"
import { isPassing, lookAgain } from "./watching"
import { bytes, state, time } from "./words"
import type { Workplace } from "./workplace"

const NAMED_ABOVE = new Set(["id", "name", "status"])

/** Makes the view of an image; `changed` is called when the list beside it is out of date. */
export function imageView(id: string, place: Workplace, changed: () => Promise<void>): HTMLElement {
  // The one element that stays: it may have the focus.
  const title = h("h1", { tabindex: "-1" }, "Image")
  const parts = h("div", { class: "parts" }, asking("hint"))
  const trouble = h("div", {})
  const view = h(
    "article",
    { class: "detail", "aria-label": "Image", "aria-busy": "true" },
    ...closeLinks(),
    title,
    trouble,
    parts,
  )

  let last: GlanceImage | undefined
  let form: HTMLElement | undefined
  let editing: Editing | undefined

  async function load(): Promise<void> {
    try {
      show(await getImageById.query({ imageId: id }))
      fill(trouble)
    } catch (error) {
      if (isMissing(error)) showMissing(error)
      else {
        if (!last) fill(parts)
        fill(trouble, troubleView("The image could not be read", error, button("Try again", load)))
      }
    }
    view.setAttribute("aria-busy", "false")
  }

  function showMissing({ message }: BffError): void {
    last = editing = undefined
    drafts.delete(id)
    fill(title, "There is no such image here")
    fill(trouble)
    fill(
      parts,
      h("p", { class: "lead" }, message),
      h(
        "div",
        { class: "actions" },
        h("a", { class: "button", ...toView("images") }, "All images"),
      ),
    )
  }

  /** Shows the image; what somebody is filling in stays, unless it is out of date. */
  function show(image: GlanceImage): void {
    const before = last
    last = image
    if (JSON.stringify(image) !== JSON.stringify(before)) render(image)
    if (before && isPassing(before) && before.status !== image.status) void changed()
  }

  /** Looks whether the image is what it was, by itself: what fails is for the next time. */
  async function look(): Promise<boolean> {
    const before = JSON.stringify(last)
    const now = await getImageById.query({ imageId: id })
    show(now)
    return before !== JSON.stringify(now)
  }

  function render(image: GlanceImage): void {
    fill(title, image.name || "(no name)")
    if (editing) return editing.take(image)
    const draft = mayChange(image) && drafts.get(id)
    if (draft) {
      editing = editView(draft, place, closeForm)
      fill(parts, identity(image), editing.element)
      return editing.take(image)
    }
    fill(
      parts,
      identity(image),
      mayChange(image) && mayTake(image) && forFile(image),
      mayChange(image) && actions(image),
      membersView(image, place, () => attempt(() => setVisibility(image, "shared"))),
      properties(image),
    )
  }

  /** The form for its data; a file that somebody has chosen stays chosen. */
  function forFile(image: GlanceImage): HTMLElement {
    form ??= uploadForm(place, image)
    form.hidden = false
    return form
  }

  function edit(image: GlanceImage): void {
    drafts.set(id, draftOf(image))
    render(image)
    parts.querySelector("input")?.focus()
  }

  /** Shows the image instead of the form. */
  async function closeForm(saved: GlanceImage | undefined = last): Promise<void> {
    editing = undefined
    last = saved
    if (saved) render(saved)
    title.focus()
    await Promise.all([load(), changed()])
  }

  /** Does something to the image, says so, and shows what it is now. */
  async function act(work: () => Promise<unknown>, done: string): Promise<void> {
    await work()
    say(done)
    await Promise.all([load(), changed()])
    // Not away from where somebody has gone meanwhile.
    const focused = document.activeElement
    if (focused === document.body || view.contains(focused)) title.focus()
  }

  takesFile(view, () => {
    const image = last
    if (!image || !mayChange(image) || !mayTake(image)) return undefined
    const name = image.name || id
    const take = (file: File) => {
      upload(place, id, name, file)
      // The form is for what does not go on yet.
      render(image)
    }
    return { name, take }
  })

  const { mayChange, calls } = place
  const { getImageById, updateImage } = calls
  const { deactivateImage, reactivateImage, deleteImage } = calls

  const setVisibility = (image: GlanceImage, visibility: Visibility): Promise<void> =>
    act(() => change(image, "visibility", visibility), `The image is ${visibility} now.`)

  const protect = (image: GlanceImage, value: boolean): Promise<void> =>
    act(
      () => change(image, "protected", value),
      value ? "The image is protected now." : "The image can be deleted now.",
    )

  /** Changes what the page showed, and nothing that somebody else has made of it meanwhile. */
  async function change(
    shown: GlanceImage,
    name: "visibility" | "protected",
    value: unknown,
  ): Promise<void> {
    const path = `/${name}`
    const guard = { op: "test" as const, path, value: shown[name] }
    try {
      const operations = [guard, { op: "replace" as const, path, value }]
      await updateImage.mutate({ imageId: id, operations })
    } catch (error) {
      if (!(error instanceof BffError) || error.code !== "CONFLICT") throw error
      await load()
      throw new Error("Somebody else was faster. The image is shown as it is now.")
    }
  }

  async function remove({ name }: GlanceImage): Promise<void> {
    if (!(await confirmed(`Delete ${name || id} for good?`, "Delete"))) return
    await attempt(async () => {
      await deleteImage.mutate({ imageId: id })
      await changed()
      goTo(within("images"))
      addEventListener("hashchange", () => say(`${name || id} was deleted.`), { once: true })
    })
  }

  function actions(image: GlanceImage): HTMLElement {
    const does = (text: string, work: () => Promise<void>) => button(text, () => attempt(work))
    return h(
      "div",
      { class: "actions" },
      button("Edit", () => edit(image)),
      chooser(
        VISIBILITY_OPTIONS,
        image.visibility ?? "",
        (chosen) => setVisibility(image, chosen as Visibility),
        "Visibility",
      ),
      does(image.protected ? "Unprotect" : "Protect", () => protect(image, !image.protected)),
      image.status === "active" &&
        does("Deactivate", () =>
          act(() => deactivateImage.mutate({ imageId: id }), "The image is deactivated now."),
        ),
      image.status === "deactivated" &&
        does("Reactivate", () =>
          act(() => reactivateImage.mutate({ imageId: id }), "The image is active again."),
        ),
      button("Delete", () => remove(image), "danger"),
    )
  }

  const stop = ended.watch(() => {
    if (!view.isConnected) return stop()
    if (last) render(last)
    void load()
  })
  lookAgain({ element: view, isDue: () => !!last && isPassing(last), look })
  void load()
  return view
}

/** Whether there is no image of an id; what is no id at all is BAD_REQUEST. */
const isMissing = (error: unknown): error is BffError =>
  error instanceof BffError && (error.code === "NOT_FOUND" || error.code === "BAD_REQUEST")

const identity = ({ id, status }: GlanceImage): HTMLElement =>
  h(
    "p",
    { class: "id" },
    state(status),
    h("span", { class: "code" }, id),
    copyButton(() => id, "the id"),
  )

/** Whether an image waits for its data, and none is on its way. */
const mayTake = ({ id, status }: GlanceImage): boolean => status === "queued" && !isRunning(id)

function uploadForm(place: Workplace, { id, name }: GlanceImage): HTMLElement {
  const file = h("input", { type: "file", required: true })
  const submit = (event: Event) => {
    event.preventDefault()
    const chosen = file.files?.[0]
    if (!chosen) return
    form.hidden = true
    upload(place, id, name || id, chosen)
    file.value = ""
  }
  const form = h(
    "form",
    { class: "card upload-form", onsubmit: submit },
    labelled("Upload its data", file, "It becomes active when Glance has all of it."),
    h("button", { type: "submit", class: "primary" }, "Upload"),
  )
  return form
}

function properties(image: GlanceImage): HTMLElement {
  const rows = Object.entries(image)
    .filter(([name, value]) => !NAMED_ABOVE.has(name) && value !== null)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, value]) =>
      h("tr", {}, h("th", { scope: "row", class: "code" }, name), h("td", {}, shown(name, value))),
    )
  return h(
    "section",
    {},
    h("h2", {}, "Properties"),
    h("table", { class: "properties" }, h("tbody", {}, ...rows)),
  )
}

function shown(name: string, value: unknown): HTMLElement | string {
  if (name.endsWith("_at") && typeof value === "string") return time(value)
  if ((name === "size" || name === "virtual_size") && typeof value === "number")
    return `${bytes(value)} (${value})`
  if (Array.isArray(value)) return value.join(", ") || "–"
  return typeof value === "string" ? value : JSON.stringify(value)
}
