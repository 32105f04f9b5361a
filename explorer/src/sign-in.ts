/** The form that signs in: with a password, and what Keystone asks for besides; or in another way. */

import {
  BffError,
  type Client,
  type CreateUserSessionInput,
  type UserSession,
} from "@polaris-bff/client"

import { button, fill, h, labelled, type Props } from "./dom"
import { wordsOf } from "./notice"

/** What a person is asked for at a time, and what it is sent as. */
interface Step {
  readonly title: string
  readonly lead: string
  readonly fields: readonly HTMLElement[]
  readonly submit: string
  readonly others: readonly HTMLElement[]
  readonly send: () => Promise<UserSession>
}

/** Makes the form; `entered` is given the session that begins. */
export function signInForm(
  client: Client,
  entered: (session: UserSession) => Promise<void>,
): HTMLElement {
  const form = h("form", { class: "card sign-in", onsubmit: submit, autocomplete: "on" })
  const failure = h("div", { role: "alert", class: "failure" })
  const { auth } = client
  let step: Step

  function show(next: Step, problem = ""): void {
    step = next
    fill(failure, problem)
    fill(
      form,
      h("h1", { tabindex: "-1" }, step.title),
      h("p", { class: "lead" }, step.lead),
      ...step.fields,
      failure,
      h(
        "div",
        { class: "actions" },
        h("button", { type: "submit", class: "primary" }, step.submit),
      ),
      h("div", { class: "actions" }, ...step.others),
    )
  }

  /** Shows what comes next, to a person who is at the form. */
  function go(next: Step, problem?: string): void {
    show(next, problem)
    form.querySelector("input")?.focus()
  }

  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    const sent = step
    const sending = form.querySelector<HTMLButtonElement>("[type=submit]")
    fill(failure)
    if (sending) sending.disabled = true
    try {
      await entered(await sent.send())
    } catch (error) {
      if (step === sent) failed(error)
    } finally {
      if (sending) sending.disabled = false
    }
  }

  function failed(error: unknown): void {
    const message = wordsOf(error)
    const { reason, methods = [] } = error instanceof BffError ? error.data : {}
    if (reason === "SECOND_FACTOR_REQUIRED" && methods.includes("totp")) return go(passcodeStep())
    if (reason === "SIGN_IN_EXPIRED") return go(passwordStep(), message)
    fill(failure, message)
    form.querySelector<HTMLInputElement>("[type=password], [inputmode]")?.select()
  }

  function passwordStep(): Step {
    const user = named({ required: true, autocomplete: "username" })
    const password = secret({ autocomplete: "current-password" })
    const domain = named({ value: "Default" })
    const [userId, domainId] = [named(), named()]
    const who = () => ({
      ...(userId.value ? { userId: userId.value } : { user: user.value }),
      ...(domainId.value ? { userDomainId: domainId.value } : { domainName: domain.value }),
    })
    // An id stands in the place of a name.
    userId.addEventListener("input", () => (user.required = !userId.value))
    return {
      title: "Sign in",
      lead: "With your OpenStack account. Your password goes to Keystone; this page keeps nothing.",
      fields: [
        labelled("User", user),
        labelled("Password", password),
        h(
          "details",
          { class: "more" },
          h("summary", {}, "More"),
          labelled("Domain", domain),
          labelled("Domain id", domainId, "Instead of the domain's name."),
          labelled("Account id", userId, "Instead of the name above."),
        ),
      ],
      submit: "Sign in",
      others: [
        orWith(),
        button("Application credential", () => go(credentialStep()), "quiet"),
        button("Token", () => go(tokenStep()), "quiet"),
      ],
      send: () => withPassword(who(), password.value),
    }
  }

  /** Signs in; where the password has expired, asks for another one. */
  async function withPassword(who: CreateUserSessionInput, password: string): Promise<UserSession> {
    try {
      return await auth.createUserSession.mutate({ ...who, password })
    } catch (error) {
      if (error instanceof BffError && error.data.reason === "PASSWORD_EXPIRED")
        go(newPasswordStep(who, password))
      throw error
    }
  }

  function passcodeStep(): Step {
    const passcode = h("input", {
      required: true,
      autocomplete: "one-time-code",
      inputmode: "numeric",
      spellcheck: "false",
    })
    return {
      title: "Second factor",
      lead: "The password is right. Give the passcode that your device shows now.",
      fields: [labelled("Passcode", passcode)],
      submit: "Sign in",
      others: [back("Begin again")],
      send: () => auth.createUserSession.mutate({ passcode: passcode.value.replace(/\s/g, "") }),
    }
  }

  function newPasswordStep(who: CreateUserSessionInput, password: string): Step {
    const wanted = secret({ autocomplete: "new-password" })
    const again = secret({ autocomplete: "new-password" })
    let known = password
    async function send(): Promise<UserSession> {
      if (wanted.value !== again.value) throw new Error("The two new passwords differ.")
      const { user, userId, domainName, userDomainId } = who
      const account = { user, userId, domainName, userDomainId }
      // It may have been changed, and the sign-in have failed.
      if (known !== wanted.value)
        await auth.changePassword.mutate({ ...account, password: known, newPassword: wanted.value })
      known = wanted.value
      return withPassword(who, known)
    }
    return {
      title: "New password",
      lead: "The password is right, but it has expired or must be changed at its first use.",
      fields: [labelled("New password", wanted), labelled("The same again", again)],
      submit: "Change and sign in",
      others: [back("Begin again")],
      send,
    }
  }

  function credentialStep(): Step {
    const id = named({ required: true })
    const key = secret()
    return {
      title: "Sign in",
      lead: "With an application credential. It works in its own project alone.",
      fields: [labelled("Id", id), labelled("Secret", key)],
      submit: "Sign in",
      others: [orWith(), back("Password"), button("Token", () => go(tokenStep()), "quiet")],
      send: () =>
        auth.createUserSession.mutate({
          applicationCredentialId: id.value,
          applicationCredentialSecret: key.value,
        }),
    }
  }

  function tokenStep(): Step {
    const token = secret()
    const other = button("Application credential", () => go(credentialStep()), "quiet")
    return {
      title: "Sign in",
      lead: "With a Keystone token, as a single sign-on brings it. Signing out revokes it.",
      fields: [labelled("Token", token)],
      submit: "Sign in",
      others: [orWith(), back("Password"), other],
      send: () => auth.createUserSession.mutate({ token: token.value.trim() }),
    }
  }

  const back = (text: string) => button(text, () => go(passwordStep()), "quiet")

  show(passwordStep())
  return form
}

const orWith = (): HTMLElement => h("span", { class: "hint" }, "Or with")

const named = (props: Props = {}): HTMLInputElement =>
  h("input", { autocapitalize: "none", spellcheck: "false", ...props })

const secret = (props: Props = {}): HTMLInputElement =>
  h("input", { type: "password", required: true, autocomplete: "off", ...props })
