// Writes what json-schema-to-typescript makes of the schemas, and lines that compile only when it means
// the same as the contract: node reference.ts SCHEMAS FOLDER
import { readFile, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { compile, type JSONSchema } from "json-schema-to-typescript"

type Schema = JSONSchema & Record<string, unknown>

interface Schemas {
  /** `query` or `mutation`, by the procedure's name. */
  kinds: Record<string, "query" | "mutation">
  /** The names of the procedures that have an upload route. */
  uploads: string[]
  /** By the procedure's name and `input` or `output`. */
  tops: Record<string, Schema>
  /** What the schemas refer to. */
  components: { schemas: Record<string, Schema> }
}

const MAPS = new Set(["", "kinds", "tops", "components", "schemas", "properties"])
const WORDS = new Set(["default", "description", "examples"])

const [schemas = "", folder = ""] = process.argv.slice(2)
const text = (await readFile(schemas, "utf8")).replaceAll("#/components/schemas/", "#/$defs/")
const { kinds, uploads, tops, components } = JSON.parse(text, plain) as Schemas
const $defs = components.schemas
const all = { type: "object", properties: tops, required: Object.keys(tops), $defs } as JSONSchema
const reference = await compile(all, "Tops", {
  additionalProperties: false,
  format: false,
  ignoreMinAndMaxItems: true,
  unreachableDefinitions: true,
})
await writeFile(join(folder, "reference.ts"), reference)

const contract = JSON.stringify(resolve(import.meta.dirname, "../src/contract.ts"))
// An input takes the names that it knows; others, as the properties of a new image, are added by a helper.
const given = new Set(Object.keys(kinds).map((name) => nameOf(tops[`${name} input`]!)))
const models = Object.keys($defs).map((name) => {
  const other = given.has(name) ? `Closed<theirs.${name}>` : `theirs.${name}`
  return `same<ours.${name}, ${other}>(true)`
})
const procedures = Object.entries(kinds).map(([name, kind]) => {
  const path = name
    .split(".")
    .map((part) => `["${part}"]`)
    .join("")
  const make = uploads.includes(name) ? "Upload" : kind === "query" ? "Query" : "Mutation"
  const input = `Closed<theirs.Tops["${name} input"]>`
  const output = `theirs.Tops["${name} output"]`
  return `same<Closed<ours.Router${path}["input"]>, ${input}>(true)
  same<ours.Router${path}, ours.${make}<ours.Router${path}["input"], ${output}>>(true)`
})
const lines = [
  `import type * as ours from ${contract}`,
  'import type * as theirs from "./reference.ts"',
  "type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false",
  "type Closed<T> = { [K in keyof T as string extends K ? never : K]: T[K] }",
  "const same = <A, B>(_: Same<A, B>) => {}",
  ...models,
  ...procedures,
]
await writeFile(join(folder, "same.ts"), lines.join("\n"))

function nameOf(schema: Schema): string {
  return schema.$ref!.replace("#/$defs/", "")
}

/** With a word for what may be anything: it reads a schema that only describes as an object's. */
function plain(key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value) || MAPS.has(key))
    return value
  return Object.keys(value).every((word) => WORDS.has(word))
    ? { ...value, tsType: "unknown" }
    : value
}
