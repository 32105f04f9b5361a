/** One procedure: what it does, a form to call it, and its answer. */

import { BffError } from "@polaris-bff/client"

import { type Call, type Input, send } from "./api"
import { button, fill, h, prose } from "./dom"
import { createEditor, masked } from "./editor"
import { changedBy, createForm } from "./form"
import {
  type Contract,
  errorsOf,
  exampleOf,
  type Failure,
  isSecret,
  type Method,
  resolver,
} from "./openrpc"
import { attempt } from "./notice"
import { exchangeLine, outcomeView } from "./outcome"
import { follow } from "./session"
import { createSnippets } from "./snippets"
import { collect } from "./tray"
import { kindMark } from "./tree"

// What was filled in stays while the page is open; a form with a secret begins anew.
const inputs = new Map<string, Input>()

/** Makes the view of a procedure. */
export function procedureView(method: Method, contract: Contract): HTMLElement {
  const resolve = resolver(contract)
  const secrets = new Set(
    method.params.filter(({ schema }) => isSecret(resolve(schema))).map(({ name }) => name),
  )
  const example = exampleOf(method)
  let input: Input = inputs.get(method.name) ?? {}
  let isWhole = true

  const form = createForm(method.params, resolve, (name, value) =>
    take(changedBy(input, name, value), "form"),
  )
  const editor = createEditor(secrets, (edited) => {
    isWhole = edited !== undefined
    for (const action of [call, add]) action.disabled = !isWhole
    if (edited) take(edited, "editor")
  })
  const snippets = createSnippets()
  // Read out is that there is an answer, not the whole of it.
  const heard = h("div", { role: "status" })
  const answer = h("div", { class: "answer" })
  const call = h("button", { type: "submit", class: "primary" }, "Call")
  const add = button("Add to batch", () => collect(callOf(input)))
  const fillIn = example && button("Fill in the example", () => take(example))
  const reset = button("Clear", () => take({}), "quiet")

  const callOf = (given: Input): Call => ({
    name: method.name,
    kind: method["x-kind"],
    input: given,
  })

  function take(changed: Input, from?: "form" | "editor"): void {
    input = changed
    if (!secrets.size) inputs.set(method.name, input)
    if (from !== "form") form.write(input)
    if (from !== "editor") editor.write(input)
    snippets.write(callOf(masked(input, secrets)))
  }

  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    if (call.disabled) return
    call.disabled = true
    try {
      const calls = [callOf(input)]
      const exchange = await send(calls)
      const [outcome] = exchange.outcomes
      if (!outcome) return
      const error = "error" in outcome ? outcome.error : undefined
      form.complain(error instanceof BffError ? error.issues : [])
      fill(heard, exchangeLine(exchange))
      fill(answer, outcomeView(outcome, "The answer"))
      heard.scrollIntoView({ block: "nearest" })
      await attempt(() => follow(calls, exchange.outcomes))
    } finally {
      call.disabled = !isWhole
    }
  }

  take(input)
  const holder = h(
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
        h("div", { class: "actions" }, call, !secrets.size && add, fillIn, reset),
      ),
      h("div", { class: "answered" }, heard, answer),
      snippets.element,
      errorTable(errorsOf(method, contract)),
    ),
  )
  holder.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) holder.requestSubmit()
  })
  return h("article", { class: "procedure" }, heading(method), holder)
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
