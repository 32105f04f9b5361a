/** What stands in the way of calls just now, and what to do about it. */

import { session } from "./api"
import { fill, h } from "./dom"
import { Value } from "./value"

const online = new Value(navigator.onLine)
for (const event of ["online", "offline"])
  addEventListener(event, () => online.set(navigator.onLine))

/** Makes the line that says so; `needsSession` is false where nobody need be signed in. */
export function standing(needsSession = true): HTMLElement {
  const view = h("div", { class: "standing", role: "status" })
  function show(): void {
    const isSignedOut = needsSession && session.get() === null
    fill(
      view,
      !online.get() &&
        h("p", {}, "This device is offline: calls fail until the connection is back."),
      isSignedOut &&
        h("p", {}, "Nobody is signed in, so this will be refused. Sign in at the top of the page."),
    )
  }
  const stops = [online, session].map((value) =>
    (value as Value<unknown>).watch(() => (view.isConnected ? show() : stops.forEach((f) => f()))),
  )
  show()
  return view
}
