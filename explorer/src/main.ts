/** The page: its top, and the view that the address asks for. */

import { note, place, type View } from "./address"
import { endBar } from "./again"
import { session } from "./api"
import { closeOnEscape, toView } from "./close"
import { button, fill, focusHeading, h } from "./dom"
import { isUnsaved } from "./draft"
import { watchDrops } from "./drop"
import { imagesView } from "./images"
import { hush, notices, say, troubleView } from "./notice"
import { type Contract, load } from "./openrpc"
import { procedureView } from "./procedure"
import {
  chooseView,
  restore,
  sayWhetherAfresh,
  sessionBar,
  signInView,
  watchReturns,
} from "./session"
import { offlineBar } from "./standing"
import { startView } from "./start"
import { entries, trayView } from "./tray"
import { tree } from "./tree"
import { uploadsPlace } from "./uploads"
import { workplaceOf } from "./workplace"

const TABS = [
  ["images", "Images"],
  ["procedures", "Procedures"],
  ["batch", "Batch"],
] as const satisfies readonly (readonly [View, string])[]

const main = h("main", { id: "main" })
const tabs = h("nav", { class: "views", "aria-label": "Views" })
let contract: Contract | Error | undefined

function showTabs(): void {
  const count = entries.get().length
  const links = TABS.map(([name, text]) =>
    h(
      "a",
      { ...toView(name), "aria-current": place().parts[0] === name && "page" },
      text,
      name === "batch" && count > 0 && h("span", { class: "count" }, count),
    ),
  )
  fill(tabs, ...links)
}

function view(): HTMLElement {
  const [name, which] = place().parts
  if (name === "procedures") return proceduresView(which)
  if (name === "batch") return trayView()
  const current = session.get()
  if (current === undefined) return askingView()
  if (!current) return signInView()
  const workplace = workplaceOf(current)
  return workplace ? imagesView(workplace, which) : chooseView()
}

let unanswered: unknown

function askingView(): HTMLElement {
  return unanswered
    ? failedView("The server could not be asked who is signed in", unanswered, ask)
    : h("p", { class: "page" }, "Asking the server who is signed in…")
}

/** Asks who is signed in. */
async function ask(): Promise<void> {
  unanswered = undefined
  sessionChanged()
  try {
    await restore()
    sayWhetherAfresh()
  } catch (error) {
    unanswered = error
    sessionChanged()
  }
}

function proceduresView(name: string | undefined): HTMLElement {
  if (!contract) return h("p", { class: "page" }, "Reading openrpc.json…")
  if (contract instanceof Error)
    return failedView("The procedures could not be read", contract, readContract)
  const method = contract.methods.find((known) => known.name === name)
  const shown = method ? procedureView(method, contract) : startView(contract, name)
  return h("div", { class: method ? "split chosen" : "split" }, tree(contract.methods, name), shown)
}

function failedView(what: string, error: unknown, again: () => unknown): HTMLElement {
  return h(
    "section",
    { class: "page" },
    h("h1", { tabindex: "-1" }, what),
    troubleView("", error, button("Try again", again, "primary")),
  )
}

async function readContract(): Promise<void> {
  contract = await load().catch((reason: unknown) =>
    reason instanceof Error ? reason : new Error(String(reason)),
  )
  if (place().parts[0] === "procedures") show()
}

function show(): void {
  const [name, which] = place().parts
  document.title = [which, TABS.find(([tab]) => tab === name)?.[1], "polaris-bff"]
    .filter(Boolean)
    .join(" – ")
  note()
  showTabs()
  fill(main, view())
}

const KEPT = "What you changed of the image is not saved. It stays with it while this page is open."

/** Goes where the address says; whoever uses a keyboard or a screen reader is taken along. */
function go({ oldURL }: HashChangeEvent): void {
  const before = place(new URL(oldURL).hash).parts
  const focused = document.activeElement
  hush()
  show()
  if (isUnsaved(before[1]) && before[1] !== place().parts[1]) say(KEPT)
  if (String(before) === String(place().parts)) return stay(focused)
  const closed = place().parts[1] ? undefined : linkTo(before)
  if (closed) return closed.focus()
  focusHeading(main)
  scrollTo(0, 0)
}

/** What is asked for in the view is another thing: the focus stays, where what had it is still there. */
function stay(focused: Element | null): void {
  if (focused instanceof HTMLElement && focused.isConnected) focused.focus()
  else focusHeading(main)
}

/** The row of the image that was shown beside the list. */
const linkTo = (shown: readonly string[]): HTMLElement | undefined =>
  [...main.querySelectorAll<HTMLAnchorElement>(".rows a")].find(
    ({ hash }) => String(place(hash).parts) === String(shown),
  )

/** Only the images depend on the session; an answer to a call stays where it is. */
function sessionChanged(): void {
  if (place().parts[0] !== "images") return
  const focused = main.contains(document.activeElement)
  show()
  if (focused) focusHeading(main)
}

function start(): void {
  const skip = button("Skip to the content", () => focusHeading(main), "primary", {
    "data-skip": true,
  })
  const brand = h(
    "a",
    { class: "brand", href: "#/images" },
    h("span", { class: "star", "aria-hidden": "true" }),
    "polaris-bff",
  )
  const top = h("header", { class: "top" }, brand, tabs, sessionBar())
  const warnings = h("div", { class: "notices" }, endBar(), offlineBar())
  fill(document.body, skip, top, warnings, notices, main, uploadsPlace)
  addEventListener("hashchange", go)
  addEventListener("keydown", closeOnEscape)
  entries.watch(showTabs)
  session.watch(sessionChanged)
  show()
  watchReturns()
  watchDrops()
  void ask()
  void readContract()
}

start()
