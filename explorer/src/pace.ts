/** How fast something goes. */

const MILLISECONDS_LOOKED_AT = 5000
// What a browser hands to its network at once says nothing of how fast that is.
const LEAST_MILLISECONDS = 1000

/** Counts what has gone, and knows how fast it went in the last seconds. */
export class Pace {
  #marks: { readonly at: number; readonly count: number }[] = []

  /** Notes how much has gone by now. */
  mark(count: number): void {
    this.#marks.push({ at: performance.now(), count })
  }

  /** How much goes in a second; nothing while that is not known. */
  perSecond(): number | undefined {
    const now = performance.now()
    const since = now - MILLISECONDS_LOOKED_AT
    while (this.#marks[1] && this.#marks[1].at < since) this.#marks.shift()
    const [first] = this.#marks
    const last = this.#marks.at(-1)
    if (!first || !last || now - first.at < LEAST_MILLISECONDS) return undefined
    return ((last.count - first.count) * 1000) / (now - first.at)
  }
}
