/** The queue of uploads, which goes on whichever view is open, and the bar that shows it. */

import { BffError, type CreateImageInput } from "@polaris-bff/client"

import { isDoubt, session } from "./api"
import { toView } from "./close"
import { button, fill, focusHeading, h, refill } from "./dom"
import { complain, say } from "./notice"
import { Pace } from "./pace"
import { Value } from "./value"
import { bytes, counted, span } from "./words"
import type { Workplace } from "./workplace"

// A browser keeps six connections to a host, and an upload takes two: its data, and its progress.
const MOST_AT_ONCE = 2
const MILLISECONDS_BETWEEN_LOOKS = 1000

type State = "waiting" | "going" | "done" | "failed"

/** What an upload is for. */
interface Target {
  readonly place: Workplace
  readonly imageId: string
  readonly name: string
  /** Metadata of an image that is to be made first. */
  readonly metadata?: CreateImageInput
}

let queue: readonly Upload[] = []
// Whatever broke the connection, or ended the session, would fail all that wait as well.
let isHeld = false

/** How often an upload has changed an image; who shows images looks at them again. */
export const ended = new Value(0)

/** Whether data of an image is on its way, or waits for its turn. */
export const isRunning = (imageId: string): boolean =>
  unfinished().some((upload) => upload.target.imageId === imageId)

/** How many uploads are under way or wait for their turn. */
export const uploadsUnderWay = (): number => unfinished().length + calls.size

const calls = new Set<Promise<unknown>>()

/** Counts a call that sends a file as an upload until it has ended. */
export async function asUpload<T>(call: Promise<T>): Promise<T> {
  calls.add(call)
  try {
    return await call
  } finally {
    calls.delete(call)
  }
}

const inState = (state: State): readonly Upload[] =>
  queue.filter((upload) => upload.state === state)

const unfinished = (): readonly Upload[] => [...inState("going"), ...inState("waiting")]

/** Stops every upload; nothing asks any more whether the page may be left. */
export function stopUploads(): void {
  const all = queue
  queue = []
  calls.clear()
  for (const upload of all) upload.stop()
}

/** Sends a file as the data of an image; it stays in its project, whatever the page shows later. */
export function upload(place: Workplace, imageId: string, name: string, file: File): void {
  enqueue(new Upload({ place, imageId, name }, file))
}

/** Makes an image of a file when its turn has come. */
export function uploadNew(place: Workplace, metadata: CreateImageInput, file: File): void {
  // With an id of its own, so that an image whose answer was lost is not made a second time.
  const imageId = crypto.randomUUID()
  const name = metadata.name || imageId
  enqueue(new Upload({ place, imageId, name, metadata: { ...metadata, id: imageId } }, file))
}

function enqueue(added: Upload): void {
  // What an earlier attempt came to is of no interest any more.
  const { imageId } = added.target
  const isOld = ({ target, state }: Upload): boolean =>
    target.imageId === imageId && (state === "done" || state === "failed")
  queue = [...queue.filter((upload) => !isOld(upload)), added]
  goOn()
}

function goOn(): void {
  isHeld = false
  begin()
}

function begin(): void {
  const free = isHeld ? 0 : MOST_AT_ONCE - inState("going").length
  for (const next of inState("waiting").slice(0, Math.max(0, free))) void next.run().then(begin)
  show()
}

class Upload {
  state: State = "waiting"
  sent = 0
  readonly target: Target
  readonly file: File
  readonly element = h("li", { class: "upload" })
  readonly #bar: HTMLProgressElement
  readonly #words = h("p", { class: "hint" })
  readonly #actions = h("div", { class: "actions" })
  #pace = new Pace()
  #giveUp = new AbortController()
  #stored = 0
  #fault = ""
  // What was done by an attempt whose answer was lost is found done by the next one.
  #isRetry = false

  constructor(target: Target, file: File) {
    this.target = target
    this.file = file
    const max = String(file.size || 1)
    this.#bar = h("progress", { max, value: "0", "aria-label": `Upload of ${target.name}` })
    fill(this.element, this.#title(), this.#bar, this.#words)
    this.become("waiting")
  }

  /** Bytes in a second; nothing while that is not known. */
  get rate(): number | undefined {
    return this.state === "going" ? this.#pace.perSecond() : undefined
  }

  /** Makes the image if there is none yet, and sends the file. It never rejects. */
  async run(): Promise<void> {
    const { name } = this.target
    const { signal } = this.#giveUp
    this.become("going")
    try {
      await this.#make(signal)
      await this.#send(signal)
      this.become("done")
      say(`${name} has its data, and is active.`)
    } catch (error) {
      if (signal.aborted) this.#stopped()
      else await this.#fail(error)
    }
    ended.set(ended.get() + 1)
  }

  /** Stops it, and takes it out of the queue. */
  stop(): void {
    this.#giveUp.abort()
    if (this.state === "waiting") this.#stopped()
  }

  /** Has it wait for its turn once more. */
  again(): void {
    this.#isRetry = true
    this.#pace = new Pace()
    this.#progress({ sent: 0, stored: 0 })
    this.become("waiting")
    goOn()
  }

  /** Shows another state, and what can be done in it. */
  become(state: State): void {
    this.state = state
    this.element.dataset.state = state
    this.#bar.hidden = state === "done"
    refill(this.#actions, ...this.#offers())
    this.show()
  }

  /** Says how far it is. */
  show(): void {
    this.#bar.value = this.sent
    this.#words.textContent = this.#said()
  }

  #title(): HTMLElement {
    const { name, imageId, place } = this.target
    return h(
      "div",
      { class: "bar" },
      h(
        "span",
        {},
        h("a", toView("images", imageId), name),
        h("span", { class: "hint" }, ` in ${place.project.name}`),
      ),
      this.#actions,
    )
  }

  #offers(): HTMLElement[] {
    const { name } = this.target
    const offer = (text: string, what: string, work: () => void) =>
      button(text, work, "copy", { "aria-label": `${what} ${name}` })
    const stop = offer("Stop", "Stop the upload of", () => this.stop())
    const again = offer("Try again", "Try again to upload", () => this.again())
    const dismiss = offer("Dismiss", "Dismiss the upload of", () => forget([this]))
    if (this.state === "failed") return [again, dismiss]
    return this.state === "done" ? [dismiss] : [stop]
  }

  #said(): string {
    const { size } = this.file
    if (this.state === "waiting") return `${bytes(size)}, waits for its turn`
    if (this.state === "failed") return this.#fault
    if (this.state === "done") return `${bytes(size)}, active`
    const percent = Math.floor((this.sent / (size || 1)) * 100)
    const far = `${percent} % – ${bytes(this.sent)} of ${bytes(size)} sent, ${bytes(this.#stored)} stored`
    if (this.sent >= size) return `${far}; Glance has not said yet that it has all`
    return [far, speed(this.rate, size - this.sent)].filter(Boolean).join(", ")
  }

  #progress({ sent, stored }: { readonly sent: number; readonly stored: number }): void {
    this.sent = sent
    this.#stored = stored
    this.#pace.mark(sent)
    this.show()
    showSum()
  }

  async #make(signal: AbortSignal): Promise<void> {
    const { place, metadata } = this.target
    if (!metadata) return
    try {
      await place.calls.createImage.mutate(metadata, { signal })
      ended.set(ended.get() + 1)
    } catch (error) {
      if (!(this.#isRetry && codeOf(error) === "CONFLICT")) throw error
    }
  }

  async #send(signal: AbortSignal): Promise<void> {
    const { place, imageId } = this.target
    const onProgress = this.#progress.bind(this)
    try {
      await place.calls.uploadImage.mutate({ imageId, file: this.file }, { signal, onProgress })
    } catch (error) {
      if (!(this.#isRetry && codeOf(error) === "CONFLICT" && (await this.#isStored()))) throw error
    }
  }

  async #isStored(): Promise<boolean> {
    const { place, imageId } = this.target
    const { status, size } = await place.calls.getImageById.query({ imageId })
    return status === "active" && size === this.file.size
  }

  async #fail(error: unknown): Promise<void> {
    isHeld = isDoubt(error) || codeOf(error) === "NETWORK_ERROR"
    this.#fault = await faultOf(error, this.file)
    // Stopped all at once, as at the end of a session, there is nothing to say of one.
    if (!queue.includes(this)) return
    this.become("failed")
    if (!isDoubt(error)) complain(new Error(`${this.target.name}: ${this.#fault}`))
  }

  #stopped(): void {
    if (!queue.includes(this)) return
    const begun = this.state === "going"
    forget([this])
    say(
      this.target.metadata && !begun
        ? `${this.target.name} was not begun; no image was made.`
        : `The upload of ${this.target.name} was stopped. The image is still queued.`,
    )
  }
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof BffError ? error.code : undefined

/** Why an upload failed, and what to do. */
async function faultOf(error: unknown, file: File): Promise<string> {
  if (isDoubt(error))
    return "The session in which it began has ended. Sign in again as the same user, then try again."
  if (codeOf(error) !== "NETWORK_ERROR")
    return error instanceof Error ? error.message : String(error)
  const isReadable = await file
    .slice(0, 1)
    .arrayBuffer()
    .then(
      () => true,
      () => false,
    )
  if (!isReadable) return "The file was moved, changed or deleted. Choose it again."
  const why = navigator.onLine ? "The connection broke off." : "This device is offline."
  return `${why} Try again when the server can be reached.`
}

function speed(rate: number | undefined, left: number): string {
  if (rate === undefined) return ""
  return rate > 0
    ? `${bytes(rate)}/s, ${span(left / rate)} left`
    : "nothing goes through at the moment"
}

/** Takes uploads out of the queue; whoever uses a keyboard stays beside. */
function forget(gone: readonly Upload[]): void {
  const focused = uploadsPlace.contains(document.activeElement)
  queue = queue.filter((upload) => !gone.includes(upload))
  begin()
  if (!focused) return
  if (queue.length) sum.focus()
  else focusHeading(document.body)
}

const sum = h("summary", {})
const list = h("ol", {})
const all = h("div", { class: "actions" })
/** Where uploads are seen: at the foot of the window, in every view. */
export const uploadsPlace = h(
  "section",
  { class: "uploads", "aria-label": "Uploads", hidden: true },
  h("details", { open: true }, sum, list, all),
)

let timer: number | undefined

function show(): void {
  uploadsPlace.hidden = !queue.length
  const shown = queue.map(({ element }) => element)
  for (const item of list.querySelectorAll("li")) if (!shown.includes(item)) item.remove()
  // What is there already stays in its place: it may have the focus.
  list.append(...shown.filter((item) => !list.contains(item)))
  refill(all, ...forAll())
  showSum()
  clearInterval(timer)
  if (inState("going").length) timer = setInterval(look, MILLISECONDS_BETWEEN_LOOKS)
}

/** Says how fast it goes, also where nothing comes. */
function look(): void {
  for (const upload of inState("going")) upload.show()
  showSum()
}

function forAll(): (HTMLElement | false)[] {
  const failed = inState("failed")
  const waits = isHeld && inState("waiting").length > 0
  const over = [...inState("done"), ...failed]
  return [
    waits && button("Go on with those that wait", () => kept(goOn)),
    failed.length > 1 && button("Try all again", () => kept(() => failed.forEach(tryAgain))),
    over.length > 1 && button("Dismiss what has ended", () => forget(over), "quiet"),
  ]
}

const tryAgain = (upload: Upload): void => upload.again()

/** Does what takes away the button that asked for it. */
function kept(work: () => void): void {
  work()
  sum.focus()
}

function showSum(): void {
  const going = inState("going")
  const parts = (["going", "waiting", "done", "failed"] as const).flatMap((state) => {
    const { length } = inState(state)
    return length ? `${length} ${state}` : []
  })
  const left = unfinished().reduce((sum, { file, sent }) => sum + file.size - sent, 0)
  const rates = going.flatMap(({ rate }) => rate ?? [])
  const rate = rates.length ? rates.reduce((sum, rate) => sum + rate, 0) : undefined
  const pace = left > 0 ? speed(rate, left) : ""
  sum.textContent = [`${counted(queue.length, "upload")}: ${parts.join(", ")}`, pace]
    .filter(Boolean)
    .join(" – ")
}

addEventListener("online", goOn)
session.watch((shown) => shown && goOn())
addEventListener("beforeunload", (event) => {
  if (uploadsUnderWay()) event.preventDefault()
})
