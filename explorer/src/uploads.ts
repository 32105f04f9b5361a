/** Uploads that are under way, whichever view is open. */

import { button, fill, h } from "./dom"
import { complain, say } from "./notice"
import { Value } from "./value"
import { bytes } from "./words"
import type { Workplace } from "./workplace"

interface Upload {
  readonly imageId: string
  readonly stop: () => void
  readonly element: HTMLElement
}

const running = new Value<readonly Upload[]>([])

/** How many uploads have ended; who shows images looks at them again. */
export const ended = new Value(0)

/** What is being uploaded; one place, which each list of images takes in. */
export const uploadsPlace = h("section", { class: "uploads", "aria-label": "Uploads" })
running.watch((uploads) => fill(uploadsPlace, ...uploads.map(({ element }) => element)))

/** Whether data of an image is on its way. */
export const isRunning = (imageId: string): boolean =>
  running.get().some((upload) => upload.imageId === imageId)

/** How many uploads are under way. */
export const uploadsUnderWay = (): number => running.get().length

/** Stops every upload; nothing asks any more whether the page may be left. */
export function stopUploads(): void {
  for (const { stop } of running.get()) stop()
  running.set([])
}

/** Sends a file as the data of an image; it stays in its project, whatever the page shows later. */
export async function upload(
  { calls, project }: Workplace,
  imageId: string,
  name: string,
  file: File,
): Promise<void> {
  const giveUp = new AbortController()
  const stop = () => giveUp.abort()
  const { element, show } = progressView(name, project.name, file, stop)
  const entry: Upload = { imageId, stop, element }
  running.set([...running.get(), entry])
  try {
    await calls.uploadImage.mutate({ imageId, file }, { signal: giveUp.signal, onProgress: show })
    say(`${name} has its data, and is active.`)
  } catch (error) {
    if (giveUp.signal.aborted) say(`The upload of ${name} was stopped. The image is still queued.`)
    else complain(error)
  } finally {
    running.set(running.get().filter((other) => other !== entry))
    ended.set(ended.get() + 1)
  }
}

function progressView(name: string, project: string, file: File, stop: () => void) {
  const bar = h("progress", {
    max: String(file.size || 1),
    value: "0",
    "aria-label": `Upload of ${name}`,
  })
  const words = h("p", { class: "hint" })
  const show = ({ sent, stored }: { sent: number; stored: number }) => {
    bar.value = sent
    const percent = file.size ? Math.floor((sent / file.size) * 100) : 100
    words.textContent = `${percent} % – ${bytes(sent)} of ${bytes(file.size)} sent, ${bytes(stored)} stored`
  }
  show({ sent: 0, stored: 0 })
  const element = h(
    "div",
    { class: "card upload" },
    h(
      "div",
      { class: "bar" },
      h("span", {}, h("strong", {}, name), h("span", { class: "hint" }, ` in ${project}`)),
      button("Stop", stop, "quiet", { "aria-label": `Stop the upload of ${name}` }),
    ),
    bar,
    words,
  )
  return { element, show }
}

addEventListener("beforeunload", (event) => {
  if (running.get().length) event.preventDefault()
})
