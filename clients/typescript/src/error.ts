import { CODE_OF_STATUS, type ErrorCode, type ErrorReason } from "./contract.js"

/** A fault in an input, and where it is. */
export interface Issue {
  path: (string | number)[]
  message: string
  code: string
}

/**
 * A code of the server, or one of the client's own: nothing answered, what answered was not the
 * BFF, or this runtime cannot send a stream.
 */
export type BffErrorCode = ErrorCode | "NETWORK_ERROR" | "BAD_RESPONSE" | "STREAM_NOT_SUPPORTED"

/** What the server says about a failure. */
export interface ErrorData {
  code: BffErrorCode
  /** The status that belongs to the code; absent when nothing answered. */
  httpStatus?: number
  /** The procedure. */
  path?: string
  requestId?: string
  /** The request id in Keystone's or Glance's answer, when one of them refused. */
  upstreamRequestId?: string
  /** The seconds that Keystone, Glance, a proxy or the BFF asked to wait. */
  retryAfter?: number
  /** Of a sign-in or a change of password: what a program can do something about. */
  reason?: ErrorReason
  /** Beside SECOND_FACTOR_REQUIRED: each of these is enough, as `totp`. */
  methods?: string[]
  /** Beside PASSWORD_EXPIRED: whose password it is, for `auth.changePassword`. */
  userId?: string
  /** For an input that does not fit: each fault. */
  issues?: Issue[]
}

/** The one exception of this client; look at its `code`. */
export class BffError extends Error {
  override readonly name = "BffError"
  declare readonly code: BffErrorCode
  declare readonly requestId: string | undefined
  declare readonly issues: readonly Issue[]
  declare readonly data: ErrorData
  /** The JSON-RPC error number; absent when the BFF did not answer. */
  declare readonly number: number | undefined

  constructor(
    message: string,
    data: ErrorData,
    options?: { cause?: unknown; number?: number | undefined },
  ) {
    super(message, options)
    this.data = data
    this.number = options?.number
    this.code = data.code
    this.requestId = data.requestId
    this.issues = data.issues ?? []
  }
}

/** What `error` of an answer may be: another server may have written it. */
export type Refusal = { code?: number; message?: unknown; data?: Partial<ErrorData> }

/** The BFF's own word on a call that failed. */
export function refused({ code: number, message, data }: Refusal, path: string): BffError {
  const known = { path, ...data, code: data?.code ?? "BAD_RESPONSE" }
  return new BffError(message as string, known, { number })
}

/** Whatever kept the request from being answered. */
export function unreachable(cause: unknown, path: string): BffError {
  const reason = (cause as Error | null)?.message ?? cause
  return new BffError(`No answer to ${path}: ${reason}`, { code: "NETWORK_ERROR", path }, { cause })
}

/** An answer that the BFF did not write: a proxy's page, or another server's. */
export function foreign(response: { status: number; headers?: Headers }, path: string): BffError {
  const { status, headers } = response
  const requestId = headers?.get("x-openstack-request-id")
  const after = headers?.get("retry-after")
  // It is a number of seconds or a date.
  const retryAfter = +after! || (Date.parse(after!) - Date.now()) / 1000
  return new BffError(`HTTP ${status} without an answer to ${path}`, {
    code: CODE_OF_STATUS[status] ?? "BAD_RESPONSE",
    httpStatus: status,
    path,
    ...(requestId && { requestId }),
    ...(retryAfter > 0 && { retryAfter }),
  })
}
