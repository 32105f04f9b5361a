/** The OpenRPC document of the server, which says what there is to show. */

import { BASE, type Kind } from "./api"

export interface Schema {
  $ref?: string
  type?: string
  title?: string
  description?: string
  default?: unknown
  examples?: unknown[]
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
  format?: string
  contentEncoding?: string
  writeOnly?: boolean
  minimum?: number
  maximum?: number
}

export interface Param {
  name: string
  required?: boolean
  description?: string
  schema: Schema
}

/** An error number, and the kinds of failure that share it. */
export interface Failure {
  code: number
  message: string
  data?: { code: string }[]
}

export interface Method {
  name: string
  summary?: string
  description?: string
  params: Param[]
  result?: { name: string; schema: Schema }
  errors?: (Failure | { $ref: string })[]
  examples?: { name?: string; params: { name: string; value: unknown }[] }[]
  "x-kind": Kind
  "x-destructive"?: boolean
}

export interface Contract {
  info: { title: string; version: string }
  methods: Method[]
  components?: { schemas?: Record<string, Schema>; errors?: Record<string, Failure> }
}

/** Reads the document. */
export async function load(): Promise<Contract> {
  const response = await fetch(new URL("openrpc.json", BASE))
  if (!response.ok) throw new Error(`openrpc.json: HTTP ${response.status}`)
  return response.json()
}

/** Returns a function that follows references and leaves out `null` as a choice. */
export function resolver({ components }: Contract): (schema: Schema) => Schema {
  const schemas = components?.schemas ?? {}
  return function resolve(schema: Schema): Schema {
    const { $ref, anyOf, ...said } = schema
    if ($ref) return { ...resolve(schemas[nameIn($ref)] ?? {}), ...said }
    const choices = anyOf?.filter(({ type }) => type !== "null")
    if (choices?.length === 1 && choices[0]) return { ...resolve(choices[0]), ...said }
    if (anyOf) return known(choices ?? []) ?? listOf(choices ?? []) ?? schema
    return schema
  }
  // What a site has added, and several at once, are written as JSON.
  function known(choices: Schema[]): Schema | undefined {
    return choices.find((choice) => choice.enum)
  }
  // "A tag, or several": the list can say both.
  function listOf(choices: Schema[]): Schema | undefined {
    return choices.find(({ type, items }) => type === "array" && items)
  }
}

/** Returns the errors of a method, those too that it only names. */
export function errorsOf({ errors = [] }: Method, { components }: Contract): Failure[] {
  return errors.flatMap((error) => {
    if (!("$ref" in error)) return error
    return components?.errors?.[nameIn(error.$ref)] ?? []
  })
}

const nameIn = (ref: string): string => ref.split("/").pop() ?? ""

/** Whether a value must not be shown. */
export const isSecret = ({ format, writeOnly }: Schema): boolean =>
  format === "password" || !!writeOnly

/** Whether a value is the data of a file. */
export const isData = ({ contentEncoding }: Schema): boolean => contentEncoding === "base64"

/** Whether nobody need be signed in to call a method: it never answers so, or takes a password. */
export const isForNobody = (method: Method, contract: Contract): boolean =>
  method.params.some(({ schema }) => schema.writeOnly) ||
  !errorsOf(method, contract).some(({ data }) => data?.some(({ code }) => code === "UNAUTHORIZED"))

/** The input of a method's first example. */
export function exampleOf({ examples }: Method): Record<string, unknown> | undefined {
  const params = examples?.[0]?.params
  return params && Object.fromEntries(params.map(({ name, value }) => [name, value]))
}
