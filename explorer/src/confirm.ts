/** Asks before something is done. */

import { button, type ButtonKind, type Child, h, uniqueId } from "./dom"

/** Why a procedure is asked about before it is called. */
export const DESTROYS = "It takes away what nothing gives back, or what others may be using."

/** Returns whether the person said yes. */
export const confirmed = (question: string, yes: string, ...details: Child[]): Promise<boolean> =>
  agreed(question, yes, "danger", ...details)

/** Returns whether the person said yes to what can be undone. */
export function agreed(
  question: string,
  yes: string,
  kind: ButtonKind,
  ...details: Child[]
): Promise<boolean> {
  const id = uniqueId()
  const dialog: HTMLDialogElement = h(
    "dialog",
    { "aria-labelledby": id },
    h("h2", { id }, question),
    h("div", { class: "details" }, ...details),
    h(
      "div",
      { class: "actions" },
      button(yes, () => dialog.close("yes"), kind),
      button("Cancel", () => dialog.close("no"), "plain", { autofocus: true }),
    ),
  )
  document.body.append(dialog)
  dialog.showModal()
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove()
      resolve(dialog.returnValue === "yes")
    })
  })
}
