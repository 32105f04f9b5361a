/** An answer as a table: a row for each of many, a line for each thing known of one. */

import { byUse, h } from "./dom"
import { isInput } from "./form"

// More of them would take seconds to draw; the text has them all.
const MOST_ROWS = 200
const FIRST = ["id", "name", "status"]

type Row = Record<string, unknown>

/** Makes a table of an answer; none of what is neither an object nor a list of objects. */
export function tableOf(value: unknown): HTMLElement | undefined {
  if (isRows(value)) return columns(value)
  return isInput(value) && Object.keys(value).length ? lines(value) : undefined
}

const isRows = (value: unknown): value is Row[] =>
  Array.isArray(value) && value.length > 0 && value.every(isInput)

function columns(all: readonly Row[]): HTMLElement {
  const rows = all.slice(0, MOST_ROWS)
  const names = inOrder(rows.flatMap(Object.keys))
  const heads = names.map((name) => h("th", { scope: "col" }, name))
  const note = `The first ${MOST_ROWS} of ${all.length}; the text has all.`
  return h(
    "div",
    {},
    all.length > MOST_ROWS && h("p", { class: "hint" }, note),
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, ...heads)),
      h(
        "tbody",
        {},
        ...rows.map((row) => h("tr", {}, ...names.map((name) => h("td", {}, cell(row[name]))))),
      ),
    ),
  )
}

function lines(value: Row): HTMLElement {
  const rows = inOrder(Object.keys(value)).map((name) => {
    const part = value[name]
    return h(
      "tr",
      {},
      h("th", { scope: "row", class: "code" }, name),
      h("td", {}, (isRows(part) && columns(part)) || cell(part)),
    )
  })
  return h("table", { class: "lines" }, h("tbody", {}, ...rows))
}

/** Each name once; what tells one thing from another stands before the properties of a site's own. */
const inOrder = (names: readonly string[]): readonly string[] =>
  byUse(names, ...FIRST.filter((name) => names.includes(name)))

function cell(value: unknown): string {
  if (value === null || value === undefined) return "–"
  if (typeof value === "string") return value
  const isList = Array.isArray(value) && !value.some((part) => typeof part === "object")
  return isList ? value.join(", ") : JSON.stringify(value)
}
