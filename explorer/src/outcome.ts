/** What a call came to, for people. */

import { BffError } from "@polaris-bff/client"

import { errorOf, type Exchange, type Outcome } from "./api"
import { type Child, copyButton, fill, h, tabs } from "./dom"
import { jsonBlock, written } from "./json"
import { tableOf } from "./table"
import { took } from "./words"

// How answers are looked at; it stays while the page is open.
let form: "Text" | "Table" = "Text"

/** How long a request took, and the id under which the server logged it. */
export function exchangeLine({ outcomes, milliseconds, requestId }: Exchange): HTMLElement {
  const isAnswered = outcomes.some((each) => "result" in each || isRefusal(each.error))
  const how = isAnswered ? "Answered in" : "No answer after"
  return h(
    "p",
    { class: "exchange" },
    h("span", {}, `${how} ${took(milliseconds)}`),
    requestId && h("span", { class: "code request-id" }, requestId),
    requestId && copyButton(() => requestId, "the request id"),
  )
}

/** The answer or the error of a call. */
export function outcomeView(outcome: Outcome, label: string): HTMLElement {
  if ("result" in outcome) return resultView(outcome.result, label)
  const { message, data } = errorOf(outcome.error)
  return h(
    "div",
    { class: "outcome bad" },
    mark(codeOf(data) ?? "Error"),
    h("p", { class: "message" }, message),
    adviceOn(codeOf(data)),
    data !== undefined && jsonBlock(data, `${label}: the error's data`),
  )
}

function resultView(result: unknown, label: string): HTMLElement {
  const holder = h("div", {})
  const table = tableOf(result)
  function show(): void {
    if (!table || form === "Text") return fill(holder, jsonBlock(result, label))
    fill(
      holder,
      h("div", { class: "rows", tabindex: "0", role: "region", "aria-label": label }, table),
    )
  }
  const choice =
    table &&
    tabs(["Text", "Table"], form, "Show it as", (chosen) => {
      form = chosen
      show()
    })
  show()
  const copy = copyButton(() => written(result), "the answer")
  return h("div", { class: "outcome good" }, mark("Result", choice, copy), holder)
}

/** Whether the server itself said no. */
const isRefusal = (error: unknown): boolean =>
  error instanceof BffError && error.code !== "NETWORK_ERROR"

const mark = (text: string, ...beside: Child[]): HTMLElement =>
  h("div", { class: "bar" }, h("strong", { class: "mark" }, text), ...beside)

/** What to do about an error, where its message does not say it. */
function adviceOn(code: string | undefined): HTMLElement | false {
  if (code === "UNAUTHORIZED") return h("p", {}, "Sign in at the top of the page, then call again.")
  if (code === "PRECONDITION_FAILED") return h("p", {}, "Choose a project at the top of the page.")
  if (code !== "NETWORK_ERROR") return false
  const why = navigator.onLine ? "The server cannot be reached." : "This device is offline."
  return h("p", {}, `${why} Call again when it is back; the input stays.`)
}

function codeOf(data: unknown): string | undefined {
  return (data as { code?: string } | undefined)?.code
}
