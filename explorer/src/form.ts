/** A form from the schemas of a procedure's parameters. */

import type { Input } from "./api"
import { button, fill, h, type Option, prose, select, uniqueId } from "./dom"
import { written } from "./json"
import { isData, isSecret, type Param, type Schema } from "./openrpc"

type Resolve = (schema: Schema) => Schema

/** A control and the value in it; `undefined` is a value that is not given. */
interface Field {
  readonly element: HTMLElement
  /** What a label belongs to; none for a group, which is named as a whole. */
  readonly control?: HTMLElement
  read(): unknown
  write(value: unknown): void
}

/** A form; it changes the one parameter that a person changed, and no other. */
export interface Form {
  readonly element: HTMLElement
  write(input: Input): void
  /** Shows what the server said about parameters. */
  complain(issues: readonly { path: readonly (string | number)[]; message: string }[]): void
}

/** Makes a form; `onChange` hears of each change, with `undefined` for what is not given any more. */
export function createForm(
  params: readonly Param[],
  resolve: Resolve,
  onChange: (name: string, value: unknown) => void,
  isCommon: (name: string) => boolean = () => true,
): Form {
  const rows = params.map((param) => {
    const { name, required } = param
    const schema = {
      ...resolve(param.schema),
      ...(param.description && { description: param.description }),
    }
    const field = fieldOf(schema, resolve, () => onChange(name, field.read()))
    return { name, field, ...row(name, schema, !!required, field) }
  })
  rows.sort((a, b) => rank(a) - rank(b))
  const [short, rest] = [true, false].map((wanted) =>
    rows.filter(({ name, required }) => (required || isCommon(name)) === wanted),
  ) as [typeof rows, typeof rows]
  const more = h(
    "details",
    { class: "more", open: !short.length },
    h("summary", {}, `${short.length ? "More parameters" : "Parameters"} (${rest.length})`),
    grid(rest),
  )
  return {
    element: h("div", { class: "whole" }, short.length > 0 && grid(short), rest.length > 0 && more),
    write: (input) => {
      for (const { name, field } of rows) field.write(input[name])
      // What goes along is seen.
      if (rest.some(({ name }) => input[name] !== undefined)) more.open = true
    },
    complain: (issues) => {
      for (const { name, fault, field } of rows) {
        const said = issues.filter(({ path }) => path[0] === name).map(({ message }) => message)
        fill(fault, said.join("; "))
        field.control?.setAttribute("aria-invalid", String(said.length > 0))
      }
      if (rest.some(({ fault }) => fault.textContent)) more.open = true
    },
  }
}

const grid = (rows: readonly { readonly element: HTMLElement }[]): HTMLElement =>
  h("div", { class: rows.length > 4 ? "form many" : "form" }, ...rows.map(({ element }) => element))

/** What must be given comes first; what every procedure takes comes last. */
const rank = ({ name, required }: { name: string; required: boolean }): number =>
  required ? 0 : name === "project_id" ? 2 : 1

function row(name: string, schema: Schema, required: boolean, { element, control }: Field) {
  const hint = h("p", { class: "hint", id: uniqueId() }, ...prose(hintOf(schema)))
  const fault = h("p", { class: "fault", id: uniqueId() })
  const mark = required && h("span", { class: "required" }, " required")
  const described = { "aria-describedby": `${hint.id} ${fault.id}` }
  const wide = !control || control instanceof HTMLTextAreaElement ? " wide" : ""
  const holder = control
    ? h(
        "div",
        { class: `field${wide}` },
        h("label", { for: control.id }, name, mark),
        element,
        hint,
        fault,
      )
    : h(
        "fieldset",
        { class: "field wide", ...described },
        h("legend", {}, name, mark),
        element,
        hint,
        fault,
      )
  for (const [key, value] of Object.entries(described)) control?.setAttribute(key, value)
  if (required) control?.setAttribute("aria-required", "true")
  return { element: holder, fault, required }
}

function hintOf({ description, default: otherwise, minimum, maximum }: Schema): string {
  const range =
    minimum !== undefined && maximum !== undefined && maximum < 1e6
      ? `${minimum} to ${maximum}.`
      : ""
  const given =
    otherwise === undefined || otherwise === null ? "" : `Default: ${JSON.stringify(otherwise)}.`
  return [description, range, given].filter(Boolean).join(" ")
}

function fieldOf(schema: Schema, resolve: Resolve, changed: () => void): Field {
  const { type, enum: values, items, properties } = schema
  if (values)
    return choice(
      values.map((value) => [String(value), value]),
      changed,
    )
  if (type === "boolean")
    return choice(
      [
        ["true", true],
        ["false", false],
      ],
      changed,
    )
  if (type === "integer" || type === "number") return numeric(changed)
  if (isData(schema)) return data(changed)
  if (type === "string") return text(isSecret(schema), changed)
  if (type === "array" && items) {
    const of = resolve(items)
    if (of.type === "string" && !of.enum) return lines(changed)
    if (of.properties) return list(of, resolve, changed)
  }
  if (type === "object" && properties) return group(schema, resolve, changed)
  return anything(changed)
}

function choice(values: readonly (readonly [string, unknown])[], changed: () => void): Field {
  const options: Option[] = [["", "–"], ...values.map(([word]): Option => [word, word])]
  const control = select(options, "", { id: uniqueId(), onchange: changed })
  return {
    element: control,
    control,
    read: () => values.find(([word]) => word === control.value)?.[1],
    write: (value) => {
      control.value = value === undefined || value === null ? "" : String(value)
    },
  }
}

function numeric(changed: () => void): Field {
  const control = h("input", {
    id: uniqueId(),
    inputmode: "decimal",
    autocomplete: "off",
    oninput: changed,
  })
  return {
    element: control,
    control,
    // What is no number goes along as it is, so that the server says what is wrong with it.
    read: () => (control.value.trim() === "" ? undefined : asNumber(control.value)),
    write: (value) => {
      if (asNumber(control.value) !== value) control.value = shown(value)
    },
  }
}

const asNumber = (word: string): unknown =>
  Number.isFinite(Number(word)) && word.trim() ? Number(word) : word

function text(secret: boolean, changed: () => void): Field {
  const control = h("input", {
    id: uniqueId(),
    type: secret ? "password" : "text",
    autocomplete: "off",
    spellcheck: "false",
    oninput: changed,
  })
  return {
    element: control,
    control,
    read: () => control.value || undefined,
    write: (value) => {
      if (control.value !== shown(value)) control.value = shown(value)
    },
  }
}

/** A file; what is written as base64 beside the form is no file, and goes along as it is. */
function data(changed: () => void): Field {
  let value: unknown
  const control = h("input", {
    id: uniqueId(),
    type: "file",
    onchange: () => {
      value = control.files?.[0]
      changed()
    },
  })
  return {
    element: control,
    control,
    read: () => value,
    write: (given) => {
      value = given
      if (!(given instanceof File)) control.value = ""
    },
  }
}

function lines(changed: () => void): Field {
  const control = h("textarea", {
    id: uniqueId(),
    rows: "2",
    spellcheck: "false",
    placeholder: "one per line",
    oninput: changed,
  })
  const read = () => {
    const given = control.value.split("\n").filter((line) => line !== "")
    return given.length ? given : undefined
  }
  return {
    element: control,
    control,
    read,
    write: (value) => {
      if (written(value) !== written(read())) {
        control.value = Array.isArray(value) ? value.map(shown).join("\n") : shown(value)
      }
    },
  }
}

/** Any JSON; a text that is none is that text. */
function anything(changed: () => void): Field {
  const control = h("input", {
    id: uniqueId(),
    class: "code",
    spellcheck: "false",
    autocomplete: "off",
    placeholder: "text or JSON",
    oninput: changed,
  })
  const read = () => (control.value === "" ? undefined : parsed(control.value))
  return {
    element: control,
    control,
    read,
    write: (value) => {
      if (written(value) !== written(read())) control.value = shown(value)
    },
  }
}

function parsed(word: string): unknown {
  try {
    return JSON.parse(word)
  } catch {
    return word
  }
}

function group(schema: Schema, resolve: Resolve, changed: () => void): Field {
  let value: Input = {}
  const params = Object.entries(schema.properties ?? {}).map(([name, of]): Param => ({
    name,
    required: !!schema.required?.includes(name),
    schema: of,
  }))
  const form = createForm(params, resolve, (name, changedTo) => {
    value = changedBy(value, name, changedTo)
    changed()
  })
  return {
    element: form.element,
    read: () => value,
    write: (given) => {
      value = isInput(given) ? given : {}
      form.write(value)
    },
  }
}

function list(of: Schema, resolve: Resolve, changed: () => void): Field {
  let fields: Field[] = []
  const items = h("ol", { class: "items" })
  const add = button("Add one", () => {
    grow({})
    changed()
    items.lastElementChild?.querySelector<HTMLElement>("input, select, textarea")?.focus()
  })

  function grow(value: unknown): void {
    const field = group(of, resolve, changed)
    const remove = button(
      "Remove",
      () => {
        fields = fields.filter((other) => other !== field)
        item.remove()
        add.focus()
        changed()
      },
      "quiet",
    )
    const item = h("li", {}, field.element, remove)
    field.write(value)
    fields.push(field)
    items.append(item)
  }

  const read = () => (fields.length ? fields.map((field) => field.read()) : undefined)
  return {
    element: h("div", {}, items, add),
    read,
    write: (value) => {
      if (written(value) === written(read())) return
      fields = []
      fill(items)
      if (Array.isArray(value)) value.forEach(grow)
    },
  }
}

/** Whether a value is an object with names. */
export const isInput = (value: unknown): value is Input =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Returns an input with one parameter changed; `undefined` takes it out. */
export function changedBy(input: Input, name: string, value: unknown): Input {
  const { [name]: _, ...others } = input
  if (value === undefined) return others
  return { ...input, [name]: value }
}

const shown = (value: unknown): string =>
  value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value)
