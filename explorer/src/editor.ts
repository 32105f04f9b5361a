/** The input as JSON, kept in step with the form. Secrets are in it as dots, and stay what they were. */

import type { Input } from "./api"
import { fill, h, labelled, uniqueId } from "./dom"
import { isInput } from "./form"
import { written } from "./json"

const DOTS = "••••••••"

export interface Editor {
  readonly element: HTMLElement
  write(input: Input): void
}

/** Makes an editor; `onChange` hears of each input that is whole, and `undefined` while it is not. */
export function createEditor(
  secrets: ReadonlySet<string>,
  onChange: (input: Input | undefined) => void,
): Editor {
  let last: Input = {}
  const fault = h("p", { class: "fault", id: uniqueId() })
  const area = h("textarea", {
    class: "code",
    rows: "3",
    spellcheck: "false",
    autocomplete: "off",
    autocapitalize: "off",
    oninput: edited,
  })

  function edited(): void {
    fit()
    try {
      last = unmasked(parsed(area.value), last, secrets)
      complain("")
      onChange(last)
    } catch (error) {
      complain(error instanceof Error ? error.message : String(error))
      onChange(undefined)
    }
  }

  function complain(why: string): void {
    fill(fault, why)
    area.setAttribute("aria-invalid", String(why !== ""))
  }

  function fit(): void {
    area.rows = Math.min(16, Math.max(3, area.value.split("\n").length))
  }

  const element = labelled("Input as JSON", area)
  area.setAttribute("aria-describedby", fault.id)
  element.append(fault)
  return {
    element,
    write: (input) => {
      last = input
      area.value = written(masked(input, secrets))
      complain("")
      fit()
    },
  }
}

function parsed(text: string): Input {
  if (text.trim() === "") return {}
  const value: unknown = JSON.parse(text)
  if (!isInput(value)) throw new Error("The input is an object: { … }")
  return value
}

/** Returns an input with dots for its secrets, and names for its files. */
export function masked(input: Input, secrets: ReadonlySet<string>): Input {
  return mapped(input, (name, value) => stand(name, value, secrets))
}

/** What is shown of a value: no secret, and of a file that it is one. */
function stand(name: string, value: unknown, secrets: ReadonlySet<string>): unknown {
  if (secrets.has(name)) return DOTS
  return value instanceof File ? `${value.name}, in base64` : value
}

function unmasked(edited: Input, last: Input, secrets: ReadonlySet<string>): Input {
  return mapped(edited, (name, value) => {
    const { [name]: before } = last
    return before !== undefined && value === stand(name, before, secrets) ? before : value
  })
}

function mapped(input: Input, change: (name: string, value: unknown) => unknown): Input {
  return Object.fromEntries(
    Object.entries(input).map(([name, value]) => [name, change(name, value)]),
  )
}
