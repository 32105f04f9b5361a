import { type BffError, foreign, type Refusal, refused, unreachable } from "./error.js"

/** Where the BFF is, and how requests to it are made. */
export interface ConnectionOptions {
  /** The BFF's address: `/polaris-bff`, or a whole URL. An `/rpc` at its end is left out. */
  url: string
  /** Sent with each request, as `{ "x-auth-token": … }`; a function is asked before each one. */
  headers?: HeadersInit | (() => HeadersInit | Promise<HeadersInit>) | undefined
  /**
   * The session that the page shows, asked at each call: the server refuses a call that would run in another
   * one, as SESSION_CHANGED. `undefined` leaves that unsaid.
   */
  session?: (() => ExpectedSession | null | undefined) | undefined
  /** Told of each answer before it is read, for its headers; see `sessionEnd`. */
  onResponse?: ((response: Response) => void) | undefined
  /** Instead of the global `fetch`. */
  fetch?: typeof fetch | undefined
  /** Whether cookies go along; `"include"` for a BFF of another origin. */
  credentials?: RequestCredentials | undefined
  /** The most calls in one request, 100 unless given; the server's own limit is `BFF_MAX_BATCH`. */
  batch?: number | undefined
  /** Ask for `undefined` or `false` instead of errors. */
  soft?: boolean | undefined
}

/** Which session a call is meant for; what is left out is not checked. */
export interface ExpectedSession {
  /** `user.id` of the session. */
  userId?: string | undefined
  /** Where the session works, whatever project a call names. */
  scope?: `project:${string}` | `domain:${string}` | "unscoped" | undefined
}

/** Per call. */
export interface CallOptions {
  /** Ends this call, and no other of its batch. */
  signal?: AbortSignal | undefined
}

interface Call {
  readonly id: number
  readonly path: string
  readonly text: string
  /** Of two sessions, calls do not share a request. */
  readonly expected: Expected
  /** Called when the caller gave up, once the call is on its way. */
  left?: () => void
  /** Both do nothing once the call is settled. */
  resolve(result: unknown): void
  reject(error: unknown): void
  readonly settled: boolean
}

interface Answer {
  id?: unknown
  result?: unknown
  error?: Refusal
}

/** Makes one call; `kind` is what the caller named it by. */
export type Send = (
  path: string,
  input: unknown,
  options?: CallOptions,
  kind?: "query" | "mutate",
) => Promise<unknown>

/** What stands around each call: it is given what makes the call, and returns what does that in its place. */
export type Layer = (next: Send) => Send

/** The base address, without a slash at its end. */
export const base = (options: ConnectionOptions): string => options.url.replace(/(\/rpc)?\/?$/, "")

type Expected = [header: string, value: string][]

/** The headers that name the session which the page shows now. */
function expectedBy({ session }: ConnectionOptions): Expected {
  const { userId, scope } = session?.() ?? {}
  const headers: Expected = []
  if (userId != null) headers.push(["x-session-user", userId])
  if (scope != null) headers.push(["x-session-scope", scope])
  return headers
}

/** What every request has. */
export async function request(
  options: ConnectionOptions,
  expected = expectedBy(options),
): Promise<RequestInit & { headers: Headers }> {
  const { headers: given, credentials = "same-origin" } = options
  const headers = new Headers(await (typeof given === "function" ? given() : given))
  for (const [name, value] of expected) headers.set(name, value)
  // The BFF never redirects, and another server must not get the token.
  return { headers, credentials, redirect: "error" }
}

/** Returns a function that makes calls; those of one turn of the event loop share a request. */
export function connect(options: ConnectionOptions): Send {
  let waiting: Call[] = []
  let count = 0
  const most = Math.max(1, options.batch ?? 100)

  const flush = () => {
    const calls = waiting.filter((call) => !call.settled)
    waiting = []
    for (let start = 0; start < calls.length; start += most) {
      void exchange(options, calls.slice(start, start + most))
    }
  }

  return (path, params, { signal } = {}) =>
    new Promise((resolve, reject) => {
      const id = ++count
      // Written here, so that an input that cannot be written fails alone.
      const text = JSON.stringify({ jsonrpc: "2.0", id, method: path, params })
      const expected = expectedBy(options)
      if (waiting[0] && String(waiting[0].expected) !== String(expected)) flush()
      waiting.push(newCall({ id, path, text, expected }, signal, resolve, reject))
      // Not a microtask: calls that other awaits delay a little still share the request.
      if (waiting.length === 1) setTimeout(flush)
    })
}

function newCall(
  made: Pick<Call, "id" | "path" | "text" | "expected">,
  signal: AbortSignal | undefined,
  resolve: (result: unknown) => void,
  reject: (error: unknown) => void,
): Call {
  let settled = false
  const once =
    <T>(settle: (value: T) => void) =>
    (value: T) => {
      settled = true
      signal?.removeEventListener("abort", abort)
      settle(value)
    }
  const call: Call = {
    ...made,
    resolve: once(resolve),
    reject: once(reject),
    get settled() {
      return settled
    },
  }
  const abort = () => {
    call.reject(signal?.reason)
    call.left?.()
  }
  if (signal?.aborted) abort()
  else signal?.addEventListener("abort", abort)
  return call
}

/** Sends some calls in one request and settles each of them. */
async function exchange(options: ConnectionOptions, calls: Call[]): Promise<void> {
  const controller = new AbortController()
  let left = 0
  for (const call of calls) {
    call.left = () => {
      if (++left === calls.length) controller.abort()
    }
  }
  const fail = (error: (path: string) => BffError) => {
    for (const call of calls) call.reject(error(call.path))
  }
  try {
    const response = await post(options, calls, controller.signal)
    options.onResponse?.(response)
    const answers = await parsed(response)
    if (answers) settle(calls, answers, response)
    else fail((path) => foreign(response, path))
  } catch (cause) {
    fail((path) => unreachable(cause, path))
  }
}

async function post(
  options: ConnectionOptions,
  calls: Call[],
  signal: AbortSignal,
): Promise<Response> {
  const { fetch = globalThis.fetch } = options
  const init = await request(options, calls[0]!.expected)
  init.headers.set("content-type", "application/json")
  if (options.soft) init.headers.set("x-bff-errors", "soft")
  const texts = calls.map((call) => call.text).join()
  const body = calls.length > 1 ? `[${texts}]` : texts
  return fetch(`${base(options)}/rpc`, { ...init, method: "POST", body, signal })
}

/** The answers in a response, or nothing when the BFF did not write it. */
async function parsed(response: Response): Promise<Answer[] | undefined> {
  const text = await response.text()
  try {
    const answers: Answer[] = [JSON.parse(text)].flat()
    return answers.every((answer) => "result" in answer || answer.error?.data) ? answers : undefined
  } catch {
    return undefined
  }
}

function settle(calls: Call[], answers: Answer[], response: Response): void {
  const byId = new Map(answers.map((answer) => [answer.id, answer]))
  // A request that was refused whole has one answer, without an id.
  const whole = answers.find((answer) => answer.id == null && answer.error)
  for (const call of calls) {
    const answer = byId.get(call.id) ?? whole
    if (!answer) call.reject(foreign(response, call.path))
    else if (answer.error) call.reject(refused(answer.error, call.path))
    else call.resolve(answer.result)
  }
}
