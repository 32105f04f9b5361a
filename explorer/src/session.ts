/** Who is signed in, and where they work. Nothing of it is stored: the cookie is the session. */

import type { Project, UserSession } from "@polaris-bff/client"

import { BASE, client, unauthorized } from "./api"
import { button, fill, h, labelled, type Option, select } from "./dom"
import { attempt, hush, say } from "./notice"
import { Value } from "./value"

/** The session; `undefined` until the server was asked. */
export const session = new Value<UserSession | null | undefined>(undefined)
const projects = new Value<readonly Project[]>([])

/** The projects of whoever is signed in. */
export const myProjects = (): readonly Project[] => projects.get()

/** Asks the server who is signed in. */
export async function restore(): Promise<void> {
  await enter(await client.auth.getCurrentUserSession.query())
}

unauthorized.watch(() => {
  if (!session.get()) return
  say("Your session has ended. Sign in again.")
  session.set(null)
})

let lastUser: string | undefined

async function enter(found: UserSession | null): Promise<void> {
  if (!found) return session.set(null)
  // What the page still knows is not for another person.
  if (lastUser && lastUser !== found.user.id) return location.reload()
  lastUser = found.user.id
  projects.set(await client.auth.listProjects.query())
  const only = projects.get().length === 1 && projects.get()[0]
  if (found.project || found.domain || !only) session.set(found)
  else await work(only.id)
}

/** Works in a project from now on. */
async function work(projectId: string): Promise<void> {
  session.set(await client.auth.setCurrentScope.mutate({ type: "project", projectId }))
}

async function signOut(): Promise<void> {
  await client.auth.terminateUserSession.mutate()
  // Begins anew, so that nothing is left of what was seen and filled in.
  history.replaceState(null, "", BASE)
  location.reload()
}

const NOT_KEPT =
  "The password is right, but this browser did not keep the session: it takes the cookie over HTTPS, or on localhost."

/** The form that signs in. */
export function signInView(): HTMLElement {
  const user = h("input", {
    required: true,
    autocomplete: "username",
    autocapitalize: "none",
    spellcheck: "false",
  })
  const password = h("input", {
    type: "password",
    required: true,
    autocomplete: "current-password",
  })
  const domain = h("input", { required: true, value: "Default", spellcheck: "false" })
  const submit = h("button", { type: "submit", class: "primary" }, "Sign in")
  const failure = h("div", { role: "alert", class: "failure" })

  async function signIn(event: Event): Promise<void> {
    event.preventDefault()
    submit.disabled = true
    fill(failure)
    const given = { user: user.value, password: password.value, domainName: domain.value }
    try {
      const made = await client.auth.createUserSession.mutate(given)
      if (!(await client.auth.getCurrentUserSession.query())) throw new Error(NOT_KEPT)
      await enter(made)
      hush()
    } catch (error) {
      fill(failure, error instanceof Error ? error.message : String(error))
      password.select()
    } finally {
      submit.disabled = false
    }
  }

  return h(
    "form",
    { class: "card sign-in", onsubmit: signIn, autocomplete: "on" },
    h("h1", { tabindex: "-1" }, "Sign in"),
    h(
      "p",
      { class: "lead" },
      "With your OpenStack account. Your password goes to Keystone; this page keeps nothing.",
    ),
    labelled("User", user),
    labelled("Password", password),
    labelled("Domain", domain),
    failure,
    h("div", { class: "actions" }, submit),
  )
}

/** The choice of a project, for a session that has none. */
export function chooseView(): HTMLElement {
  const choices = projects.get().map(({ id, name, description }) =>
    h(
      "li",
      {},
      button(name, () => attempt(() => work(id))),
      description && h("p", { class: "hint" }, description),
    ),
  )
  return h(
    "section",
    { class: "card" },
    h("h1", { tabindex: "-1" }, "Choose a project"),
    projects.get().length
      ? h("p", { class: "lead" }, "You can change it at any time, at the top of the page.")
      : h(
          "p",
          { class: "lead" },
          "You have no role in any project. Ask whoever runs this cloud for one.",
        ),
    h("ul", { class: "choices" }, ...choices),
  )
}

/** Who is signed in and where, for the top of the page. */
export function sessionBar(): HTMLElement {
  const bar = h("div", { class: "session" })
  const show = () => {
    const focused = bar.contains(document.activeElement)
    fill(bar, ...parts(session.get()))
    if (focused) bar.querySelector<HTMLElement>("select, a")?.focus()
  }
  session.watch(show)
  show()
  return bar
}

function parts(current: UserSession | null | undefined): HTMLElement[] {
  if (current === undefined) return []
  if (!current) return [h("a", { href: "#/images", class: "button" }, "Sign in")]
  const { user, project } = current
  const options: Option[] = projects.get().map(({ id, name }) => [id, name])
  if (!project) options.unshift(["", "no project"])
  const chosen = select(options, project?.id ?? "", {
    "aria-label": "Project",
    onchange: () => attempt(() => (chosen.value ? work(chosen.value) : Promise.resolve())),
  })
  return [
    chosen,
    h("span", { class: "who", title: `Domain ${user.domain.name ?? user.domain.id}` }, user.name),
    button("Sign out", () => attempt(signOut), "quiet"),
  ]
}
