/** Elements are made here, from text: there is no way from a server's words to markup. */

export type Child = Node | string | number | false | null | undefined

type Listener<E extends Event> = (event: E) => void

export interface Props {
  class?: string | undefined
  /** Properties rather than attributes: they change while the page is used. */
  value?: string
  checked?: boolean
  disabled?: boolean
  onclick?: Listener<MouseEvent>
  oninput?: Listener<Event>
  onchange?: Listener<Event>
  onkeydown?: Listener<KeyboardEvent>
  onsubmit?: Listener<SubmitEvent>
  ontoggle?: Listener<Event>
  [attribute: string]: unknown
}

const PROPERTIES = new Set(["value", "checked", "disabled"])

/** Makes an element. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag)
  // Before the properties: a select has no value until it has its options.
  append(element, children)
  for (const [name, value] of Object.entries(props)) set(element, name, value)
  return element
}

function set(element: HTMLElement, name: string, value: unknown): void {
  if (value === undefined || value === false) return
  if (typeof value === "function") {
    element.addEventListener(name.slice(2), value as EventListener)
  } else if (PROPERTIES.has(name)) {
    Object.assign(element, { [name]: value })
  } else {
    element.setAttribute(name, value === true ? "" : String(value))
  }
}

function append(element: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (child === false || child === null || child === undefined) continue
    element.append(child instanceof Node ? child : String(child))
  }
}

/** Gives an element other children. */
export function fill(element: Element, ...children: Child[]): void {
  element.replaceChildren()
  append(element, children)
}

/** Text in which names stand between backticks, as in Markdown or in a docstring. */
export function prose(text: string): Child[] {
  return text.split(/(`+[^`]+`+)/).map((part) => {
    const name = /^`+([^`]+)`+$/.exec(part)?.[1]
    return name ? h("code", {}, name) : part
  })
}

/** Puts the focus on the heading of the view that is seen. */
export function focusHeading(within: Element): void {
  const seen = [...within.querySelectorAll<HTMLElement>("h1")].filter((heading) =>
    heading.checkVisibility(),
  )
  seen.at(-1)?.focus()
}

/** Gives an element other children; the focus stays on the control that has the same name. */
export function refill(element: Element, ...children: Child[]): void {
  const focused = element.contains(document.activeElement) && document.activeElement
  fill(element, ...children)
  if (!focused) return
  const controls = [...element.querySelectorAll<HTMLElement>("a, button, input, select")]
  const same = controls.find((control) => nameOf(control) === nameOf(focused))
  const next = same ?? controls[0]
  next?.focus()
}

const nameOf = (control: Element): string | null =>
  control.getAttribute("aria-label") ?? control.textContent

let count = 0

/** An id that no other element has. */
export const uniqueId = (): string => `e${++count}`

export type ButtonKind = "primary" | "plain" | "quiet" | "copy" | "danger"

/** Makes a button that submits nothing. */
export function button(
  text: string,
  onclick: () => unknown,
  kind: ButtonKind = "plain",
  props: Props = {},
): HTMLButtonElement {
  return h("button", { type: "button", class: kind, onclick: () => void onclick(), ...props }, text)
}

/** Makes buttons of which one is pressed. */
export function tabs<Name extends string>(
  names: readonly Name[],
  pressed: Name,
  label: string,
  choose: (name: Name) => void,
): HTMLElement {
  const made = names.map((name) => {
    const pick = () => {
      press(name)
      choose(name)
    }
    return button(name, pick, "quiet")
  })
  function press(name: Name): void {
    for (const each of made) each.setAttribute("aria-pressed", String(each.textContent === name))
  }
  press(pressed)
  return h("div", { class: "tabs", role: "group", "aria-label": label }, ...made)
}

/** Makes a control with its label above it, and a hint below. */
export function labelled(text: string, control: HTMLElement, hint?: Child): HTMLElement {
  control.id ||= uniqueId()
  const label = h("label", { for: control.id }, text)
  if (!hint) return h("div", { class: "field" }, label, control)
  const help = h("p", { class: "hint", id: uniqueId() }, hint)
  control.setAttribute("aria-describedby", help.id)
  return h("div", { class: "field" }, label, control, help)
}

export type Option = readonly [value: string, text: string]

/** Says that an answer is on its way. */
export const asking = (name: string): HTMLElement => h("p", { class: name }, "Asking Glance…")

/** A list's words: these first, then whatever else there is. */
export const byUse = <Word extends string>(
  all: readonly Word[],
  ...first: NoInfer<Word>[]
): readonly Word[] => [...new Set([...first, ...all])]

/** Makes options of words. */
export const optionsOf = (words: readonly string[]): Option[] => words.map((word) => [word, word])

/** Makes a select. */
export function select(
  options: readonly Option[],
  value: string,
  props: Props = {},
): HTMLSelectElement {
  const choices = options.map(([of, text]) => h("option", { value: of }, text))
  return h("select", { ...props, value }, ...choices)
}

/** Makes a button that copies a text and says so. */
export function copyButton(text: () => string, what: string): HTMLButtonElement {
  const label = "Copy"
  const made = button(label, copy, "copy", { "aria-label": `Copy ${what}` })
  async function copy(): Promise<void> {
    const done = await navigator.clipboard.writeText(text()).then(
      () => "Copied",
      () => "Not allowed",
    )
    made.textContent = done
    made.setAttribute("aria-label", `${done}: ${what}`)
    setTimeout(() => {
      made.textContent = label
      made.setAttribute("aria-label", `Copy ${what}`)
    }, 2000)
  }
  return made
}
