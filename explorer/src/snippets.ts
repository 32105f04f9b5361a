/** The same call in other languages. */

import { BASE, type Call, sendsFile, session } from "./api"
import { copyButton, fill, h, tabs } from "./dom"
import { written } from "./json"

const ADDRESS = BASE.replace(/\/$/, "")

/** The project that the page shows, unless the call has its own; `auth.*` looks at none. */
function projectOf({ name, input }: Call): string | undefined {
  if (name.startsWith("auth.") || input.project_id !== undefined) return undefined
  return session.get()?.project?.id
}

/** The TypeScript client. */
function typescript(call: Call): string {
  const { name, kind, input } = call
  const project = projectOf(call)
  const where = project ? `, "x-project-id": ${JSON.stringify(project)}` : ""
  const argument = Object.keys(input).length ? written(input) : ""
  const file = /("file": )("[^"]*")/
  const given = sendsFile(name)
    ? argument.replace(file, '$1new Blob([Buffer.from($2, "base64")])')
    : argument
  return `import { createClient } from "@polaris-bff/client"

const client = createClient({
  url: ${JSON.stringify(ADDRESS)},
  headers: { "x-auth-token": process.env.OS_TOKEN ?? ""${where} },
})

const answer = await client.${name}.${kind === "query" ? "query" : "mutate"}(${given})
console.log(answer)
`
}

/** Python, with its standard library. */
function python(call: Call): string {
  const { name, input } = call
  const project = projectOf(call)
  const where = project ? `headers["x-project-id"] = ${JSON.stringify(project)}\n` : ""
  return `import json
import os
from urllib.request import Request, urlopen

call = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": ${JSON.stringify(name)},
    "params": ${pythonic(input, "    ")},
}
headers = {"content-type": "application/json", "x-auth-token": os.environ["OS_TOKEN"]}
${where}request = Request(${JSON.stringify(`${ADDRESS}/rpc`)}, json.dumps(call).encode(), headers)
with urlopen(request) as response:
    print(json.load(response))
`
}

/** A value as Python writes it; a string of JSON is one of Python, too. */
function pythonic(value: unknown, indent: string): string {
  if (value === null) return "None"
  if (typeof value === "boolean") return value ? "True" : "False"
  if (typeof value !== "object") return JSON.stringify(value)
  const deeper = `${indent}    `
  const [open, close] = Array.isArray(value) ? "[]" : "{}"
  const parts = Array.isArray(value)
    ? value.map((part) => pythonic(part, deeper))
    : Object.entries(value).map(
        ([key, part]) => `${JSON.stringify(key)}: ${pythonic(part, deeper)}`,
      )
  if (!parts.length) return `${open}${close}`
  return `${open}\n${parts.map((part) => `${deeper}${part},\n`).join("")}${indent}${close}`
}

/** A shell. */
function curl(given: Call): string {
  const call = { jsonrpc: "2.0", id: 1, method: given.name, params: given.input }
  const project = projectOf(given)
  const where = project ? `  -H ${quoted(`x-project-id: ${project}`)} \\\n` : ""
  return `curl -sS ${quoted(`${ADDRESS}/rpc`)} \\
  -H 'content-type: application/json' \\
  -H "x-auth-token: $OS_TOKEN" \\
${where}  -d ${quoted(JSON.stringify(call))}
`
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

const LANGUAGES = { TypeScript: typescript, Python: python, curl } as const
type Language = keyof typeof LANGUAGES

let language: Language = "TypeScript"

export interface Snippets {
  readonly element: HTMLElement
  write(call: Call): void
}

/** Makes the panel; `write` is told of each change of the call. */
export function createSnippets(): Snippets {
  let call: Call | undefined
  const code = h("pre", {
    class: "code",
    tabindex: "0",
    role: "region",
    "aria-label": "The call as code",
  })
  const choices = tabs(Object.keys(LANGUAGES) as Language[], language, "Language", (name) => {
    language = name
    show()
  })

  function show(): void {
    fill(code, call && LANGUAGES[language](call))
  }

  const stop = session.watch(() => (code.isConnected ? show() : stop()))
  const copy = copyButton(() => code.textContent ?? "", "the code")
  return {
    element: h(
      "section",
      { class: "snippets" },
      h("h2", {}, "The same call elsewhere"),
      h("div", { class: "bar" }, choices, copy),
      code,
    ),
    write: (changed) => {
      call = changed
      show()
    },
  }
}
