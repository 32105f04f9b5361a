/** What a call came to, for people. */

import { errorOf, type Exchange, type Outcome } from "./api"
import { copyButton, h } from "./dom"
import { jsonBlock, written } from "./json"

/** How long a request took, and the id under which the server logged it. */
export function exchangeLine({ milliseconds, requestId }: Exchange): HTMLElement {
  const took =
    milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(2)} s`
  return h(
    "p",
    { class: "exchange" },
    h("span", {}, `Answered in ${took}`),
    requestId && h("span", { class: "code request-id" }, requestId),
    requestId && copyButton(() => requestId, "the request id"),
  )
}

/** The answer or the error of a call. */
export function outcomeView(outcome: Outcome, label: string): HTMLElement {
  if ("result" in outcome) {
    const copy = copyButton(() => written(outcome.result), "the answer")
    return h(
      "div",
      { class: "outcome good" },
      mark("Result", copy),
      jsonBlock(outcome.result, label),
    )
  }
  const { message, data } = errorOf(outcome.error)
  return h(
    "div",
    { class: "outcome bad" },
    mark(codeOf(data) ?? "Error"),
    h("p", { class: "message" }, message),
    data !== undefined && jsonBlock(data, `${label}: the error's data`),
  )
}

const mark = (text: string, copy?: HTMLElement): HTMLElement =>
  h("div", { class: "bar" }, h("strong", { class: "mark" }, text), copy)

function codeOf(data: unknown): string | undefined {
  return (data as { code?: string } | undefined)?.code
}
