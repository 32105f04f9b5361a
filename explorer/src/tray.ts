/** The batch tray: calls that are collected, and sent as one request. */

import { type Call, type Exchange, type Input, type Outcome, send } from "./api"
import { confirmed, DESTROYS } from "./confirm"
import { button, fill, h, labelled } from "./dom"
import { attempt, say } from "./notice"
import { isInput } from "./form"
import { written } from "./json"
import { outcomeView, exchangeLine } from "./outcome"
import { remember } from "./past"
import { follow } from "./session"
import { standing } from "./standing"
import { Value } from "./value"
import { counted } from "./words"

interface Entry {
  readonly call: Omit<Call, "input">
  readonly isDestructive: boolean
  text: string
  outcome?: Outcome
}

/** The calls in the tray. */
export const entries = new Value<readonly Entry[]>([])
let last: Exchange | undefined

/** Puts a call into the tray. */
export function collect({ name, kind, input }: Call, isDestructive = false): void {
  entries.set([...entries.get(), { call: { name, kind }, isDestructive, text: written(input) }])
  say(`${name} is in the batch, which has ${entries.get().length} now.`)
}

/** Makes the view. */
export function trayView(): HTMLElement {
  const view = h("section", { class: "tray page" })
  let sending = false

  function show(): void {
    const all = entries.get()
    fill(
      view,
      h("h1", { tabindex: "-1" }, "Batch"),
      h(
        "p",
        { class: "lead" },
        all.length
          ? "These calls go out as one request. They run side by side, and each is answered on its own."
          : "Nothing is in the batch. Choose a procedure, fill in its form, and add the call.",
      ),
      h("div", { class: "actions" }, ...actions(all.length)),
      all.length > 0 && standing(),
      h("div", { role: "status" }, sending ? "Calling…" : last && exchangeLine(last)),
      h("ol", { class: "entries" }, ...all.map((entry, index) => entryView(entry, index))),
    )
  }

  function actions(count: number): (HTMLElement | false)[] {
    if (!count)
      return [h("a", { class: "button primary", href: "#/procedures" }, "Choose a procedure")]
    return [
      button(`Send ${counted(count, "call")}`, () => attempt(sendAll), "primary", {
        disabled: sending,
      }),
      button("Empty the batch", clear, "quiet"),
    ]
  }

  async function sendAll(): Promise<void> {
    const calls = entries
      .get()
      .map(({ call, text }, index) => ({ ...call, input: inputOf(text, index) }))
    const destructive = entries.get().filter(({ isDestructive }) => isDestructive)
    if (destructive.length && !(await agreed(calls.length, destructive))) return
    sending = true
    show()
    try {
      last = await send(calls)
      remember(calls, last)
      entries.set(entries.get().map((entry, index) => ({ ...entry, ...outcomeOf(last, index) })))
      await follow(calls, last.outcomes)
    } finally {
      sending = false
      show()
      view.querySelector<HTMLElement>(".actions .primary")?.focus()
    }
  }

  function clear(): void {
    last = undefined
    entries.set([])
    show()
    view.querySelector<HTMLElement>("h1")?.focus()
  }

  function entryView(entry: Entry, index: number): HTMLElement {
    const { name } = entry.call
    const input = h("textarea", {
      class: "code",
      rows: String(Math.min(8, entry.text.split("\n").length)),
      value: entry.text,
      spellcheck: "false",
      oninput: () => void (entry.text = input.value),
    })
    const remove = button(
      "Remove",
      () => {
        entries.set(entries.get().filter((other) => other !== entry))
        show()
        view.querySelector<HTMLElement>("h1")?.focus()
      },
      "quiet",
      { "aria-label": `Remove call ${index + 1}, ${name}` },
    )
    return h(
      "li",
      { class: "card" },
      h("div", { class: "bar" }, h("h2", { class: "code" }, name), remove),
      h(
        "div",
        { class: "columns" },
        labelled("Input", input),
        entry.outcome && outcomeView(entry.outcome, `Answer to call ${index + 1}`),
      ),
    )
  }

  show()
  return view
}

/** What destroys asks first. */
const agreed = (count: number, destructive: readonly Entry[]): Promise<boolean> =>
  confirmed(
    `Send ${counted(count, "call")}?`,
    "Send",
    h("p", {}, DESTROYS),
    ...destructive.flatMap(({ call, text }) => [
      h("h3", { class: "code" }, call.name),
      h("pre", {}, text),
    ]),
  )

function inputOf(text: string, index: number): Input {
  const fault = `The input of call ${index + 1}`
  let value: unknown
  try {
    value = JSON.parse(text || "{}")
  } catch (error) {
    throw new Error(`${fault} is not JSON: ${error instanceof Error ? error.message : error}`)
  }
  if (!isInput(value)) throw new Error(`${fault} is not an object.`)
  return value
}

function outcomeOf(exchange: Exchange | undefined, index: number): { outcome?: Outcome } {
  const outcome = exchange?.outcomes[index]
  return outcome ? { outcome } : {}
}
