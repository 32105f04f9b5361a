/** The page: its top, and the view that the address asks for. */

import { errorOf, type Input, session } from "./api"
import { closeOnEscape } from "./close"
import { button, fill, focusHeading, h } from "./dom"
import { watchDrops } from "./drop"
import { isInput } from "./form"
import { imagesView } from "./images"
import { hush, notices } from "./notice"
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
import { startView } from "./start"
import { entries, trayView } from "./tray"
import { tree } from "./tree"
import { uploadsPlace } from "./uploads"
import { workplaceOf } from "./workplace"

const TABS = [
  ["images", "Images"],
  ["procedures", "Procedures"],
  ["batch", "Batch"],
] as const

const main = h("main", { id: "main" })
const tabs = h("nav", { class: "views", "aria-label": "Views" })
let contract: Contract | Error | undefined

/** The parts of the address behind the #, as ["procedures", "auth.listProjects"]. */
function place(): string[] {
  const parts = (location.hash.split("?")[0] ?? "").split("/").slice(1).map(decoded)
  return TABS.some(([name]) => name === parts[0]) ? parts : ["images"]
}

function inputInAddress(): Input | undefined {
  try {
    const given = new URLSearchParams(location.hash.split("?")[1]).get("input")
    const input: unknown = given && JSON.parse(given)
    return isInput(input) ? input : undefined
  } catch {
    return undefined
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

function showTabs(): void {
  const count = entries.get().length
  const links = TABS.map(([name, text]) =>
    h(
      "a",
      { href: `#/${name}`, "aria-current": place()[0] === name && "page" },
      text,
      name === "batch" && count > 0 && h("span", { class: "count" }, count),
    ),
  )
  fill(tabs, ...links)
}

function view(): HTMLElement {
  const [name, which] = place()
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
  const shown = method
    ? procedureView(method, contract, inputInAddress())
    : startView(contract, name)
  return h("div", { class: method ? "split chosen" : "split" }, tree(contract.methods, name), shown)
}

function failedView(what: string, error: unknown, again: () => unknown): HTMLElement {
  return h(
    "section",
    { class: "page" },
    h("h1", { tabindex: "-1" }, what),
    h("p", { class: "lead", role: "alert" }, errorOf(error).message),
    h("div", { class: "actions" }, button("Try again", again, "primary")),
  )
}

async function readContract(): Promise<void> {
  contract = await load().catch((reason: unknown) =>
    reason instanceof Error ? reason : new Error(String(reason)),
  )
  if (place()[0] === "procedures") show()
}

function show(): void {
  const [name, which] = place()
  document.title = [which, TABS.find(([tab]) => tab === name)?.[1], "polaris-bff"]
    .filter(Boolean)
    .join(" – ")
  showTabs()
  fill(main, view())
}

/** Goes where the address says; whoever uses a keyboard or a screen reader is taken along. */
function go({ oldURL }: HashChangeEvent): void {
  hush()
  show()
  const closed = place()[1] ? undefined : linkTo(new URL(oldURL).hash)
  if (closed) return closed.focus()
  focusHeading(main)
  scrollTo(0, 0)
}

/** The row of the image that was shown beside the list. */
const linkTo = (hash: string): HTMLElement | undefined =>
  [...main.querySelectorAll<HTMLElement>(".rows a")].find(
    (link) => link.getAttribute("href") === hash,
  )

/** Only the images depend on the session; an answer to a call stays where it is. */
function sessionChanged(): void {
  if (place()[0] !== "images") return
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
  fill(document.body, skip, top, notices, main, uploadsPlace)
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
