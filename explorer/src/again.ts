/** Says in time that the session ends, and asks for the password again; the page stays as it is. */

import { createClient, type UserSession } from "@polaris-bff/client"

import { BASE, ending, onResponse, session } from "./api"
import { button, fill, h, labelled, uniqueId } from "./dom"
import { say, wordsOf } from "./notice"

const browser = createClient({ url: BASE, onResponse })

const SAID = {
  soon: "Your session ends in a few minutes.",
  over: "Your session has ended. What is on this page stays.",
}

/** One line at the top of the page while the session is about to end, or has ended. */
export function endBar(): HTMLElement {
  const bar = h("div", { class: "notice bad ending", role: "status" })
  const show = () => {
    const state = ending.get()
    fill(bar, ...(state ? [h("p", {}, SAID[state]), button("Sign in again", ask, "primary")] : []))
  }
  ending.watch(show)
  session.watch((shown) => shown || ending.set(undefined))
  return bar
}

let isOpen = false

/** Asks for the password of whoever the page shows. */
function ask(): void {
  const shown = session.get()
  if (!shown || isOpen) return
  const title = uniqueId()
  const user = h("input", { value: shown.user.name, readOnly: true, autocomplete: "username" })
  const password = h("input", {
    type: "password",
    required: true,
    autocomplete: "current-password",
    autofocus: true,
  })
  const failure = h("div", { role: "alert", class: "failure" })
  const submit = h("button", { type: "submit", class: "primary" }, "Sign in")

  async function signIn(event: Event): Promise<void> {
    event.preventDefault()
    submit.disabled = true
    fill(failure)
    try {
      await begin(shown!, password.value)
      ending.set(undefined)
      dialog.close()
      say("You are signed in again.")
    } catch (error) {
      fill(failure, wordsOf(error))
      password.select()
    } finally {
      submit.disabled = false
    }
  }

  /** For who signs in without a password, or is somebody else. */
  function signInAfresh(): void {
    dialog.close()
    session.set(null)
  }

  const dialog: HTMLDialogElement = h(
    "dialog",
    { "aria-labelledby": title, onclose: close },
    h("h2", { id: title }, "Sign in again"),
    h(
      "form",
      { onsubmit: signIn },
      labelled("As", user),
      labelled("Password", password),
      failure,
      h(
        "div",
        { class: "actions" },
        submit,
        button("Later", () => dialog.close()),
        button("In another way", signInAfresh, "quiet"),
      ),
    ),
  )
  function close(): void {
    isOpen = false
    dialog.remove()
  }
  isOpen = true
  document.body.append(dialog)
  dialog.showModal()
}

/** Begins the next session where the page works. */
async function begin({ user, project, domain }: UserSession, password: string): Promise<void> {
  const domainName = user.domain.name ?? undefined
  const where = project && { projectId: project.id }
  await browser.auth.createUserSession.mutate({ user: user.name, password, domainName, ...where })
  if (domain) await browser.auth.setCurrentScope.mutate({ type: "domain", domainId: domain.id })
}
