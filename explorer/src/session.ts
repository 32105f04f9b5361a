/** Who is signed in, and where they work. Nothing of it is stored: the cookie is the session. */

import { BffError, createClient, type Project, type UserSession } from "@polaris-bff/client"

import {
  BASE,
  type Call,
  clientOf,
  doubt,
  ending,
  onResponse,
  type Outcome,
  session,
  type Shown,
} from "./api"
import { confirmed } from "./confirm"
import { button, fill, h, labelled, type Option } from "./dom"
import { anyUnsaved, drafts } from "./draft"
import { attempt, chooser, complain, hush, say } from "./notice"
import { signInForm } from "./sign-in"
import { stopUploads, uploadsUnderWay } from "./uploads"
import { Value } from "./value"
import { counted } from "./words"

const projects = new Value<readonly Project[]>([])

/** The projects of whoever is signed in. */
export const myProjects = (): readonly Project[] => projects.get()

/** A project's name, with its domain where another project has the same name. */
export function titleOf({ name, domainName, domainId }: Project): string {
  const hasTwin = projects.get().filter((project) => project.name === name).length > 1
  return hasTwin ? `${name} (${domainName ?? domainId ?? "domain unknown"})` : name
}

// Asks for the session of the browser, whatever the page shows.
const browser = createClient({ url: BASE, onResponse })

/** Shows the session that the browser has. */
export async function restore(): Promise<void> {
  await enter(await current())
}

async function current(): Promise<UserSession | null> {
  try {
    return await browser.auth.getCurrentUserSession.query()
  } catch (error) {
    if (!(error instanceof BffError && error.code === "FORBIDDEN")) throw error
    // The role in the session's project was taken away; there may be others to choose.
    return browser.auth.setCurrentScope.mutate({ type: "unscoped" })
  }
}

/** Shows what the calls changed that a person made. */
export async function follow(calls: readonly Call[], outcomes: readonly Outcome[]): Promise<void> {
  const changed = calls.some(
    ({ name, kind }, index) =>
      name.startsWith("auth.") && kind === "mutation" && "result" in (outcomes[index] ?? {}),
  )
  if (changed) await restore()
}

/**
 * Looks whether the browser's session is still the one that the page shows: tabs share the cookie.
 *
 * A project that the page shows stays, since its calls name it; returns whether all is as it was.
 */
async function check(): Promise<boolean> {
  const shown = session.get()
  const found = await browser.auth.getCurrentUserSession.query()
  if (session.get() !== shown) return false
  if (isShown(found, shown)) return true
  // It ended in its time, and nobody signed out elsewhere: who works here is asked for the password,
  // and loses nothing.
  if (shown && !found && ending.get() === "over") return false
  if (shown && !found) say("Your session has ended. Sign in again.")
  if (shown && found) say("This session was moved to another project in another tab.")
  await enter(found)
  return false
}

function isShown(found: UserSession | null, shown: Shown): boolean {
  if (!found || !shown) return found === shown
  const isSame = found.user.id === shown.user.id
  if (shown.project) return isSame
  return isSame && !found.project && found.domain?.id === shown.domain?.id
}

doubt.watch(async ({ error }) => {
  const shown = session.get()
  const stands = await check().catch(() => true)
  // What is refused late, of a session that has ended since, has been said already.
  if (stands && error && shown) complain(error)
})

/** Checks the session whenever a person comes back to the page. */
export function watchReturns(): void {
  let looking = false
  async function look(): Promise<void> {
    if (looking || session.get() === undefined || document.visibilityState !== "visible") return
    looking = true
    // Who cannot ask now is told so by their next call.
    await check().catch(() => {})
    looking = false
  }
  addEventListener("focus", look)
  addEventListener("pageshow", look)
  document.addEventListener("visibilitychange", look)
}

let lastUser: string | undefined

async function enter(found: UserSession | null): Promise<void> {
  if (!found) return session.set(null)
  // What the page still knows is not for another person.
  if (lastUser && lastUser !== found.user.id) return startAfresh({ wasAnothers: true })
  lastUser = found.user.id
  const { auth } = clientOf(found)
  projects.set(await auth.listProjects.query())
  const only = projects.get().length === 1 && projects.get()[0]
  if (found.project || found.domain || !only) session.set(found)
  else session.set(await auth.setCurrentScope.mutate({ type: "project", projectId: only.id }))
}

/** Works in a project from now on. */
async function work(projectId: string): Promise<void> {
  const { auth } = clientOf(session.get())
  session.set(await auth.setCurrentScope.mutate({ type: "project", projectId }))
}

/** Loads the page anew, so that nothing is left of what was seen and filled in. */
function startAfresh(state: { readonly wasAnothers: boolean } | null): void {
  stopUploads()
  // Else the browser would ask whether to stay, on a page that is nobody's any more.
  drafts.clear()
  document.body.replaceChildren()
  // The one thing that outlives the page, and nobody's: whether there is something to say.
  history.replaceState(state, "", BASE)
  location.reload()
}

/** Says that what another person had open is gone, when the page has just started afresh for that. */
export function sayWhetherAfresh(): void {
  if (!history.state?.wasAnothers) return
  history.replaceState(null, "")
  const name = session.get()?.user.name
  const gone = "What somebody else had open on this page was closed."
  say(name ? `${name} is signed in with this browser now. ${gone}` : gone)
}

async function signOut(): Promise<void> {
  const count = uploadsUnderWay()
  const lost = [
    count && `Stop ${counted(count, "upload")}`,
    anyUnsaved() && "Drop what is not saved",
  ].filter(Boolean)
  const question = `${lost.join(". ")} and sign out?`
  if (lost.length && !(await confirmed(question, "Sign out"))) return
  stopUploads()
  await clientOf(session.get()).auth.terminateUserSession.mutate()
  startAfresh(null)
}

const NOT_KEPT =
  "The password is right, but this browser did not keep the session: it takes the cookie over HTTPS, or on localhost."

/** The form that signs in. */
export const signInView = (): HTMLElement =>
  signInForm(browser, async (made) => {
    if (!(await browser.auth.getCurrentUserSession.query())) throw new Error(NOT_KEPT)
    await enter(made)
    hush()
  })

// More than one looks through at a glance.
const MANY = 10

/** The choice of a project, for a session that has none. */
export function chooseView(): HTMLElement {
  const choices = projects.get().map((project) => {
    const { id, name, description, domainName } = project
    const choice = h(
      "li",
      {},
      button(titleOf(project), () => attempt(() => work(id))),
      description && h("p", { class: "hint" }, description),
    )
    const text = [name, id, description, domainName].join("\n").toLowerCase()
    return { choice, text }
  })
  const none = h("p", { class: "lead", role: "status" })
  const words = h("input", { type: "search", spellcheck: "false", oninput: narrow })
  function narrow(): void {
    const part = words.value.trim().toLowerCase()
    for (const { choice, text } of choices) choice.hidden = !text.includes(part)
    fill(
      none,
      choices.every(({ choice }) => choice.hidden) && "None of your projects is like that.",
    )
  }
  return h(
    "section",
    { class: "card" },
    h("h1", { tabindex: "-1" }, "Choose a project"),
    choices.length
      ? h("p", { class: "lead" }, "You can change it at any time, at the top of the page.")
      : h(
          "p",
          { class: "lead" },
          "You have no role in any project. Ask whoever runs this cloud for one.",
        ),
    choices.length > MANY && labelled("Find by name, domain or id", words),
    none,
    h("ul", { class: "choices" }, ...choices.map(({ choice }) => choice)),
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
  const options: Option[] = projects.get().map((each) => [each.id, titleOf(each)])
  if (!project) options.unshift(["", "no project"])
  const go = async (projectId: string) => {
    if (projectId) await work(projectId)
  }
  const chosen = chooser(options, project?.id ?? "", go, "Project")
  return [
    chosen,
    h("span", { class: "who", title: `Domain ${user.domain.name ?? user.domain.id}` }, user.name),
    button("Sign out", () => attempt(signOut), "quiet"),
  ]
}
