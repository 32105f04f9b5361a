/** Looks again, by itself, at what is on its way to another state: the longer nothing comes of it, the less often. */

import type { GlanceImage } from "@polaris-bff/client"

export interface Look {
  /** What shows it; nobody looks for what is not on the page. */
  readonly element: HTMLElement
  /** Whether there is something on its way. */
  isDue(): boolean
  /** Looks, and returns whether something had changed; all looks of one time share a request. */
  look(): Promise<boolean>
}

const SHORTEST_MILLISECONDS = 4000
const LONGEST_MILLISECONDS = 60_000
const GROWTH = 1.5
const PASSING = new Set<unknown>(["queued", "saving", "uploading", "importing", "pending_delete"])

/** Whether an image leaves its state by itself, or by what somebody does elsewhere. */
export const isPassing = ({ status }: GlanceImage): boolean => PASSING.has(status)

const looks = new Set<Look>()
let pause = SHORTEST_MILLISECONDS
let timer: number | undefined

/** Looks again from now on, as long as the element is on the page. */
export function lookAgain(look: Look): void {
  looks.add(look)
  plan()
}

const isSeen = (): boolean => !document.hidden && navigator.onLine

function plan(): void {
  if (timer === undefined && isSeen() && looks.size) timer = setTimeout(lookAtAll, pause)
}

async function lookAtAll(): Promise<void> {
  timer = undefined
  for (const look of looks) if (!look.element.isConnected) looks.delete(look)
  // What cannot be asked now is asked the next time.
  const due = [...looks].filter((look) => look.isDue())
  const changed = await Promise.all(due.map((look) => look.look().catch(() => false)))
  pause = changed.includes(true)
    ? SHORTEST_MILLISECONDS
    : Math.min(LONGEST_MILLISECONDS, pause * GROWTH)
  plan()
}

/** Looks at once when somebody comes back, and not while nobody does. */
function seenAgain(): void {
  clearTimeout(timer)
  timer = undefined
  pause = SHORTEST_MILLISECONDS
  if (isSeen()) void lookAtAll()
}

document.addEventListener("visibilitychange", seenAgain)
addEventListener("online", seenAgain)
addEventListener("offline", seenAgain)
