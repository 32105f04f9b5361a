/** One image: what it is, what can be done to it, and with whom it is shared. */

import type { GlanceImage, Visibility } from "@polaris-bff/client"

import { client } from "./api"
import { confirmed } from "./confirm"
import { VISIBILITIES } from "./create"
import { button, copyButton, fill, h, labelled, select } from "./dom"
import type { Project } from "./images"
import { membersView } from "./members"
import { attempt, say } from "./notice"
import { ended, isRunning, upload } from "./uploads"
import { bytes, state, time } from "./words"

// Glance leaves these states by itself.
const PASSING = new Set<unknown>(["saving", "uploading", "importing", "pending_delete"])
const MILLISECONDS_BETWEEN_LOOKS = 2000
const NAMED_ABOVE = new Set(["id", "name", "status"])

/** Makes the view of an image; `changed` is called when the list beside it is out of date. */
export function imageView(id: string, project: Project, changed: () => Promise<void>): HTMLElement {
  // The one element that stays: it may have the focus.
  const title = h("h1", { tabindex: "-1" }, "Image")
  const parts = h("div", { class: "parts" })
  const view = h(
    "article",
    { class: "detail", "aria-label": "Image", "aria-busy": "true" },
    back(),
    title,
    parts,
  )

  let last: GlanceImage | undefined
  let timer: number | undefined

  async function load(): Promise<void> {
    await attempt(async () => show(await client.compute.image.getImageById.query({ imageId: id })))
    view.setAttribute("aria-busy", "false")
  }

  /** Shows the image, and looks again while it is on its way to another state. */
  function show(image: GlanceImage): void {
    clearTimeout(timer)
    const passing = PASSING.has(image.status)
    if (passing) timer = setTimeout(() => view.isConnected && load(), MILLISECONDS_BETWEEN_LOOKS)
    else if (PASSING.has(last?.status)) void changed()
    // What somebody is filling in stays, unless it is out of date.
    if (JSON.stringify(image) !== JSON.stringify(last)) render(image)
    last = image
  }

  function render(image: GlanceImage): void {
    fill(title, image.name || "(no name)")
    fill(
      parts,
      identity(image),
      uploadForm(image),
      actions(image),
      membersView(image, project, setVisibility),
      properties(image),
    )
  }

  /** Does something to the image, says so, and shows what it is now. */
  async function act(work: () => Promise<unknown>, done: string): Promise<void> {
    await attempt(async () => {
      await work()
      say(done)
      await Promise.all([load(), changed()])
      title.focus()
    })
  }

  const { updateImage, updateImageVisibility, deactivateImage, reactivateImage, deleteImage } =
    client.compute.image

  function setVisibility(visibility: Visibility): Promise<void> {
    return act(
      () => updateImageVisibility.mutate({ imageId: id, visibility }),
      `The image is ${visibility} now.`,
    )
  }

  function protect(value: boolean): Promise<void> {
    const operations = [{ op: "replace" as const, path: "/protected", value }]
    return act(
      () => updateImage.mutate({ imageId: id, operations }),
      value ? "The image is protected now." : "The image can be deleted now.",
    )
  }

  async function remove({ name }: GlanceImage): Promise<void> {
    if (!(await confirmed(`Delete ${name || id} for good?`, "Delete"))) return
    await attempt(async () => {
      await deleteImage.mutate({ imageId: id })
      location.hash = "#/images"
      addEventListener("hashchange", () => say(`${name || id} was deleted.`), { once: true })
    })
  }

  function actions(image: GlanceImage): HTMLElement {
    const visibility = select(VISIBILITIES, image.visibility ?? "", {
      "aria-label": "Visibility",
      onchange: () => setVisibility(visibility.value as Visibility),
    })
    return h(
      "div",
      { class: "actions" },
      visibility,
      button(image.protected ? "Unprotect" : "Protect", () => protect(!image.protected)),
      image.status === "active" &&
        button("Deactivate", () =>
          act(() => deactivateImage.mutate({ imageId: id }), "The image is deactivated now."),
        ),
      image.status === "deactivated" &&
        button("Reactivate", () =>
          act(() => reactivateImage.mutate({ imageId: id }), "The image is active again."),
        ),
      button("Delete", () => remove(image), "danger"),
    )
  }

  const stop = ended.watch(() => {
    last = undefined
    if (view.isConnected) void load()
    else stop()
  })
  void load()
  return view
}

const back = (): HTMLElement => h("a", { class: "back", href: "#/images" }, "All images")

const identity = ({ id, status }: GlanceImage): HTMLElement =>
  h(
    "p",
    { class: "id" },
    state(status),
    h("span", { class: "code" }, id),
    copyButton(() => id, "the id"),
  )

function uploadForm({ id, name, status }: GlanceImage): HTMLElement | false {
  if (status !== "queued" || isRunning(id)) return false
  const file = h("input", { type: "file", required: true })
  const submit = (event: Event) => {
    event.preventDefault()
    const chosen = file.files?.[0]
    if (!chosen) return
    form.hidden = true
    void upload(id, name || id, chosen)
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
