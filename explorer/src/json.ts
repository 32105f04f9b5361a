/** JSON for people: the form in which it is edited, and the one in which it is read. */

import { h } from "./dom"

/** Writes a value as it is shown. */
export const written = (value: unknown): string => JSON.stringify(value, null, 2) ?? ""

const TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g
// A colour for each word of a list of thousands of images would take seconds.
const MOST_COLOURED = 200_000

/** A block of JSON, in colours. */
export function jsonBlock(value: unknown, label: string): HTMLElement {
  const text = written(value)
  const block = h("pre", { class: "json", tabindex: "0", role: "region", "aria-label": label })
  if (text.length > MOST_COLOURED) block.textContent = text
  else block.append(...coloured(text))
  return block
}

function* coloured(text: string): Generator<Node | string> {
  let end = 0
  for (const match of text.matchAll(TOKEN)) {
    const [whole, quoted, colon, word] = match
    yield text.slice(end, match.index)
    const kind = colon ? "key" : quoted ? "string" : word ? "word" : "number"
    yield h("span", { class: kind }, quoted ?? whole)
    yield colon ?? ""
    end = match.index + whole.length
  }
  yield text.slice(end)
}
