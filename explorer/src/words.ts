/** Sizes, times and states in words. */

import { h } from "./dom"

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"]

/** A number of bytes as people read it. */
export function bytes(count: number | null | undefined): string {
  if (count === null || count === undefined) return "–"
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(1, count)) / 10))
  const value = count / 1024 ** power
  return `${power && value < 100 ? value.toFixed(1) : Math.round(value)} ${UNITS[power]}`
}

/** A span of time, given in seconds. */
export function span(seconds: number): string {
  if (seconds < 59.5) return `${Math.max(1, Math.round(seconds))} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** How long a request took. */
export const took = (milliseconds: number): string =>
  milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(2)} s`

/** A time of the server, in the reader's own zone. */
export function time(stamp: string | null | undefined): HTMLElement | string {
  if (!stamp) return "–"
  const at = new Date(stamp)
  const words = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })
  return h("time", { datetime: stamp, title: stamp }, words)
}

/** A number of things. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`

const MOODS: Record<string, string> = {
  active: "good",
  accepted: "good",
  queued: "waiting",
  saving: "waiting",
  uploading: "waiting",
  importing: "waiting",
  pending: "waiting",
  killed: "bad",
  rejected: "bad",
}

/** A state, with a dot whose colour only repeats it. */
export const state = (word: string | null | undefined): HTMLElement =>
  h("span", { class: `state ${MOODS[word ?? ""] ?? "other"}` }, word ?? "–")
