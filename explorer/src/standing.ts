/** What stands in the way of calls just now, and what to do about it. */

import { session } from "./api"
import { fill, h } from "./dom"

const OFFLINE =
  "This device is offline: calls fail until the connection is back. What is on this page stays."
const NOBODY = "Nobody is signed in, so this will be refused. Sign in at the top of the page."

const line = (): HTMLElement => h("div", { class: "standing", role: "status" })

/** Makes the line that says, above every view, that the device is offline. */
export function offlineBar(): HTMLElement {
  const view = line()
  const show = () => fill(view, !navigator.onLine && h("p", {}, OFFLINE))
  for (const event of ["online", "offline"]) addEventListener(event, show)
  show()
  return view
}

/** Makes the line that says that nobody is signed in, for what nobody may do. */
export function standing(): HTMLElement {
  const view = line()
  const show = () => fill(view, session.get() === null && h("p", {}, NOBODY))
  const stop = session.watch(() => (view.isConnected ? show() : stop()))
  show()
  return view
}
