/** What `sessionEnd` says when. */
export interface SessionEndOptions {
  /** How many seconds before the end `onExpiring` is called: 300 unless given. */
  before?: number | undefined
  /** The session ends soon: time to sign in again. Called once for each session. */
  onExpiring: (secondsLeft: number) => void
  /** The session is over: whoever has not signed in again will be refused. */
  onEnded?: (() => void) | undefined
}

/** What `createClient` takes as `onResponse`. */
export interface SessionEnd {
  (response: Response): void
  /** Says nothing more, until the next answer. */
  stop(): void
}

// In milliseconds. By less, two answers of one session may differ; the longest timer.
const SAME = 30_000
const LONGEST = 2 ** 31 - 1

/** How long the browser's session lasts yet, as an answer says it: not each does. */
export function secondsLeft({ headers }: Response): number | undefined {
  const left = headers.get("x-session-expires-in")
  return left ? Number(left) : undefined
}

/**
 * Says in time that a session ends: `createClient({ url, onResponse: sessionEnd({ onExpiring }) })`.
 *
 * A session ends with Keystone's token, however much it is used. Signing in again, with
 * `auth.createUserSession`, begins the next one in its place.
 */
export function sessionEnd({ before = 300, onExpiring, onEnded }: SessionEndOptions): SessionEnd {
  let ends: number | undefined
  let isTold = false
  let timer: ReturnType<typeof setTimeout> | undefined

  function look(): void {
    clearTimeout(timer)
    if (ends === undefined) return
    const left = ends - Date.now()
    if (left <= 0) {
      ends = undefined
      return onEnded?.()
    }
    const early = left - before * 1000
    timer = setTimeout(look, Math.min(early > 0 ? early : left, LONGEST))
    if (early > 0 || isTold) return
    isTold = true
    onExpiring(Math.round(left / 1000))
  }

  function heard(response: Response): void {
    const seconds = secondsLeft(response)
    if (seconds === undefined) return
    const until = Date.now() + seconds * 1000
    if (ends === undefined || Math.abs(until - ends) > SAME) isTold = false
    ends = until
    look()
  }

  function stop(): void {
    clearTimeout(timer)
    ends = undefined
  }

  return Object.assign(heard, { stop })
}
