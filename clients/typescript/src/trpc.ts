import { TRPCClientError, type TRPCLink } from "@trpc/client"
import type {
  TRPCBuiltRouter,
  TRPCDefaultErrorShape,
  TRPCMutationProcedure,
  TRPCQueryProcedure,
} from "@trpc/server"
import { observable } from "@trpc/server/observable"
import { connect, type ConnectionOptions } from "./connection.js"
import type { Mutation, Query, Router, Upload } from "./contract.js"
import { BffError, type ErrorData } from "./error.js"
import { type UploadInput, type UploadOptions, withUploads } from "./upload.js"

type Optional<Input> = {} extends Input ? Input | void : Input

type Procedures<R> = {
  [Name in keyof R]: R[Name] extends Upload<unknown, infer Output>
    ? TRPCMutationProcedure<{ meta: unknown; input: UploadInput | FormData; output: Output }>
    : R[Name] extends Query<infer Input, infer Output>
      ? TRPCQueryProcedure<{ meta: unknown; input: Optional<Input>; output: Output }>
      : R[Name] extends Mutation<infer Input, infer Output>
        ? TRPCMutationProcedure<{ meta: unknown; input: Optional<Input>; output: Output }>
        : Procedures<R[Name]>
}

/** An error as tRPC's clients see it: their `data`, and what the BFF adds to it. */
export interface ErrorShape extends Omit<TRPCDefaultErrorShape, "data"> {
  data: Omit<TRPCDefaultErrorShape["data"], "code"> & Omit<ErrorData, "httpStatus" | "path">
}

/** The router's type, for `createTRPCClient<AppRouter>` and its kin. */
export type AppRouter = TRPCBuiltRouter<
  // With a transformer, answers keep their types. Without one, tRPC works out what JSON makes of them, and
  // loses the optional properties of a type that has others, as an image's.
  { ctx: object; meta: object; errorShape: ErrorShape; transformer: true },
  Procedures<Router>
>

/**
 * The last link of a tRPC client: it speaks JSON-RPC to the BFF, and sends the calls of one turn of
 * the event loop as one batch. `onProgress` and `sha512` of an upload are given in its `context`.
 */
export function jsonRpcLink(options: Omit<ConnectionOptions, "soft">): TRPCLink<AppRouter> {
  const send = withUploads(options, connect(options))
  return () =>
    ({ op: { path, input, signal, context } }) =>
      observable((observer) => {
        const more = { ...(context as UploadOptions), ...(signal && { signal }) }
        const sent = async () => send(path, unpacked(input, path), more)
        sent().then(
          (data) => {
            observer.next({ result: { type: "data", data } })
            observer.complete()
          },
          (cause) => observer.error(asTrpc(cause)),
        )
      })
}

/** The fields of a form, all of them, as the input that they stand for. */
function unpacked(input: unknown, path: string): unknown {
  if (!(input instanceof FormData)) return input
  const twice = [...input.keys()].find((name) => input.getAll(name).length > 1)
  if (!twice) return Object.fromEntries(input)
  throw new BffError(`${twice}: it is in the form twice`, { code: "BAD_REQUEST", path })
}

/** An answer of the BFF has a shape; what kept it from answering is the cause. */
function asTrpc(cause: Error): TRPCClientError<AppRouter> {
  if (!(cause instanceof BffError) || cause.number === undefined) return TRPCClientError.from(cause)
  const { number: code, message, data } = cause
  return TRPCClientError.from({ error: { code, message, data } }, { cause })
}
