/** Calls, made with the TypeScript client. */

import { BffError, type Client, createClient } from "@polaris-bff/client"

import { Value } from "./value"

/** The address below which everything is served, with a slash at its end. */
export const BASE = new URL(".", document.baseURI).href

/** Counts the calls that found no valid session. */
export const unauthorized = new Value(0)

export const client: Client = newClient()

/** The procedure whose client sends a file. */
export const UPLOAD = "compute.image.uploadImage"

export type Kind = "query" | "mutation"
export type Input = Record<string, unknown>

export interface Call {
  readonly name: string
  readonly kind: Kind
  readonly input: Input
}

/** What a call came to. */
export type Outcome = { readonly result: unknown } | { readonly error: unknown }

/** One HTTP request: what its calls came to, in their order, and what is known of the request. */
export interface Exchange {
  readonly outcomes: readonly Outcome[]
  readonly milliseconds: number
  readonly requestId: string | undefined
}

/** Makes calls in one request. */
export async function send(calls: readonly Call[]): Promise<Exchange> {
  let requestId: string | undefined
  const noting: typeof fetch = async (...request) => {
    const response = await fetch(...request)
    requestId = response.headers.get("x-openstack-request-id") ?? undefined
    return response
  }
  const caller = newClient(noting)
  const started = performance.now()
  const outcomes = await Promise.all(calls.map((call) => outcome(caller, call)))
  return { outcomes, milliseconds: performance.now() - started, requestId }
}

async function outcome(caller: Client, call: Call): Promise<Outcome> {
  try {
    const procedure = call.name.split(".").reduce((node, part) => node[part], caller as any)
    return { result: await procedure[call.kind === "query" ? "query" : "mutate"](withFile(call)) }
  } catch (error) {
    return { error }
  }
}

/** What stands in JSON in base64 is a file for the client. */
function withFile({ name, input }: Call): Input {
  if (name !== UPLOAD || typeof input.file !== "string") return input
  const bytes = Uint8Array.from(atob(input.file), (letter) => letter.charCodeAt(0))
  return { ...input, file: new Blob([bytes]) }
}

function newClient(through?: typeof fetch): Client {
  return createClient({
    url: BASE,
    ...(through && { fetch: through }),
    onError: ({ code }) => {
      if (code === "UNAUTHORIZED") unauthorized.set(unauthorized.get() + 1)
    },
  })
}

/** An error as it would stand in a JSON-RPC answer, as far as the page knows it. */
export function errorOf(error: unknown): { message: string; data?: unknown } {
  if (error instanceof BffError) return { message: error.message, data: error.data }
  return { message: error instanceof Error ? error.message : String(error) }
}
