/** The tree of procedures, and the search in it. */

import { addressOf } from "./address"
import type { Input } from "./api"
import { button, fill, h, labelled } from "./dom"
import type { Method } from "./openrpc"

// Kept while the page is open, so that the tree is the same after each choice.
let wanted = ""

/** Where a procedure is shown, filled in. */
export function addressOfCall(name: string, input: Input = {}): string {
  const given = JSON.stringify(input)
  return addressOf(["procedures", name], { input: given === "{}" ? "" : given })
}

/** Makes the tree. */
export function tree(methods: readonly Method[], chosen: string | undefined): HTMLElement {
  const groups = h("div", { class: "groups" })
  const count = h("p", { class: "hint", role: "status" })
  const search = h("input", {
    type: "search",
    value: wanted,
    autocomplete: "off",
    spellcheck: "false",
    oninput: () => {
      wanted = search.value
      show()
    },
  })

  function show(): void {
    const found = methods.filter((method) => fits(method, wanted))
    fill(count, wanted && `${found.length} of ${methods.length}`)
    const branchesFound = branches(found).map(([name, inside]) => branch(name, inside, chosen))
    fill(groups, ...(found.length ? branchesFound : [nothing()]))
  }

  function nothing(): HTMLElement {
    const all = button("Show all procedures", () => {
      search.value = wanted = ""
      show()
      search.focus()
    })
    return h("div", { class: "empty" }, h("p", {}, "No procedure has all these words."), all)
  }

  show()
  return h(
    "nav",
    { class: "tree", "aria-label": "Procedures" },
    labelled("Search procedures", search),
    count,
    groups,
  )
}

function fits({ name, summary, description }: Method, wanted: string): boolean {
  const text = `${name} ${summary} ${description}`.toLowerCase()
  return wanted
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word))
}

function branches(methods: readonly Method[]): [string, Method[]][] {
  const groups = new Map<string, Method[]>()
  for (const method of methods) {
    const namespace = method.name.split(".").slice(0, -1).join(".")
    groups.set(namespace, [...(groups.get(namespace) ?? []), method])
  }
  return [...groups]
}

function branch(namespace: string, methods: Method[], chosen: string | undefined): HTMLElement {
  return h(
    "details",
    { open: true },
    h(
      "summary",
      {},
      h("span", { class: "code" }, namespace),
      h("span", { class: "count" }, methods.length),
    ),
    h("ul", {}, ...methods.map((method) => leaf(method, method.name === chosen))),
  )
}

function leaf(method: Method, chosen: boolean): HTMLElement {
  const name = method.name.split(".").pop()
  return h(
    "li",
    {},
    h(
      "a",
      { href: addressOfCall(method.name), title: method.summary, "aria-current": chosen && "page" },
      h("span", { class: "name" }, name),
      kindMark(method),
    ),
  )
}

/** Says whether a procedure reads or changes something. */
export function kindMark({ "x-kind": kind }: Method): HTMLElement {
  return h("span", { class: `kind ${kind}` }, kind)
}
