/** Files that are dropped on the page: new images, or the data of the image that is open and waits. */

import {
  CONTAINER_FORMATS,
  type ContainerFormat,
  type DiskFormat,
  type Visibility,
} from "@polaris-bff/client"

import { session } from "./api"
import { FORMATS } from "./create"
import { button, fill, h, labelled, optionsOf, select, uniqueId } from "./dom"
import { CONTAINERS, DISKS, VISIBILITY_OPTIONS } from "./fields"
import { complain } from "./notice"
import { uploadNew } from "./uploads"
import { bytes, counted } from "./words"
import { type Workplace, workplaceOf } from "./workplace"

const LONGEST_NAME = 255

/** An image that waits for its data. */
interface Taker {
  readonly name: string
  readonly take: (file: File) => void
}

const takers = new WeakMap<EventTarget, () => Taker | undefined>()

/** Has a single file that is dropped on an element go to the image that is shown there, if it waits. */
export function takesFile(element: HTMLElement, taker: () => Taker | undefined): void {
  takers.set(element, taker)
}

const hint = h("div", { class: "drop", hidden: true })

/** Takes what is dropped, wherever that is; the browser would open the file in place of the page. */
export function watchDrops(): void {
  document.body.append(hint)
  addEventListener("dragover", over)
  addEventListener("drop", drop)
  // Without another element, the pointer has left the window.
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) hint.hidden = true
  })
}

/** The files that are dragged, unless it is onto a control that takes them itself. */
function dragged({ dataTransfer, target }: DragEvent): DataTransfer | undefined {
  if (target instanceof HTMLInputElement && target.type === "file") return undefined
  return dataTransfer?.types.includes("Files") ? dataTransfer : undefined
}

function over(event: DragEvent): void {
  const files = dragged(event)
  hint.hidden = !files
  if (!files) return
  event.preventDefault()
  const taker = files.items.length === 1 && takerAt(event)
  fill(hint, taker ? `Drop it as the data of ${taker.name}` : "Drop files to make images of them")
}

const takerAt = (event: Event): Taker | undefined =>
  event
    .composedPath()
    .map((element) => takers.get(element)?.())
    .find((taker) => taker)

function drop(event: DragEvent): void {
  hint.hidden = true
  const files = dragged(event)
  if (!files) return
  event.preventDefault()
  const given = filesOf(files)
  const [only, ...others] = given
  const taker = others.length ? undefined : takerAt(event)
  if (only && taker) taker.take(only)
  else offer(given)
}

/** The files with something in them; a folder is none. */
function filesOf({ items }: DataTransfer): File[] {
  return [...items].flatMap((item) => {
    const file = item.webkitGetAsEntry()?.isDirectory ? null : item.getAsFile()
    return file ?? []
  })
}

function offer(given: readonly File[]): void {
  const shown = session.get()
  const place = shown ? workplaceOf(shown) : undefined
  if (place) return offerImages(given, place)
  const first = shown ? "Choose a project" : "Sign in"
  complain(new Error(`${first} first, then drop the files again.`))
}

/** Makes the button that chooses files, for whoever does not drag them. */
export function filesButton(place: Workplace): HTMLElement {
  const chosen = h("input", { type: "file", multiple: true, hidden: true })
  chosen.addEventListener("change", () => {
    offerImages([...(chosen.files ?? [])], place)
    chosen.value = ""
  })
  return h(
    "span",
    { class: "choose" },
    chosen,
    button("Upload files", () => chosen.click(), "plain", {
      title: "Several at once; they may be dropped anywhere on the page, too.",
    }),
  )
}

let open: NewImages | undefined

/** Shows what would be made of files; further ones join those that are shown already. */
function offerImages(given: readonly File[], place: Workplace): void {
  const files = given.filter(({ size }) => size > 0)
  if (files.length < given.length)
    complain(new Error("Empty files were left out: an image has data."))
  if (!files.length && !given.length) complain(new Error("There is no file in that."))
  if (!files.length) return
  open ??= new NewImages(place, () => (open = undefined))
  open.add(files)
}

/** A file, and the image that becomes of it. */
interface Row {
  readonly element: HTMLElement
  begin(place: Workplace, visibility: Visibility): void
}

/** The question which images to make. */
class NewImages {
  #rows: readonly Row[] = []
  readonly #place: Workplace
  readonly #title = h("h2", { id: uniqueId(), tabindex: "-1" })
  readonly #list = h("ol", { class: "files" })
  readonly #submit = h("button", { type: "submit", class: "primary" })
  readonly #visibility = select(VISIBILITY_OPTIONS, "private" satisfies Visibility)
  readonly #dialog: HTMLDialogElement

  constructor(place: Workplace, closed: () => void) {
    this.#place = place
    const cancel = button("Cancel", () => this.#dialog.close())
    const form = h(
      "form",
      { onsubmit: (event) => this.#begin(event) },
      this.#title,
      this.#list,
      labelled("Visibility", this.#visibility, "Who may see and use them."),
      h("div", { class: "actions" }, this.#submit, cancel),
    )
    this.#dialog = h("dialog", { class: "new-images", "aria-labelledby": this.#title.id }, form)
    this.#dialog.addEventListener("close", () => {
      this.#dialog.remove()
      closed()
    })
    document.body.append(this.#dialog)
    this.#dialog.showModal()
  }

  add(files: readonly File[]): void {
    this.#show([...this.#rows, ...files.map((file) => this.#row(file))])
    this.#title.focus()
  }

  #show(rows: readonly Row[]): void {
    this.#rows = rows
    const count = counted(rows.length, "new image")
    fill(this.#title, `${count} in ${this.#place.project.name}`)
    fill(this.#submit, rows.length === 1 ? "Create and upload it" : "Create and upload them")
    // Those that are there already stay: they may have been changed.
    for (const { element } of rows) if (!element.isConnected) this.#list.append(element)
    if (!rows.length) this.#dialog.close()
  }

  #row(file: File): Row {
    const ending = file.name.split(".").pop()?.toLowerCase() ?? ""
    const name = h("input", {
      // Not cut within a character.
      value: [...file.name].slice(0, LONGEST_NAME).join(""),
      maxlength: LONGEST_NAME,
      autocomplete: "off",
    })
    const disk = select(optionsOf(DISKS), diskOf(ending))
    const container = select(optionsOf(CONTAINERS), containerOf(ending))
    const remove = button("Remove", () => this.#remove(row), "copy", {
      "aria-label": `Remove ${file.name}`,
    })
    const element = h(
      "li",
      { class: "form many" },
      labelled("Name", name),
      labelled("Disk format", disk),
      labelled("Container format", container),
      h("div", { class: "bar" }, h("span", { class: "hint" }, bytes(file.size)), remove),
    )
    const row: Row = {
      element,
      begin: (place, visibility) =>
        uploadNew(
          place,
          {
            ...(name.value && { name: name.value }),
            disk_format: disk.value as DiskFormat,
            container_format: container.value as ContainerFormat,
            visibility,
          },
          file,
        ),
    }
    return row
  }

  #remove(row: Row): void {
    row.element.remove()
    this.#title.focus()
    this.#show(this.#rows.filter((other) => other !== row))
  }

  #begin(event: SubmitEvent): void {
    event.preventDefault()
    const visibility = this.#visibility.value as Visibility
    for (const row of this.#rows) row.begin(this.#place, visibility)
    this.#dialog.close()
  }
}

const diskOf = (ending: string): DiskFormat =>
  FORMATS.get(ending) ?? (ending === "ova" ? "vmdk" : "qcow2")

/** Glance wants these around a disk of the same name, and knows packages by theirs. */
const containerOf = (ending: string): ContainerFormat =>
  CONTAINER_FORMATS.find((format) => format === ending) ?? "bare"
