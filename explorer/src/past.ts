/** The last calls that were made on this page; they are kept as long as it is open, without secrets. */

import type { Call, Exchange } from "./api"
import { errorOf } from "./api"
import { button, fill, h } from "./dom"
import { addressOfCall } from "./tree"
import { Value } from "./value"
import { took } from "./words"

const MOST_KEPT = 20
const LONGEST_SHOWN = 120

interface Made {
  readonly call: Call
  readonly came: string
  readonly isGood: boolean
  readonly milliseconds: number
  readonly at: Date
}

const made = new Value<readonly Made[]>([])

/** Notes what calls came to; their inputs must hold no secret. */
export function remember(calls: readonly Call[], { outcomes, milliseconds }: Exchange): void {
  const at = new Date()
  const those = calls.map((call, index): Made => {
    const outcome = outcomes[index]
    const error = outcome && "error" in outcome ? errorOf(outcome.error) : undefined
    const code = (error?.data as { code?: string } | undefined)?.code ?? error?.message
    return { call, came: code ?? "Result", isGood: !error, milliseconds, at }
  })
  made.set([...those.reverse(), ...made.get()].slice(0, MOST_KEPT))
}

/** Makes the list of the last calls, the newest first. */
export function lastCalls(open = false): HTMLElement {
  const view = h("details", { class: "past", open })
  function show(): void {
    const all = made.get()
    fill(
      view,
      h("summary", {}, `Last calls (${all.length})`),
      h("ol", {}, ...all.map(madeView)),
      all.length
        ? button("Forget them", forget, "quiet")
        : h(
            "p",
            { class: "hint" },
            "What is called on this page is listed here until it is closed.",
          ),
    )
  }
  function forget(): void {
    made.set([])
    view.querySelector("summary")?.focus()
  }
  const stop = made.watch(() => (view.isConnected ? show() : stop()))
  show()
  return view
}

function madeView({ call, came, isGood, milliseconds, at }: Made): HTMLElement {
  const { name, input } = call
  const given = JSON.stringify(input)
  return h(
    "li",
    {},
    h("a", { class: "code", href: addressOfCall(name, input) }, name),
    given !== "{}" && h("span", { class: "code" }, given.slice(0, LONGEST_SHOWN)),
    h(
      "span",
      { class: "hint" },
      h("span", { class: `state ${isGood ? "good" : "bad"}` }, came),
      ` ${took(milliseconds)}, ${at.toLocaleTimeString()}`,
    ),
  )
}
