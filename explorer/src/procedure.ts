/** One procedure: what it does, a form to call it, and its answer. */

import { BffError, type UploadProgress } from "@polaris-bff/client"

import { inputAsked, keepInput } from "./address"
import { type Call, type Exchange, type Input, send } from "./api"
import { confirmed, DESTROYS } from "./confirm"
import { button, fill, h, prose } from "./dom"
import { createEditor, masked } from "./editor"
import { changedBy, createForm } from "./form"
import {
  type Contract,
  errorsOf,
  exampleOf,
  type Failure,
  isData,
  isForNobody,
  isSecret,
  type Method,
  resolver,
  type Schema,
} from "./openrpc"
import { written } from "./json"
import { attempt } from "./notice"
import { exchangeLine, outcomeView } from "./outcome"
import { lastCalls, remember } from "./past"
import { follow } from "./session"
import { createSnippets } from "./snippets"
import { standing } from "./standing"
import { collect } from "./tray"
import { kindMark } from "./tree"
import { asUpload } from "./uploads"
import { bytes } from "./words"

// What was filled in stays while the page is open; a form with a secret begins anew.
const inputs = new Map<string, Input>()

/** Makes the view of a procedure, filled in as the address says. */
export function procedureView(method: Method, contract: Contract): HTMLElement {
  const resolve = resolver(contract)
  const named = (is: (schema: Schema) => boolean): ReadonlySet<string> =>
    new Set(method.params.filter(({ schema }) => is(resolve(schema))).map(({ name }) => name))
  const secrets = named(isSecret)
  const data = named(isData)
  // Neither is kept, or sent to others.
  const hidden = new Set([...secrets, ...data])
  const example = exampleOf(method)
  let input: Input = {}
  let isWhole = true
  let giveUp: AbortController | undefined

  const form = createForm(
    method.params,
    resolve,
    (name, value) => take(changedBy(input, name, value), "form"),
    (name) => example !== undefined && name in example,
  )
  const editor = createEditor(secrets, (edited) => {
    isWhole = edited !== undefined
    ready()
    if (edited) take(edited, "editor")
  })
  const snippets = createSnippets()
  // Read out is that there is an answer, not the whole of it.
  const heard = h("div", { role: "status" })
  const answer = h("div", { class: "answer" })
  const call = h("button", { type: "submit", class: "primary" }, "Call")
  const add = button("Add to batch", () => collect(callOf(input), method["x-destructive"]))
  const fillIn = example && button("Fill in the example", () => take(example))
  const reset = button("Clear", () => take({}), "quiet")

  const callOf = (given: Input): Call => ({
    name: method.name,
    kind: method["x-kind"],
    input: given,
  })

  const shareable = (given: Input): Input =>
    Object.fromEntries(Object.entries(given).filter(([name]) => !hidden.has(name)))

  function ready(): void {
    call.disabled = !isWhole || !!giveUp
    add.disabled = !isWhole
  }

  function take(changed: Input, from?: "form" | "editor"): void {
    input = changed
    if (!secrets.size) inputs.set(method.name, input)
    if (from !== "form") form.write(input)
    if (from !== "editor") editor.write(input)
    snippets.write(callOf(masked(input, secrets)))
    keepInput(input, hidden)
  }

  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    if (call.disabled || !(await agreed())) return
    giveUp = new AbortController()
    ready()
    try {
      await show(await sent(giveUp))
    } finally {
      giveUp = undefined
      ready()
    }
  }

  /** What destroys asks first. */
  async function agreed(): Promise<boolean> {
    if (!method["x-destructive"]) return true
    return confirmed(
      `Call ${method.name}?`,
      "Call it",
      h("p", {}, DESTROYS),
      h("pre", {}, written(masked(input, secrets))),
    )
  }

  function sent(giveUp: AbortController): Promise<Exchange> {
    // Read out once, not at each step.
    const far = h("span", { "aria-live": "off" }, "Calling…")
    fill(heard, h("p", { class: "exchange" }, far, stopButton(giveUp)))
    const { signal } = giveUp
    const file = Object.values(input).find((value) => value instanceof File)
    if (!file) return send([callOf(input)], { signal })
    const onProgress = ({ sent }: UploadProgress) =>
      fill(far, `Calling… ${bytes(sent)} of ${bytes(file.size)} sent`)
    return asUpload(send([callOf(input)], { signal, onProgress }))
  }

  async function show(exchange: Exchange): Promise<void> {
    const [outcome] = exchange.outcomes
    if (!outcome) return
    const error = "error" in outcome ? outcome.error : undefined
    form.complain(error instanceof BffError ? error.issues : [])
    remember([callOf(shareable(input))], exchange)
    fill(heard, exchangeLine(exchange))
    fill(answer, outcomeView(outcome, "The answer"))
    heard.scrollIntoView({ block: "nearest" })
    await attempt(() => follow([callOf(input)], exchange.outcomes))
  }

  const holder: HTMLFormElement = h(
    "form",
    { class: "columns", novalidate: true, onsubmit: submit, autocomplete: "off" },
    h(
      "div",
      { class: "card" },
      method.params.length ? form.element : h("p", { class: "hint" }, "It takes no parameters."),
    ),
    h(
      "div",
      { class: "beside" },
      h(
        "div",
        { class: "card" },
        editor.element,
        // A password is not for a tray, and who signs in in a batch is not signed in within it.
        h("div", { class: "actions" }, call, !hidden.size && add, fillIn, reset),
        !isForNobody(method, contract) && standing(),
      ),
      h("div", { class: "answered" }, heard, answer),
      snippets.element,
      errorTable(errorsOf(method, contract)),
      lastCalls(),
    ),
  )
  holder.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) holder.requestSubmit()
  })
  const given = inputAsked()
  take(given ? shareable(given) : (inputs.get(method.name) ?? {}))
  return h("article", { class: "procedure" }, heading(method), holder)
}

function stopButton(giveUp: AbortController): HTMLElement {
  const why = new Error("The call was stopped. What it had begun may have been done all the same.")
  return button("Stop", () => giveUp.abort(why), "copy", { "aria-label": "Stop the call" })
}

function heading(method: Method): HTMLElement {
  const { name, summary, description } = method
  const parts = name.split(".")
  const last = parts.pop()
  return h(
    "header",
    {},
    h("a", { class: "back", href: "#/procedures" }, "All procedures"),
    h(
      "h1",
      { tabindex: "-1", class: "code" },
      h("span", { class: "namespace" }, `${parts.join(".")}.`),
      h("wbr"),
      last,
      " ",
      kindMark(method),
    ),
    ...paragraphs(description || summary || ""),
  )
}

const paragraphs = (text: string): HTMLElement[] =>
  text.split(/\n\s*\n/).map((paragraph) => h("p", { class: "lead" }, ...prose(paragraph)))

function errorTable(errors: readonly Failure[]): HTMLElement | false {
  if (!errors.length) return false
  const rows = errors.map(({ message, data, code }) =>
    h(
      "tr",
      {},
      h("th", { scope: "row", class: "code" }, data?.map((kind) => kind.code).join(", ") ?? code),
      h("td", {}, ...prose(message)),
    ),
  )
  return h(
    "details",
    { class: "errors" },
    h("summary", {}, `Errors it documents (${errors.length})`),
    h("table", {}, h("tbody", {}, ...rows)),
  )
}
