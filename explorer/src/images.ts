/** The images of a project: a list with pages and search, and beside it the one that was chosen. */

import {
  BffError,
  type BulkOperationResult,
  type ErrorCode,
  type GlanceImage,
  IMAGE_STATUSES,
  type ImagesCount,
  type ImageStatus,
  type SortKey,
  VISIBILITIES,
} from "@polaris-bff/client"

import { ask, place as placeOf } from "./address"
import { toView } from "./close"
import { agreed, confirmed } from "./confirm"
import { newImageView } from "./create"
import {
  asking,
  button,
  byUse,
  type Child,
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
import { isUnsaved } from "./draft"
import { filesButton } from "./drop"
import { imageView } from "./image"
import { attempt, say, troubleView } from "./notice"
import {
  type Filter,
  isShort,
  markerBefore,
  NOTHING,
  type Page,
  type Question,
  readOn,
  sameAgain,
} from "./pages"
import { ended } from "./uploads"
import { isPassing, lookAgain } from "./watching"
import { bytes, counted, state, time } from "./words"
import type { Workplace } from "./workplace"

type Shown = readonly [string, string, Filter]
const OFFERED: Shown = ["offered", "Offered to this project", { offered: "pending" }]
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
const SORT_WORDS: Record<SortKey, readonly [string, string, string]> = {
  created_at: ["Created", "oldest first", "newest first"],
  updated_at: ["Changed", "longest ago first", "latest first"],
  name: ["Name", "A to Z", "Z to A"],
  size: ["Size", "smallest first", "largest first"],
  status: ["State", "A to Z", "Z to A"],
  disk_format: ["Disk format", "A to Z", "Z to A"],
  container_format: ["Container format", "A to Z", "Z to A"],
  id: ["Id", "0 to f", "f to 0"],
}
const SORT_OPTIONS: readonly Option[] = Object.entries(SORT_WORDS).flatMap(
  ([key, [name, up, down]]): Option[] => [
    [`${key}:desc`, `${name}, ${down}`],
    [`${key}:asc`, `${name}, ${up}`],
  ],
)

const INSTEAD: readonly (readonly [SortKey, string, string])[] = [
  ["updated_at", "Changed", "created_at"],
  ["container_format", "Container", "disk_format"],
]

/** What the list asks for, as it stands in the address. */
interface Asked {
  readonly show: string
  readonly status: string
  readonly search: string
  readonly sort: string
  readonly size: string
  /** The image after which the page begins; the first page has none. */
  readonly marker: string
  readonly page: string
}
const USUAL: Asked = {
  show: "",
  status: "",
  search: "",
  sort: "created_at:desc",
  size: "25",
  marker: "",
  page: "1",
}
/** What the list does: it waits for an answer, reads on in parts, or rests. */
type State = "reading" | "looking" | "back" | "left" | "stopped" | "broken" | "done"
const DOING: Partial<Record<State, string>> = {
  looking: "still looking",
  back: "looking for the page before",
}
const EVERYTHING = { show: "", status: "", search: "" }
// More ids than these in one question are too much for what nobody asked for.
const MOST_LOOKED_AT = 100
const FIRST_PAGE = { marker: "", page: "1" }
const FITS: Partial<Record<keyof Asked, (word: string) => boolean>> = {
  show: (word) => SHOWN.some(([value]) => value === word),
  status: (word) => STATES.some(([value]) => value === word),
  sort: (word) => SORT_OPTIONS.some(([value]) => value === word),
  size: (word) => SIZES.some(([value]) => value === word),
  page: (word) => /^[1-9]\d{0,5}$/.test(word),
}

/** The columns: what the images are sorted by is seen, in the place of what is like it. */
const columnsOf = ({ sort }: Asked): (readonly [string, string, string?])[] =>
  COLUMNS.map(
    (column) => INSTEAD.find(([key, , of]) => of === column[0] && sort.startsWith(key)) ?? column,
  )

/** Reads what the address asks for; what no control could say is as if it were not there. */
function askedIn(query: URLSearchParams): Asked {
  const word = (name: keyof Asked): string => {
    const given = query.get(name) ?? ""
    return FITS[name]?.(given) === false ? USUAL[name] : given || USUAL[name]
  }
  return {
    show: word("show"),
    status: word("status"),
    search: word("search"),
    sort: word("sort"),
    size: word("size"),
    marker: word("marker"),
    page: query.get("marker") ? word("page") : "1",
  }
}

/** What of it is not the usual, for the address. */
const unusual = (asked: Asked): Record<string, string> =>
  Object.fromEntries(
    Object.entries(asked).filter(([name, word]) => word !== USUAL[name as keyof Asked]),
  )

/** Makes the view; `chosen` is an image's id, or "new". */
export function imagesView(place: Workplace, chosen: string | undefined): HTMLElement {
  const { id } = place.project
  if (kept?.project !== id) {
    // A page of one project begins after an image that another one may not have.
    if (kept) ask(unusual({ ...askedIn(placeOf().asked), ...FIRST_PAGE }), "replace")
    kept = { project: id, list: new ImageList(place) }
  }
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
  readonly #table = h("div", { class: "rows", "aria-busy": "true" }, asking("empty"))
  readonly #pager = h("nav", { class: "pager", "aria-label": "Pages" })
  readonly #bulk = h("div", { class: "bulk", hidden: true })
  readonly #offers = h(
    "div",
    { class: "actions", hidden: true },
    button("Accept all", () => this.#acceptAll()),
  )
  readonly #result = h("div", { class: "result", role: "status" })
  readonly #lookedAt = h("p", {})
  #page = NOTHING
  #asked = USUAL
  #state: State = "done"
  #trouble: HTMLElement | undefined
  // What is asked ends when something else is.
  #asking = new AbortController()
  #total: { readonly of: string; readonly count: ImagesCount } | undefined
  #counted: string | undefined
  #counting = new AbortController()
  #chosen: string | undefined
  readonly #place: Workplace
  readonly #again = {
    element: this.element,
    isDue: () => this.#state !== "looking" && this.#page.images.some(isPassing),
    look: () => this.#look(),
  }
  readonly #filters = filtersView((change) => this.#ask(change))

  constructor(place: Workplace) {
    this.#place = place
    fill(
      this.element,
      h(
        "div",
        { class: "bar" },
        h("h1", { tabindex: "-1" }, "Images"),
        filesButton(place),
        h("a", { class: "button primary", ...toView("images", "new") }, "New image"),
      ),
      this.#filters.element,
      this.#result,
      this.#offers,
      this.#bulk,
      this.#table,
      this.#pager,
    )
  }

  /** Marks the image that is shown beside the list, and looks at the list again. */
  choose(id: string | undefined): void {
    this.#chosen = id
    lookAgain(this.#again)
    const asked = askedIn(placeOf().asked)
    // What somebody types into the search stays while nothing else is asked for.
    if (String(Object.values(asked)) !== String(Object.values(this.#asked))) {
      this.#take(asked)
      return void this.#read()
    }
    const { images, parts } = this.#page
    if (images.length) this.#show(this.#page)
    if (this.#state === "left") return void this.#read(this.#page)
    // A long search is not made again because somebody opens an image.
    const isAtRest = this.#state === "done" || this.#state === "reading"
    if (isAtRest && (images.length || parts < 2)) void this.#reload()
  }

  /** The filters, to compare. */
  get #words(): string {
    return JSON.stringify(this.#question.filter)
  }

  get #question(): Question {
    const { sort, size, marker } = this.#asked
    return { filter: filterOf(this.#asked), sort, size: Number(size), marker }
  }

  #take(asked: Asked): void {
    this.#asked = asked
    // What is shown until the answer comes is no part of it, and leads to none.
    this.#page = { images: this.#page.images, parts: 0 }
    if (this.#counted !== this.#words) this.#recount()
    this.#filters.write(asked)
    this.#selected.clear()
  }

  /** Asks for another list, which is a step in the history. */
  #ask(change: Partial<Asked>): void {
    this.#take({ ...this.#asked, ...FIRST_PAGE, ...change })
    if (!change.marker) this.#recount()
    ask(unusual(this.#asked), "push")
    void this.#read()
  }

  /** Asks for the page again, because something has changed. */
  load(): Promise<void> {
    this.#recount()
    return this.#reload()
  }

  /** Asks for the page again; of one that took several requests, for what was found alone. */
  async #reload(): Promise<void> {
    const { parts, images } = this.#page
    if (parts < 2 || !images.length) return this.#read()
    const isStopped = this.#state === "stopped"
    const signal = this.#begin("reading")
    try {
      const page = await sameAgain(this.#place.calls, this.#question, this.#page, signal)
      if (signal.aborted) return
      if (!page.images.length) return void this.#read()
      if (isShort(page, this.#question) && !isStopped) return void this.#read(page)
      this.#rest(page)
    } catch (error) {
      if (!signal.aborted) this.#breakOff(error, () => this.#reload())
    }
  }

  /** Reads on until the page is full or the list ends; shows what is there by then. */
  async #read(from = NOTHING): Promise<void> {
    const signal = this.#begin(from.parts ? "looking" : "reading")
    if (from.parts) this.#show(from)
    try {
      for (let page = from; ; page = this.#page) {
        const more = await readOn(this.#place.calls, this.#question, page, signal)
        // A slower answer to an earlier question is not what the list asks for any more.
        if (signal.aborted) return
        if (!isShort(more, this.#question)) return this.#rest(more)
        this.#become("looking")
        if (page.parts && more.images.length === page.images.length) this.#note(more)
        else this.#show(more)
        // Where nobody sees it, it waits.
        if (!this.element.isConnected) return this.#become("left")
      }
    } catch (error) {
      if (signal.aborted) return
      if (this.#state === "reading") this.#fail(error)
      else this.#breakOff(error, () => this.#read(this.#page))
    }
  }

  /** Begins to ask for something, and for nothing else. */
  #begin(state: State): AbortSignal {
    this.#asking.abort()
    this.#asking = new AbortController()
    this.#become(state)
    return this.#asking.signal
  }

  #become(state: State): void {
    this.#state = state
    this.#table.ariaBusy = String(state === "reading")
  }

  /** Shows a page for which nothing more is asked. */
  #rest(page: Page): void {
    this.#become(isShort(page, this.#question) ? "stopped" : "done")
    this.#show(page)
    if (this.#state === "done") void this.#count()
  }

  #stop(): void {
    this.#asking.abort()
    this.#rest(this.#page)
  }

  #recount(): void {
    this.#counting.abort()
    this.#counted = undefined
  }

  /** Asks how many images there are in all, after the page is shown: it may take longer. */
  async #count(): Promise<void> {
    const { images, next, lookedAt } = this.#page
    const of = this.#words
    const isAll = !next && !this.#asked.marker
    // To count what is searched is to search through all.
    if (!isAll && lookedAt !== undefined && this.#counted === of) return
    this.#counting.abort()
    const { signal } = (this.#counting = new AbortController())
    this.#counted = of
    const count = isAll
      ? { count: images.length, complete: true }
      : await this.#place.calls.countImages
          .query(this.#question.filter, { signal })
          .catch(() => undefined)
    if (signal.aborted) return
    if (count) this.#total = { of, count }
    else this.#counted = undefined
    this.#showPager(this.#page)
  }

  /** Says why there is no list: an older one would not be what the filters say. */
  #fail(error: unknown): void {
    this.#become("done")
    this.#recount()
    this.#page = NOTHING
    refill(
      this.#table,
      troubleView(
        "The images could not be listed",
        error,
        button("Try again", () => this.#read()),
        this.#asked.marker && button("First page", () => this.#ask({})),
      ),
    )
    fill(this.#pager)
    this.#bulk.hidden = this.#offers.hidden = true
  }

  /** Says why there is no more of the list; what is there stays. */
  #breakOff(error: unknown, goOn: () => unknown): void {
    this.#become("broken")
    this.#trouble = troubleView(
      "The search broke off",
      error,
      this.#step("Go on", goOn),
      button("Begin again", () => this.#read()),
    )
    this.#show(this.#page)
  }

  /** Says how far a search is that has found nothing more. */
  #note(page: Page): void {
    this.#page = page
    fill(this.#lookedAt, lookedAtOf(page))
  }

  #show(page: Page): void {
    this.#page = page
    for (const id of this.#selected) {
      if (!page.images.some((image) => image.id === id)) this.#selected.delete(id)
    }
    const found = page.images.length ? [this.#rows(page.images)] : this.#empty()
    refill(this.#table, this.#state === "broken" && this.#trouble, ...found)
    this.#offers.hidden = !(this.#asked.show === "offered" && page.images.length)
    this.#showPager(page)
    this.#showBulk()
  }

  /** Says why there is nothing, and what to do. */
  #empty(): Child[] {
    const say = (words: string, ...actions: Child[]): Child[] => [
      h("p", { class: "empty" }, words),
      h("div", { class: "actions empty-actions" }, ...actions),
    ]
    const { marker, show, search, status } = this.#asked
    if (isShort(this.#page, this.#question)) return say("Nothing is found so far.")
    const all = button("Show all", () => this.#ask(EVERYTHING))
    if (marker)
      return say(
        "Nothing is on this page any more.",
        button("First page", () => this.#ask({})),
      )
    if (show === "offered" && !search && !status)
      return say("Nothing is offered to this project. What others share with it stands here.", all)
    if (isNarrowed(this.#asked)) return say("No image is like that.", all)
    return say(
      "There are no images yet.",
      h("a", { class: "button", ...toView("images", "new") }, "Make the first"),
    )
  }

  /** Looks at what is on its way, and at nothing else. */
  async #look(): Promise<boolean> {
    const { signal } = this.#asking
    const passing = this.#page.images.filter(isPassing).slice(0, MOST_LOOKED_AT)
    const ids = passing.map(({ id }) => id)
    const now = await this.#place.calls.listImages.query({ ids })
    if (signal.aborted) return false
    // What is gone, or hidden, makes room for others.
    if (now.length < passing.length) return this.load().then(() => true)
    const byId = new Map(now.map((image) => [image.id, image]))
    const isOther = passing.some((one) => JSON.stringify(one) !== JSON.stringify(byId.get(one.id)))
    const images = this.#page.images.map((image) => byId.get(image.id) ?? image)
    if (isOther) this.#show({ ...this.#page, images })
    return isOther
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
    const heads = columnsOf(this.#asked).map((column) => this.#head(...column))
    return h(
      "table",
      {},
      h("thead", {}, h("tr", {}, h("td", { class: "pick" }, mine.length > 0 && all), ...heads)),
      h("tbody", {}, ...images.map((image) => this.#row(image))),
    )
  }

  #head(key: string, text: string, place = key): HTMLElement {
    if (key === "visibility") return h("th", { scope: "col", class: "column-visibility" }, text)
    const [by, direction] = this.#asked.sort.split(":")
    const other = by === key && direction === "asc" ? "desc" : "asc"
    const sorted = by === key && (direction === "asc" ? "ascending" : "descending")
    const sort = button(text, () => this.#ask({ sort: `${key}:${other}` }), "quiet")
    return h("th", { scope: "col", "aria-sort": sorted, class: `column-${place}` }, sort)
  }

  #row(image: GlanceImage): HTMLElement {
    const { id, name, status, visibility, size, disk_format: format } = image
    const title = name || "(no name)"
    const shownIn = (key: "container_format" | "updated_at") =>
      this.#asked.sort.startsWith(key) ? image[key] : undefined
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
        h("a", { ...toView("images", id), "aria-current": current }, title),
        " ",
        isUnsaved(id) && h("span", { class: "tag" }, "not saved"),
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
      h("td", { class: "column-disk_format" }, shownIn("container_format") ?? format ?? "–"),
      h("td", { class: "column-created_at" }, time(shownIn("updated_at") ?? image.created_at)),
    )
  }

  #showPager(page: Page): void {
    const { images, next } = page
    const { size, marker } = this.#asked
    const number = Number(this.#asked.page)
    const hasMore = isShort(page, this.#question)
    const doing = DOING[this.#state]
    const first = marker && button("First page", () => this.#ask({}))
    const previous = marker && images.length > 0 && this.#step("Previous page", () => this.#back())
    const more =
      next &&
      !hasMore &&
      this.#step("Next page", () => this.#ask({ marker: next, page: String(number + 1) }))
    const going = doing
      ? this.#step("Stop", () => this.#stop())
      : this.#state === "stopped" && this.#step("Go on", () => this.#read(this.#page))
    const sizes: HTMLSelectElement = select(SIZES, size, {
      "aria-label": "Images on a page",
      onchange: () => this.#ask({ size: sizes.value }),
    })
    const total = this.#total?.of === this.#words && this.#total.count
    const share = `${shareOf(images.length, total)}${hasMore ? " so far" : ""}`
    const said = [`Page ${number}`, share, doing].filter(Boolean).join(", ")
    fill(this.#lookedAt, lookedAtOf(page))
    this.#pager.className = doing ? "pager going" : "pager"
    refill(
      this.#pager,
      h("div", {}, h("p", { role: "status" }, said), hasMore && this.#lookedAt),
      going,
      previous,
      more,
      first,
      sizes,
    )
  }

  /** Makes a button for the list that is shown: it does nothing while the answer for another one is awaited. */
  #step(text: string, go: () => unknown): HTMLElement {
    const asked = this.#asked
    return button(text, () => this.#asked === asked && go())
  }

  /** Goes to the page before: Glance has no link to it. */
  #back(): Promise<unknown> {
    return attempt(async () => {
      const [first] = this.#page.images
      const signal = this.#begin("back")
      this.#showPager(this.#page)
      try {
        const { calls } = this.#place
        const marker = first && (await markerBefore(calls, this.#question, first.id, signal))
        const page = Math.max(2, Number(this.#asked.page) - 1)
        // The address is that of another view by now, or of another project.
        if (!this.element.isConnected) return this.#rest(this.#page)
        this.#ask(marker ? { marker, page: String(page) } : {})
      } catch (error) {
        if (signal.aborted) return
        this.#rest(this.#page)
        throw error
      }
    })
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

  /** Accepts all that is offered, on every page. */
  #acceptAll(): Promise<unknown> {
    return attempt(async () => {
      const { calls, project } = this.#place
      const images = await calls.listImages.query(filterOf(this.#asked))
      const names = new Map(images.map(({ id, name }) => [id, name || id]))
      const list = h("ul", {}, ...images.map(({ id }) => h("li", {}, names.get(id))))
      const question = `List ${counted(images.length, "image")} in ${project.name}?`
      if (!(await agreed(question, "Accept all", "primary", list))) return
      const result = await eachOf(images, (imageId) =>
        calls.updateImageMember.mutate({ imageId, memberId: project.id, status: "accepted" }),
      )
      await this.#tell(result, "accepted", names)
    })
  }

  async #tell(
    result: BulkOperationResult,
    done: string,
    names: Map<string, string>,
  ): Promise<void> {
    fill(this.#result, ...bulkResult(result, done, names, () => this.#dismiss()))
    await this.load()
    const failures = this.#result.querySelector<HTMLElement>("h2")
    if (failures) failures.focus()
    else focusHeading(this.element)
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
      await this.#tell(result, done, names)
    })
  }
}

/** Does something to each image; the calls share requests. */
async function eachOf(
  images: readonly GlanceImage[],
  work: (id: string) => Promise<unknown>,
): Promise<BulkOperationResult> {
  const successful: string[] = []
  const failed: BulkOperationResult["failed"] = []
  const one = async (id: string) => {
    try {
      await work(id)
      successful.push(id)
    } catch (error) {
      if (!(error instanceof BffError)) throw error
      const { code, message, data } = error
      // Whoever shows it knows the codes of the client too.
      failed.push({ id, code: code as ErrorCode, message, error: String(data.httpStatus ?? "") })
    }
  }
  await Promise.all(images.map(({ id }) => one(id)))
  return { successful, failed }
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

/** The controls that say which images are wanted; `onAsk` hears of each choice. */
function filtersView(onAsk: (change: Partial<Asked>) => void) {
  const search = h("input", { type: "search", autocomplete: "off", spellcheck: "false" })
  const show = select(
    SHOWN.map(([value, text]) => [value, text]),
    "",
    { onchange: () => given() },
  )
  const status = select(STATES, "", { onchange: () => given() })
  const sort = select(SORT_OPTIONS, "", { onchange: () => given() })
  const clear = button("Clear", all, "quiet", { "aria-label": "Clear search and filters" })
  function all(): void {
    onAsk(EVERYTHING)
    search.focus()
  }
  const given = () =>
    onAsk({
      search: search.value.trim(),
      show: show.value,
      status: status.value,
      sort: sort.value,
    })
  const submit = (event: Event) => {
    event.preventDefault()
    given()
  }
  const element = h(
    "form",
    { class: "filters", role: "search", onsubmit: submit },
    h(
      "div",
      { class: "joined" },
      labelled("Search in name, id and tags", search),
      h("button", { type: "submit" }, "Search"),
    ),
    labelled("Show", show),
    labelled("State", status),
    labelled("Order", sort),
    clear,
  )
  const write = (asked: Asked) => {
    search.value = asked.search
    show.value = asked.show
    status.value = asked.status
    sort.value = asked.sort
    clear.hidden = !isNarrowed(asked)
  }
  write(USUAL)
  return { element, write }
}

/** How many images are shown, and of how many where that is known; of very many, not all are counted. */
function shareOf(shown: number, total: ImagesCount | false): string {
  if (!total) return counted(shown, "image")
  const most = total.complete ? "" : "at least "
  return `${shown} of ${most}${counted(total.count, "image")}`
}

const lookedAtOf = ({ lookedAt }: Page): Child => lookedAt && `${lookedAt} images looked at`

/** Whether images are left out. */
const isNarrowed = ({ search, show, status }: Asked): boolean => !!(search || show || status)

function filterOf({ show, status, search }: Asked): Filter {
  const [, , shown = {}] = SHOWN.find(([value]) => value === show) ?? []
  return {
    ...shown,
    ...(status && { status: status as ImageStatus }),
    ...(search && { search }),
  }
}
