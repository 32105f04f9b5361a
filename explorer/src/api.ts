/** Calls, made with the TypeScript client. */

import {
  BffError,
  type BffErrorCode,
  type Client,
  createClient,
  UPLOAD_ROUTES,
  type UploadOptions,
  type UserSession,
} from "@polaris-bff/client"
import { secondsLeft, sessionEnd } from "@polaris-bff/client/session"

import { Value } from "./value"

/** The address below which everything is served, with a slash at its end. */
export const BASE = new URL(".", document.baseURI).href

/** The session that the page shows: `null` for nobody's, `undefined` until the server was asked. */
export type Shown = UserSession | null | undefined
export const session = new Value<Shown>(undefined)

/** The last refusal that puts the session in doubt; without its error where a view shows that itself. */
export const doubt = new Value<{ readonly error?: BffError }>({})
const DOUBTS = new Set<BffErrorCode>(["UNAUTHORIZED", "SESSION_CHANGED"])

/** Whether a call was refused for what the session is. */
export const isDoubt = (error: unknown): error is BffError =>
  error instanceof BffError && DOUBTS.has(error.code)

/** Whether the session ends within minutes, or has ended. */
export const ending = new Value<"soon" | "over" | undefined>(undefined)

const SOON_SECONDS = 300
const heard = sessionEnd({
  before: SOON_SECONDS,
  onExpiring: () => ending.set("soon"),
  onEnded: () => ending.set("over"),
})

/** Takes note of how long the session lasts yet; another tab may have begun the next one. */
export function onResponse(response: Response): void {
  if ((secondsLeft(response) ?? 0) > SOON_SECONDS && ending.get()) ending.set(undefined)
  heard(response)
}

const SIGN_IN = "auth.createUserSession"

/** Whether the client sends the file of this procedure through a route of its own. */
export const sendsFile = (name: string): boolean => Object.hasOwn(UPLOAD_ROUTES, name)

export type Kind = "query" | "mutation"
export type Input = Record<string, unknown>

export interface Call {
  readonly name: string
  readonly kind: Kind
  readonly input: Input
}

/** What a call came to. */
export type Outcome = { readonly result: unknown } | { readonly error: unknown }

/** One HTTP request: what its calls came to, in their order, and what is known of the request. */
export interface Exchange {
  readonly outcomes: readonly Outcome[]
  readonly milliseconds: number
  readonly requestId: string | undefined
}

/** Makes calls in one request, for whom and what the page shows. */
export async function send(calls: readonly Call[], options: UploadOptions = {}): Promise<Exchange> {
  let requestId: string | undefined
  const noting: typeof fetch = async (...request) => {
    const response = await fetch(...request)
    requestId = response.headers.get("x-openstack-request-id") ?? undefined
    return response
  }
  const caller = createClient({
    ...connectionOf(session.get()),
    // Whoever signs in shows nothing yet, and has the browser keep a session.
    ...(calls.some(({ name }) => name === SIGN_IN) && { credentials: "same-origin" }),
    // How much of a file was sent is not known of what `fetch` sends.
    ...(!options.onProgress && { fetch: noting }),
    onError: (error) => isDoubt(error) && doubt.set({}),
  })
  const started = performance.now()
  const outcomes = await Promise.all(calls.map((call) => outcome(caller, call, options)))
  return { outcomes, milliseconds: performance.now() - started, requestId }
}

async function outcome(caller: Client, call: Call, options: UploadOptions): Promise<Outcome> {
  try {
    const procedure = call.name.split(".").reduce((node, part) => node[part], caller as any)
    const way = call.kind === "query" ? "query" : "mutate"
    return { result: await procedure[way](withFile(call), options) }
  } catch (error) {
    return { error }
  }
}

/** What stands in JSON in base64 is a file for the client. */
function withFile({ name, input }: Call): Input {
  if (!sendsFile(name) || typeof input.file !== "string") return input
  const bytes = Uint8Array.from(atob(input.file), (letter) => letter.charCodeAt(0))
  return { ...input, file: new Blob([bytes]) }
}

/** Makes a client whose calls are for a session as the page shows it, and are refused in any other. */
export const clientOf = (shown: Shown): Client =>
  createClient({
    ...connectionOf(shown),
    onError: (error) => isDoubt(error) && doubt.set({ error }),
  })

/** A page that shows nobody's session calls as nobody, whatever cookie another tab has set. */
const connectionOf = (shown: Shown) =>
  ({
    url: BASE,
    headers: shown ? claims(shown) : {},
    credentials: shown ? "same-origin" : "omit",
    onResponse,
  }) as const

/** The project goes along, so that each tab may have its own; where there is none, that is said. */
function claims({ user, project, domain }: UserSession): Record<string, string> {
  const whose = { "x-session-user": user.id }
  if (project) return { ...whose, "x-project-id": project.id }
  return { ...whose, "x-session-scope": domain ? `domain:${domain.id}` : "unscoped" }
}

/** An error as it would stand in a JSON-RPC answer, as far as the page knows it. */
export function errorOf(error: unknown): { message: string; data?: unknown } {
  if (error instanceof BffError) return { message: error.message, data: error.data }
  return { message: error instanceof Error ? error.message : String(error) }
}
