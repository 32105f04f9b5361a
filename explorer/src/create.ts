/** A new image: its metadata, and its data if there is a file. */

import {
  type ContainerFormat,
  type CreateImageInput,
  type DiskFormat,
  type Visibility,
  withProperties,
} from "@polaris-bff/client"

import { goTo, within } from "./address"
import { closeLinks, toView } from "./close"
import { h, labelled, optionsOf, select } from "./dom"
import { type Draft, draftOf } from "./draft"
import { CONTAINERS, DISKS, osFields, propertyRows, VISIBILITY_OPTIONS } from "./fields"
import { attempt, say } from "./notice"
import { upload } from "./uploads"
import type { Workplace } from "./workplace"

/** The disk format that a file's extension stands for. */
export const FORMATS = new Map<string, DiskFormat>([
  ["img", "raw"],
  ["bin", "raw"],
  ...DISKS.map((word) => [word, word] as const),
])

// What was begun stays while the page is open, in its project.
let begun: { readonly project: string; readonly form: HTMLElement } | undefined

/** Returns the form that somebody has begun to fill in, or makes one. */
export function newImageView(place: Workplace): HTMLElement {
  const project = place.project.id
  if (begun?.project === project && "begun" in begun.form.dataset) return begun.form
  const form = newForm(place, () => (begun = undefined))
  begun = { project, form }
  return form
}

function newForm(place: Workplace, done: () => void): HTMLElement {
  const file = h("input", { type: "file", onchange: guess })
  const name = h("input", { maxlength: "255", autocomplete: "off" })
  const disk = select(optionsOf(DISKS), "qcow2" satisfies DiskFormat)
  const container = select(optionsOf(CONTAINERS), "bare" satisfies ContainerFormat)
  const visibility = select(VISIBILITY_OPTIONS, "private" satisfies Visibility)
  const tags = h("input", { autocomplete: "off", placeholder: "ubuntu, lts" })
  const minDisk = h("input", { type: "number", min: "0", value: "0" })
  const minRam = h("input", { type: "number", min: "0", value: "0" })
  const draft = draftOf({ id: "" })
  const own = propertyRows(draft)
  const guard = h("input", { type: "checkbox", id: "protected" })
  const submit = h("button", { type: "submit", class: "primary" }, "Create")
  const cancel = h("a", { class: "button", ...toView("images") }, "Cancel")
  cancel.addEventListener("click", done)

  function guess(): void {
    const chosen = file.files?.[0]
    submit.textContent = chosen ? "Create and upload" : "Create"
    if (!chosen) return
    name.value ||= chosen.name
    const format = FORMATS.get(chosen.name.split(".").pop()?.toLowerCase() ?? "")
    if (format) disk.value = format
  }

  const given = (): CreateImageInput => ({ ...propertiesOf(draft), ...metadata() })
  const metadata = (): CreateImageInput => ({
    ...(name.value && { name: name.value }),
    disk_format: disk.value as DiskFormat,
    container_format: container.value as ContainerFormat,
    visibility: visibility.value as Visibility,
    protected: guard.checked,
    min_disk: Number(minDisk.value),
    min_ram: Number(minRam.value),
    tags: tags.value
      .split(",")
      .map((tag) => tag.trim())
      .filter(Boolean),
  })

  async function create(event: Event): Promise<void> {
    event.preventDefault()
    submit.disabled = true
    await attempt(async () => {
      const image = await place.calls.createImage.mutate(given())
      const chosen = file.files?.[0]
      done()
      goTo(within("images", image.id))
      if (chosen) upload(place, image.id, image.name || image.id, chosen)
      else
        addEventListener(
          "hashchange",
          () => say(`${image.name || image.id} was created. It waits for its data.`),
          { once: true },
        )
    })
    submit.disabled = false
  }

  const form: HTMLFormElement = h(
    "form",
    // Escape closes what nobody has begun to fill in.
    { class: "detail new-image", onsubmit: create, oninput: () => (form.dataset.begun = "") },
    ...closeLinks(),
    h("h1", { tabindex: "-1" }, "New image"),
    labelled("File", file, "Optional. Without one, the image waits for its data."),
    labelled("Name", name),
    h(
      "div",
      { class: "form many" },
      labelled("Disk format", disk),
      labelled("Container format", container),
      labelled("Visibility", visibility, "Who may see and use it."),
      labelled("Tags", tags, "Joined by commas."),
      labelled("Minimum disk", minDisk, "In GiB."),
      labelled("Minimum memory", minRam, "In MiB."),
    ),
    h(
      "div",
      { class: "check" },
      guard,
      h("label", { for: guard.id }, "Protect it from being deleted"),
    ),
    h(
      "details",
      {},
      h("summary", {}, "Operating system and properties"),
      h("div", { class: "form many" }, ...osFields(draft).map(({ element }) => element)),
      own.element,
    ),
    h("div", { class: "actions" }, submit, cancel),
  )
  return form
}

/** The properties that were filled in, as `createImage` takes them. */
function propertiesOf({ mine }: Draft): CreateImageInput {
  const words = Object.fromEntries(
    [...mine].filter(([, value]) => value !== undefined).map(([name, value]) => [name, `${value}`]),
  )
  // The one that is yes or no to `createImage`, and a word in Glance.
  const { hw_qemu_guest_agent: agent, ...others } = words
  if (agent !== "yes" && agent !== "no") return withProperties({}, words)
  return withProperties({ hw_qemu_guest_agent: agent === "yes" }, others)
}
