import type { Layer } from "./connection.js"
import { BffError, type BffErrorCode } from "./error.js"
import { pause } from "./pause.js"

/** How `retry` behaves; times are in milliseconds. */
export interface RetryOptions {
  /** The most tries of a call, the first one included; 4 unless given. */
  tries?: number | undefined
  /** Before the second try at most, and twice as long before each further one; 500 unless given. */
  pause?: number | undefined
  /** The longest pause, and the longest that a server is let ask for; 30,000 unless given. */
  longest?: number | undefined
}

// Nothing was answered, or the reason may be over soon.
const PASSING: readonly BffErrorCode[] = [
  "NETWORK_ERROR",
  "TOO_MANY_REQUESTS",
  "BAD_GATEWAY",
  "SERVICE_UNAVAILABLE",
  "GATEWAY_TIMEOUT",
]

/**
 * Makes queries again that failed for a reason that passes; mutations never, since a change whose answer is
 * lost may have been made. Pauses are random, so that clients do not come back all at once, and as long as the server
 * asks for. A server that asks for more than `longest` is not asked again.
 */
export function retry(options: RetryOptions = {}): Layer {
  const { tries = 4, pause: first = 500, longest = 30_000 } = options
  return (next) => async (path, input, options, kind) => {
    for (let count = 1; ; count++) {
      try {
        return await next(path, input, options, kind)
      } catch (error) {
        if (kind !== "query" || count >= tries || !isPassing(error)) throw error
        const asked = (error.data.retryAfter ?? 0) * 1000
        if (asked > longest) throw error
        const most = Math.min(longest, first * 2 ** (count - 1))
        await pause(asked + Math.random() * most, options?.signal)
      }
    }
  }
}

const isPassing = (error: unknown): error is BffError =>
  error instanceof BffError && PASSING.includes(error.code)

// One of them renews a session, and UNAUTHORIZED there means a wrong secret.
const WITH_SECRETS = ["auth.createUserSession", "auth.changePassword"]

/**
 * Has a session renewed that has ended, and makes the call once more.
 *
 * `renew` is called once for all calls that fail meanwhile. It may sign in with `auth.createUserSession` of the same
 * client, or see to it that `headers` has another token; other calls of that client would wait for it. When it throws,
 * each of those calls throws that. What fails again fails, and a stream, which cannot be sent twice, fails at once.
 */
export function onUnauthorized(renew: (error: BffError) => unknown): Layer {
  let renewal: Promise<void> | undefined
  let renewals = 0
  const renewed = (error: BffError) =>
    (renewal ??= (async () => {
      try {
        await renew(error)
        renewals++
      } finally {
        renewal = undefined
      }
    })())

  return (next) => async (path, input, options, kind) => {
    const before = renewals
    try {
      return await next(path, input, options, kind)
    } catch (error) {
      if (!isUnauthorized(error) || WITH_SECRETS.includes(path) || hasStream(input)) throw error
      if (before === renewals) await renewed(error)
      options?.signal?.throwIfAborted()
      return next(path, input, options, kind)
    }
  }
}

const isUnauthorized = (error: unknown): error is BffError =>
  error instanceof BffError && error.code === "UNAUTHORIZED"

const hasStream = (input: unknown) =>
  Object.values(input ?? {}).some((value) => value instanceof ReadableStream)
