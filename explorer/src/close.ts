/** The ways out of what is shown beside the list of images. */

import { h } from "./dom"

const LIST = "#/images"

/** Links back to the list: words where the list is hidden, a cross where it stands beside. */
export const closeLinks = (): HTMLElement[] => [
  h("a", { class: "back", href: LIST }, "All images"),
  h("a", { class: "close button", href: LIST, "aria-label": "Close", title: "Close" }, "✕"),
]

/** Closes with Escape, where that key is not for a question, or for a field and what was typed. */
export function closeOnEscape({ key, target, defaultPrevented }: KeyboardEvent): void {
  if (key !== "Escape" || defaultPrevented || !location.hash.startsWith(`${LIST}/`)) return
  if (document.querySelector("dialog[open], .new-image[data-begun]")) return
  const isField = target instanceof Element && target.matches("input, select, textarea")
  if (!isField) location.hash = LIST
}
