/** The images of a project: a list with pages and search, and beside it the one that was chosen. */

import {
  type BulkOperationResult,
  type GlanceImage,
  IMAGE_STATUSES,
  type ImagesPaginatedInput,
  type ImageStatus,
  VISIBILITIES,
} from "@polaris-bff/client"

import { confirmed } from "./confirm"
import { newImageView } from "./create"
import {
  button,
  byUse,
  copyButton,
  fill,
  focusHeading,
  h,
  labelled,
  type Option,
  optionsOf,
  refill,
  select,
} from "./dom"
import { filesButton } from "./drop"
import { imageView } from "./image"
import { attempt, say, troubleView } from "./notice"
import { ended } from "./uploads"
import { bytes, counted, state, time } from "./words"
import type { Workplace } from "./workplace"

type Filter = Pick<ImagesPaginatedInput, "visibility" | "member_status" | "status" | "sort">

type Shown = readonly [string, string, Filter]
const OFFERED: Shown = [
  "offered",
  "Offered to this project",
  { visibility: "shared", member_status: "pending" },
]
const SHOWN: readonly Shown[] = [
  ["", "All I may use", {}],
  ...byUse(VISIBILITIES, "private", "shared").flatMap((visibility): Shown[] => {
    const text = `${visibility.charAt(0).toUpperCase()}${visibility.slice(1)}`
    const those: Shown = [visibility, text, { visibility }]
    return visibility === "shared" ? [those, OFFERED] : [those]
  }),
]
// Deleted images are in no list.
const GONE = new Set<ImageStatus>(["deleted", "pending_delete"])
const STATUSES = byUse(
  IMAGE_STATUSES,
  "active",
  "queued",
  "saving",
  "uploading",
  "importing",
  "deactivated",
  "killed",
)
const STATES: readonly Option[] = [
  ["", "Any state"],
  ...optionsOf(STATUSES.filter((status) => !GONE.has(status))),
]
const SIZES: readonly Option[] = [25, 50, 100, 250].map((size) => [String(size), `${size} a page`])
const COLUMNS = [
  ["name", "Name"],
  ["status", "State"],
  ["visibility", "Visibility"],
  ["size", "Size"],
  ["disk_format", "Format"],
  ["created_at", "Created"],
] as const
// A search shows no more at once; whoever looks for one image narrows it.
const MOST_FOUND = 200

// What was asked for; it stays while the page is open.
const asked = { shown: "", status: "", words: "", sort: "created_at:desc", size: 25 }

/** What the list shows. */
interface Page {
  readonly images: readonly GlanceImage[]
  readonly number: number
  readonly note: string
  readonly next?: string | undefined
  readonly first?: string | undefined
}

/** Makes the view; `chosen` is an image's id, or "new". */
export function imagesView(place: Workplace, chosen: string | undefined): HTMLElement {
  const { id } = place.project
  if (kept?.project !== id) kept = { project: id, list: new ImageList(place) }
  const { list } = kept
  const beside =
    chosen && (chosen === "new" ? newImageView(place) : imageView(chosen, place, () => list.load()))
  const view = h(
    "div",
    { class: chosen ? "split images chosen" : "split images" },
    list.element,
    beside || undefined,
  )
  const stop = ended.watch(() => (view.isConnected ? void list.load() : stop()))
  list.choose(chosen)
  return view
}

// The page and the selection stay while one image after the other is looked at.
let kept: { readonly project: string; readonly list: ImageList } | undefined

class ImageList {
  readonly element = h("section", { class: "list", "aria-label": "Images" })
  readonly #selected = new Set<string>()
  readonly #table = h(
    "div",
    { class: "rows", "aria-busy": "true" },
    h("p", { class: "empty" }, "Asking Glance…"),
  )
  readonly #pager = h("nav", { class: "pager", "aria-label": "Pages" })
  readonly #bulk = h("div", { class: "bulk", hidden: true })
  readonly #result = h("div", { class: "result", role: "status" })
  #page: Page = { images: [], number: 1, note: "" }
  #link: Pick<ImagesPaginatedInput, "first" | "next"> = {}
  #latest = 0
  #chosen: string | undefined
  readonly #place: Workplace

  constructor(place: Workplace) {
    this.#place = place
    fill(
      this.element,
      h(
        "div",
        { class: "bar" },
        h("h1", { tabindex: "-1" }, "Images"),
        filesButton(place),
        h("a", { class: "button primary", href: "#/images/new" }, "New image"),
      ),
      this.#filters(),
      this.#result,
      this.#bulk,
      this.#table,
      this.#pager,
    )
  }

  /** Marks the image that is shown beside the list, and looks at the list again. */
  choose(id: string | undefined): void {
    this.#chosen = id
    if (this.#page.images.length) this.#show(this.#page)
    void this.load()
  }

  /** Asks for the page again. */
  async load(): Promise<void> {
    const latest = ++this.#latest
    this.#table.setAttribute("aria-busy", "true")
    const { calls } = this.#place
    const show = await (
      asked.words ? found(calls) : paged(calls, this.#link, this.#page.number)
    ).then(
      (page) => () => this.#show(page),
      (error: unknown) => () => this.#fail(error),
    )
    // A slower answer to an earlier question is not what the list asks for any more.
    if (latest !== this.#latest) return
    show()
    this.#table.setAttribute("aria-busy", "false")
  }

  /** Says why there is no list: an older one would not be what the filters say. */
  #fail(error: unknown): void {
    refill(
      this.#table,
      troubleView(
        "The images could not be listed",
        error,
        button("Try again", () => this.load()),
        this.#page.number > 1 && button("First page", () => this.#begin()),
      ),
    )
    fill(this.#pager)
    this.#bulk.hidden = true
  }

  #filters(): HTMLElement {
    const words = h("input", {
      type: "search",
      value: asked.words,
      autocomplete: "off",
      spellcheck: "false",
    })
    const shown = select(
      SHOWN.map(([value, text]) => [value, text]),
      asked.shown,
      { onchange: () => ask() },
    )
    const status = select(STATES, asked.status, { onchange: () => ask() })
    const ask = () => {
      Object.assign(asked, { words: words.value.trim(), shown: shown.value, status: status.value })
      this.#begin()
    }
    return h(
      "form",
      {
        class: "filters",
        role: "search",
        onsubmit: (event) => {
          event.preventDefault()
          ask()
        },
      },
      h(
        "div",
        { class: "joined" },
        labelled("Search in name, id and tags", words),
        h("button", { type: "submit" }, "Search"),
      ),
      labelled("Show", shown),
      labelled("State", status),
    )
  }

  #begin(link: Pick<ImagesPaginatedInput, "first" | "next"> = {}, number = 1): void {
    this.#link = link
    this.#page = { ...this.#page, number }
    this.#selected.clear()
    void this.load()
  }

  #show(page: Page): void {
    this.#page = page
    for (const id of this.#selected) {
      if (!page.images.some((image) => image.id === id)) this.#selected.delete(id)
    }
    refill(
      this.#table,
      page.images.length ? this.#rows(page.images) : h("p", { class: "empty" }, "No images."),
    )
    this.#showPager(page)
    this.#showBulk()
  }

  #rows(images: readonly GlanceImage[]): HTMLElement {
    const mine = images.filter(this.#place.mayChange)
    const all = h("input", {
      type: "checkbox",
      "aria-label": "Select every image of this page",
      checked: mine.length > 0 && mine.every(({ id }) => this.#selected.has(id)),
      onchange: () => {
        for (const { id } of mine) this.#select(id, all.checked)
        for (const box of this.#table.querySelectorAll<HTMLInputElement>("tbody input"))
          box.checked = all.checked
      },
    })
    const heads = COLUMNS.map(([key, text]) => this.#head(key, text))
    return h(
      "table",
      {},
      h("thead", {}, h("tr", {}, h("td", { class: "pick" }, mine.length > 0 && all), ...heads)),
      h("tbody", {}, ...images.map((image) => this.#row(image))),
    )
  }

  #head(key: string, text: string): HTMLElement {
    if (key === "visibility") return h("th", { scope: "col", class: "column-visibility" }, text)
    const [by, direction] = asked.sort.split(":")
    const other = by === key && direction === "asc" ? "desc" : "asc"
    const sorted = by === key && (direction === "asc" ? "ascending" : "descending")
    const sort = button(
      text,
      () => {
        asked.sort = `${key}:${other}`
        this.#begin()
      },
      "quiet",
    )
    return h("th", { scope: "col", "aria-sort": sorted, class: `column-${key}` }, sort)
  }

  #row(image: GlanceImage): HTMLElement {
    const { id, name, status, visibility, size, disk_format: format } = image
    const title = name || "(no name)"
    const box = h("input", {
      type: "checkbox",
      "aria-label": `Select ${title}`,
      checked: this.#selected.has(id),
      onchange: () => this.#select(id, box.checked),
    })
    const current = id === this.#chosen && "page"
    return h(
      "tr",
      { class: current ? "current" : undefined },
      h("td", { class: "pick" }, this.#place.mayChange(image) && box),
      h(
        "th",
        { scope: "row" },
        h("a", { href: `#/images/${id}`, "aria-current": current }, title),
        " ",
        image.protected && h("span", { class: "tag" }, "protected"),
        ...(image.tags ?? []).slice(0, 3).map((tag) => h("span", { class: "tag" }, tag)),
        h(
          "span",
          { class: "sub" },
          [visibility, size && bytes(size), format].filter(Boolean).join(", "),
        ),
      ),
      h("td", {}, state(status)),
      h("td", { class: "column-visibility" }, visibility ?? "–"),
      h("td", { class: "column-size" }, bytes(size)),
      h("td", { class: "column-disk_format" }, format ?? "–"),
      h("td", { class: "column-created_at" }, time(image.created_at)),
    )
  }

  #showPager({ number, note, next, first, images }: Page): void {
    const again = first && number > 1 && button("First page", () => this.#begin({ first }))
    const more = next && button("Next page", () => this.#begin({ next }, number + 1))
    const size = select(SIZES, String(asked.size), {
      "aria-label": "Images on a page",
      onchange: () => {
        asked.size = Number(size.value)
        this.#begin()
      },
    })
    const said = note || `Page ${number}, ${counted(images.length, "image")}`
    refill(this.#pager, h("p", { role: "status" }, said), !note && size, again, more)
  }

  #select(id: string, on: boolean): void {
    if (on) this.#selected.add(id)
    else this.#selected.delete(id)
    this.#showBulk()
  }

  #showBulk(): void {
    const count = this.#selected.size
    this.#bulk.hidden = !count
    const { deleteImages, deactivateImages, activateImages } = this.#place.calls
    fill(
      this.#bulk,
      h("strong", { role: "status" }, `${count} selected`),
      button(
        "Delete",
        () => this.#forEach("deleted", (ids) => deleteImages.mutate(ids), true),
        "danger",
      ),
      button("Deactivate", () =>
        this.#forEach("deactivated", (ids) => deactivateImages.mutate(ids)),
      ),
      button("Reactivate", () => this.#forEach("reactivated", (ids) => activateImages.mutate(ids))),
    )
  }

  #dismiss(): void {
    fill(this.#result)
    focusHeading(this.element)
  }

  #forEach(
    done: string,
    work: (input: { imageIds: string[] }) => Promise<BulkOperationResult>,
    ask = false,
  ): Promise<unknown> {
    return attempt(async () => {
      const names = new Map(this.#page.images.map(({ id, name }) => [id, name || id]))
      const imageIds = [...this.#selected]
      const list = h("ul", {}, ...imageIds.map((id) => h("li", {}, names.get(id))))
      const question = `Delete ${counted(imageIds.length, "image")} for good?`
      if (ask && !(await confirmed(question, "Delete", list))) return
      const result = await work({ imageIds })
      this.#selected.clear()
      this.#showBulk()
      fill(this.#result, ...bulkResult(result, done, names, () => this.#dismiss()))
      await this.load()
      const failures = this.#result.querySelector<HTMLElement>("h2")
      if (failures) failures.focus()
      else focusHeading(this.element)
    })
  }
}

function bulkResult(
  { successful, failed }: BulkOperationResult,
  done: string,
  names: Map<string, string>,
  dismiss: () => void,
): HTMLElement[] {
  if (!failed.length) {
    say(`${counted(successful.length, "image")} ${done}.`)
    return []
  }
  const rows = failed.map(({ id, code, message }) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, names.get(id)),
      h("td", { class: "code" }, code),
      h("td", {}, message),
    ),
  )
  return [
    h("h2", { tabindex: "-1" }, `${successful.length} ${done}, ${failed.length} failed`),
    h("table", { class: "failures" }, h("tbody", {}, ...rows)),
    h(
      "div",
      { class: "actions" },
      copyButton(() => failed.map(({ id }) => id).join("\n"), "the ids that failed"),
      button("Dismiss", dismiss, "copy"),
    ),
  ]
}

function filter(): Filter {
  const [, , shown = {}] = SHOWN.find(([value]) => value === asked.shown) ?? []
  return {
    ...shown,
    ...(asked.status && { status: asked.status as NonNullable<Filter["status"]> }),
    sort: asked.sort,
  }
}

async function paged(
  calls: Workplace["calls"],
  link: Pick<ImagesPaginatedInput, "first" | "next">,
  number: number,
): Promise<Page> {
  const wanted = link.first || link.next ? link : { ...filter(), limit: asked.size }
  const { images, first, next } = await calls.listImagesWithPagination.query(wanted)
  return { images, number, note: "", first: first ?? undefined, next: next ?? undefined }
}

/** Glance finds whole names only, so the search looks through all that the filters leave. */
async function found(calls: Workplace["calls"]): Promise<Page> {
  const all = await calls.listImages.query(filter())
  const words = asked.words.toLowerCase().split(/\s+/)
  const images = all.filter((image) => {
    const text = [image.name, image.id, ...(image.tags ?? [])].join(" ").toLowerCase()
    return words.every((word) => text.includes(word))
  })
  const shown = images.length > MOST_FOUND ? `, the first ${MOST_FOUND} are shown` : ""
  return {
    images: images.slice(0, MOST_FOUND),
    number: 1,
    note: `${images.length} of ${counted(all.length, "image")} match${shown}`,
  }
}
