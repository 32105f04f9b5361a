/** A value that tells its watchers when it changes. */
export class Value<T> {
  readonly #watchers = new Set<(value: T) => void>()
  #value: T

  constructor(value: T) {
    this.#value = value
  }

  get(): T {
    return this.#value
  }

  set(value: T): void {
    this.#value = value
    for (const watcher of [...this.#watchers]) watcher(value)
  }

  /** Calls `watcher` at each change; returns what ends that. */
  watch(watcher: (value: T) => void): () => void {
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }
}
