/** The first page of the procedures: what this is, what to try, and how to go on from elsewhere. */

import { BASE, type Input } from "./api"
import { copyButton, h } from "./dom"
import type { Contract } from "./openrpc"
import { lastCalls } from "./past"
import { standing } from "./standing"
import { addressOfCall } from "./tree"

const TO_TRY: readonly (readonly [name: string, input: Input, what: string])[] = [
  ["auth.listProjects", {}, "The projects in which you have a role."],
  [
    "compute.image.listImages",
    { limit: 5, sort: "created_at:desc" },
    "The newest five images that you may use. Look at the answer as a table, too.",
  ],
  [
    "compute.image.countImages",
    { visibility: "public" },
    "How many public images there are. Add it to the batch beside another one.",
  ],
]

const ADDRESS = BASE.replace(/\/$/, "")

const CLIENTS: readonly (readonly [name: string, about: string, code: string])[] = [
  [
    "TypeScript",
    "For browsers and Node, with a type for every call. In clients/typescript of a checkout.",
    `import { createClient } from "@polaris-bff/client"

const client = createClient({ url: "${ADDRESS}" })
const images = await client.compute.image.listImages.query({ limit: 5 })`,
  ],
  [
    "Python",
    "With and without asyncio, and the command polaris. In clients/python of a checkout.",
    `from polaris_bff import Client

with Client("${ADDRESS}", token=token) as client:
    images = client.compute.image.list_images(limit=5)`,
  ],
  [
    "Anything else",
    "JSON-RPC 2.0 over HTTP. Each procedure's page has its call for curl and for plain Python.",
    `curl -sS '${ADDRESS}/rpc' -H 'content-type: application/json' \\
  -H "x-auth-token: $OS_TOKEN" \\
  -d '{"jsonrpc": "2.0", "id": 1, "method": "compute.image.listImages"}'`,
  ],
]

/** Makes the page; `unknown` is a name that no procedure has. */
export function startView({ info, methods }: Contract, unknown: string | undefined): HTMLElement {
  const known = TO_TRY.filter(([wanted]) => methods.some(({ name }) => name === wanted))
  return h(
    "article",
    { class: "procedure start" },
    h(
      "h1",
      { tabindex: "-1" },
      unknown ? "There is no such procedure" : `${info.title} ${info.version}`,
    ),
    h(
      "p",
      { class: "lead" },
      `${methods.length} procedures stand in front of Keystone and Glance: signing in, and whatever `,
      "is done with images. Each has a page with a form, its answer, and the same call in other languages. ",
      "Calls made here are real: they run in the project at the top of the page.",
    ),
    standing(),
    h("h2", {}, "Three calls to try"),
    h("ol", { class: "try" }, ...known.map(tryView)),
    h("h2", {}, "From a program"),
    ...CLIENTS.map(clientView),
    h(
      "p",
      { class: "hint" },
      h("a", { href: "openrpc.json" }, "openrpc.json"),
      " describes every procedure for machines.",
    ),
    lastCalls(true),
  )
}

const tryView = ([name, input, what]: (typeof TO_TRY)[number]): HTMLElement =>
  h(
    "li",
    {},
    h("a", { class: "code", href: addressOfCall(name, input) }, name),
    h("p", { class: "hint" }, what),
  )

const clientView = ([name, about, code]: (typeof CLIENTS)[number]): HTMLElement =>
  h(
    "section",
    { class: "snippets" },
    h(
      "div",
      { class: "bar" },
      h("h3", {}, name),
      copyButton(() => code, `the code for ${name}`),
    ),
    h("p", { class: "hint" }, about),
    h("pre", { tabindex: "0", role: "region", "aria-label": `Code for ${name}` }, code),
  )
