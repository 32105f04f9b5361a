/** The ways out of what is shown beside the list of images. */

import { goTo, place, type View, within } from "./address"
import { h, type Props } from "./dom"

/** Links back to the list: words where the list is hidden, a cross where it stands beside. */
export const closeLinks = (): HTMLElement[] => [
  h("a", { class: "back", ...toView("images") }, "All images"),
  h(
    "a",
    { class: "close button", ...toView("images"), "aria-label": "Close", title: "Close" },
    "✕",
  ),
]

/** What makes a link lead to a view, with what is asked for there at the click. */
export const toView = (...place: readonly [view: View, which?: string]): Props => ({
  href: within(...place),
  onclick: ({ currentTarget }) => (currentTarget as Element).setAttribute("href", within(...place)),
})

/** Closes with Escape, where that key is not for a question, or for a field and what was typed. */
export function closeOnEscape({ key, target, defaultPrevented }: KeyboardEvent): void {
  const [view, which] = place().parts
  if (key !== "Escape" || defaultPrevented || view !== "images" || !which) return
  if (document.querySelector("dialog[open], .new-image[data-begun]")) return
  const isField = target instanceof Element && target.matches("input, select, textarea")
  if (!isField) goTo(within("images"))
}
