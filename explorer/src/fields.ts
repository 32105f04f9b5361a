/** The fields of an image that people fill in; each writes what was changed into a draft. */

import {
  CONTAINER_FORMATS,
  type CreateImageInput,
  DISK_FORMATS,
  type GlanceImage,
  OS_TYPES,
  VISIBILITIES,
} from "@polaris-bff/client"

import { button, byUse, fill, h, labelled, type Option, optionsOf, select, uniqueId } from "./dom"
import type { Draft } from "./draft"

export const DISKS = byUse(
  DISK_FORMATS,
  "qcow2",
  "raw",
  "vmdk",
  "vdi",
  "vhd",
  "vhdx",
  "iso",
  "ploop",
)
export const CONTAINERS = byUse(CONTAINER_FORMATS, "bare")
export const VISIBILITY_OPTIONS = optionsOf(byUse(VISIBILITIES, "private", "shared", "community"))

const READ_ONLY = new Set<string>([
  ...["id", "owner", "status", "size", "virtual_size", "checksum", "os_hash_algo", "os_hash_value"],
  ...["created_at", "updated_at", "self", "file", "schema", "stores", "locations", "direct_url"],
])
const BASE = new Set<string>([
  ...["name", "tags", "visibility", "protected", "os_hidden"],
  ...["min_ram", "min_disk", "disk_format", "container_format"],
] satisfies (keyof GlanceImage)[])
const OS = [
  ["os_type", "OS type", OS_TYPES],
  ["os_distro", "Distribution", []],
  ["os_version", "OS version", []],
  ["architecture", "Architecture", ["x86_64", "aarch64"]],
] as const satisfies readonly (readonly [keyof CreateImageInput, string, readonly string[]])[]
const HARDWARE = [
  ...["hw_disk_bus", "hw_scsi_model", "hw_serial", "hw_vif_model", "hw_rng_model"],
  ...["hw_machine_type", "hw_qemu_guest_agent"],
] as const satisfies readonly (keyof CreateImageInput)[]

const isOs = (name: string): boolean => OS.some(([known]) => known === name)

/** Whether a property is one of the image's own, which people name as they like. */
const isOwn = (name: string): boolean =>
  !READ_ONLY.has(name) && !BASE.has(name) && !isOs(name) && !name.startsWith("os_glance")

/** A part of a form; it is written anew where nothing was typed. */
export interface Field {
  readonly name: string
  readonly element: HTMLElement
  write(value: unknown): void
}

type Text = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement

/** Makes a field of words; `read` makes of them what Glance is told. */
function field<Control extends Text>(
  { mine, shown }: Draft,
  name: string,
  element: HTMLElement,
  control: Control,
  read: (control: Control) => unknown,
  words: (value: unknown) => string = (value) => String(value ?? ""),
): Field {
  const write = (value: unknown) => void (control.value = words(value))
  control.addEventListener("input", () => mine.set(name, read(control)))
  write(mine.has(name) ? mine.get(name) : shown[name])
  return { name, element, write }
}

const plain = { autocomplete: "off", spellcheck: "false" }

function text(draft: Draft, name: string, label: string, options: readonly string[] = []): Field {
  const known = h("datalist", { id: uniqueId() }, ...options.map((value) => h("option", { value })))
  const control = h("input", { ...plain, maxlength: "255", list: options.length && known.id })
  // Glance has null for a name that is none; another property is not there at all.
  const none = name === "name" ? null : undefined
  const element = labelled(label, control)
  if (options.length) element.append(known)
  return field(draft, name, element, control, ({ value }) => value || none)
}

function choice(draft: Draft, name: string, label: string, options: readonly Option[]): Field {
  const current = draft.shown[name]
  const all = options.some(([value]) => value === current)
    ? options
    : [[String(current ?? ""), String(current ?? "–")] as const, ...options]
  const control = select(all, "")
  return field(draft, name, labelled(label, control), control, ({ value }) => value || null)
}

function number(draft: Draft, name: string, label: string, hint: string): Field {
  const control = h("input", { type: "number", min: "0", max: "2147483647", required: true })
  return field(draft, name, labelled(label, control, hint), control, ({ value }) => Number(value))
}

function check({ mine, shown }: Draft, name: string, label: string): Field {
  const box = h("input", {
    type: "checkbox",
    id: uniqueId(),
    onchange: () => mine.set(name, box.checked),
  })
  const write = (value: unknown) => void (box.checked = value === true)
  write(mine.has(name) ? mine.get(name) : shown[name])
  const element = h("div", { class: "check" }, box, h("label", { for: box.id }, label))
  return { name, element, write }
}

function tags(draft: Draft): Field {
  // A tag may have a comma in it.
  const control = h("textarea", { ...plain, rows: "3" })
  const read = () => [...new Set(linesOf(control.value))]
  const words = (value: unknown) => (Array.isArray(value) ? [...value].sort().join("\n") : "")
  const element = labelled("Tags", control, "One a line.")
  element.classList.add("wide")
  return field(draft, "tags", element, control, read, words)
}

const linesOf = (words: string): string[] =>
  words
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean)

/** The fields that every image has. */
export function baseFields(draft: Draft): Field[] {
  const formats = [
    choice(draft, "disk_format", "Disk format", optionsOf(DISKS)),
    choice(draft, "container_format", "Container format", optionsOf(CONTAINERS)),
  ]
  return [
    text(draft, "name", "Name"),
    choice(draft, "visibility", "Visibility", VISIBILITY_OPTIONS),
    number(draft, "min_disk", "Minimum disk", "In GiB."),
    number(draft, "min_ram", "Minimum memory", "In MiB."),
    // Glance takes other formats until there is data in them.
    ...(draft.shown.status === "queued" ? formats : []),
    tags(draft),
    check(draft, "protected", "Protect it from being deleted"),
    check(draft, "os_hidden", "Leave it out of lists"),
  ]
}

/** The fields that say which operating system it holds. */
export const osFields = (draft: Draft): Field[] =>
  OS.map(([name, label, options]) => text(draft, name, label, options))

/** The image's own properties: a row for each, and rows for new ones. */
export interface Properties {
  readonly element: HTMLElement
  /** The rows; that of a new property is named when somebody has named it. */
  rows(): readonly Field[]
}

/** Makes the rows of an image's own properties. */
export function propertyRows(draft: Draft): Properties {
  const { mine, shown } = draft
  const names = new Set([...Object.keys(shown), ...mine.keys()].filter(isOwn))
  const rows = [...names].sort().map((name) => row(draft, name))
  const added = h("ul", { class: "own" })
  const known = h(
    "datalist",
    { id: uniqueId() },
    ...HARDWARE.map((value) => h("option", { value })),
  )
  const add = button("Add a property", () => {
    const made = newRow(draft, known.id)
    rows.push(made)
    added.append(made.element)
    made.element.querySelector("input")?.focus()
  })
  const list = h("ul", { class: "own" }, ...rows.map(({ element }) => element))
  const element = h("div", { class: "field" }, list, added, known, h("div", {}, add))
  return { element, rows: () => rows }
}

function row(draft: Draft, name: string): Field {
  const { mine, shown } = draft
  const now = mine.has(name) ? mine.get(name) : shown[name]
  const tag = String(now ?? shown[name] ?? "").includes("\n") ? "textarea" : "input"
  const control = h(tag, { ...plain, oninput: () => mine.set(name, control.value) })
  const remove = button("Remove", toggle, "quiet")
  const write = (value: unknown) => {
    control.disabled = value === undefined
    if (value !== undefined) control.value = String(value)
    fill(remove, control.disabled ? "Put back" : "Remove")
    remove.setAttribute("aria-label", `${remove.textContent} ${name}`)
  }
  function toggle(): void {
    mine.set(name, control.disabled ? control.value : undefined)
    write(mine.get(name))
  }
  control.value = String(shown[name] ?? "")
  write(now)
  const element = h("li", {}, labelled(name, control), remove)
  return { name, element, write }
}

/** Makes a row whose property is yet to be named. */
function newRow(draft: Draft, names: string): Field {
  const { mine } = draft
  let last = ""
  let settled = ""
  const name = h("input", { ...plain, list: names, maxlength: "255", oninput: () => take() })
  const value = h("input", { ...plain, oninput: () => take() })
  const remove = button(
    "Remove",
    () => {
      mine.delete(last)
      element.remove()
    },
    "quiet",
    { "aria-label": "Remove the new property" },
  )
  function take(): void {
    mine.delete(last)
    last = name.value.trim()
    const fault = last === settled ? "" : faultOf(last, draft)
    name.setCustomValidity(fault)
    if (fault) last = ""
    if (last) mine.set(last, value.value)
  }
  const element = h("li", {}, labelled("New property", name), labelled("Value", value), remove)
  return {
    get name() {
      return last
    },
    element,
    // Somebody else has made one of this name, and it was chosen.
    write: (theirs) => {
      settled = last
      if (last) value.value = String(theirs ?? "")
    },
  }
}

function faultOf(name: string, { mine, shown }: Draft): string {
  if (!name) return ""
  if (BASE.has(name) || isOs(name)) return "It has a field of its own in this form."
  if (!isOwn(name)) return "Glance sets it itself."
  if (Object.hasOwn(shown, name) || mine.has(name)) return "There is a property of this name."
  return ""
}
