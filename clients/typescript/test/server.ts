import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import type { TestContext } from "node:test"

export interface Call {
  id: number
  method: string
  params?: Record<string, unknown>
}

/** A request as it came. */
export interface Seen {
  method: string
  url: string
  headers: IncomingMessage["headers"]
  /** The JSON of the body. */
  json: Call | Call[]
}

/** Answers one call; what it throws becomes the error. */
export type Handler = (call: Call) => unknown

/** Thrown by a handler: the error to answer. */
export class Refused extends Error {
  readonly error: object

  constructor(code: string, number: number, message: string, more: object = {}) {
    super(message)
    this.error = {
      code: number,
      message,
      data: { code, httpStatus: 400, requestId: "req-1", ...more },
    }
  }
}

/** Listens on loopback until the test ends. */
export async function listen(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<string> {
  const server = createServer((request, response) => void answer(request, response))
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/polaris-bff`
}

/** A JSON-RPC server: its address, and the requests that it saw. */
export async function bff(t: TestContext, handle: Handler): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = []
  const url = await listen(t, async (request, response) => {
    const json = JSON.parse(await textOf(request))
    seen.push({ method: request.method!, url: request.url!, headers: request.headers, json })
    await reply(response, json, handle)
  })
  return { url, seen }
}

/** Answers a call or a batch. */
export async function reply(
  response: ServerResponse,
  json: Call | Call[],
  handle: Handler,
): Promise<void> {
  const answers = await Promise.all([json].flat().map((call) => answerTo(call, handle)))
  response.setHeader("content-type", "application/json")
  // The order is not the client's to rely on.
  response.end(JSON.stringify(Array.isArray(json) ? answers.reverse() : answers[0]))
}

export async function textOf(request: IncomingMessage): Promise<string> {
  return (await request.toArray()).join("")
}

async function answerTo(call: Call, handle: Handler): Promise<object> {
  const { id } = call
  try {
    return { jsonrpc: "2.0", id, result: (await handle(call)) ?? null }
  } catch (cause) {
    return { jsonrpc: "2.0", id, error: (cause as Refused).error }
  }
}
