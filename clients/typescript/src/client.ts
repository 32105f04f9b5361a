import {
  ANSWERS_FALSE,
  type CreateImageInput,
  type Mutation,
  type Query,
  type Router,
  type Upload,
} from "./contract.js"
import {
  type CallOptions,
  connect,
  type ConnectionOptions,
  type Layer,
  type Send,
} from "./connection.js"
import { BffError } from "./error.js"
import { type UploadInput, type UploadOptions, withUploads } from "./upload.js"

/** How `createClient` reaches the BFF. */
export interface ClientOptions<Soft extends boolean = boolean> extends ConnectionOptions {
  /** Answer `undefined`, or `false` where a boolean is answered, instead of throwing. */
  soft?: Soft
  /** Told of each failure, in soft mode too, where the server keeps its reasons to itself. */
  onError?: ((error: BffError) => void) | undefined
  /** What stands around each call, the outermost first: as `retry()` of `@polaris-bff/client/scripts`. */
  layers?: readonly Layer[] | undefined
}

/** What a call answers: in soft mode `undefined` or `false` when it failed. */
export type Result<Output, Soft extends boolean> = Soft extends true
  ? [Output] extends [boolean]
    ? boolean
    : Exclude<Output, null> | undefined
  : Output

type Arguments<Input, Options> = {} extends Input
  ? [input?: Input, options?: Options]
  : [input: Input, options?: Options]

/** The procedures of a router as a caller sees them. */
export type Callers<R, Soft extends boolean> = {
  readonly [Name in keyof R]: R[Name] extends Upload<unknown, infer Output>
    ? UploadCaller<Output, Soft>
    : R[Name] extends Query<infer Input, infer Output>
      ? { query(...given: Arguments<Input, CallOptions>): Promise<Result<Output, Soft>> }
      : R[Name] extends Mutation<infer Input, infer Output>
        ? { mutate(...given: Arguments<Input, CallOptions>): Promise<Result<Output, Soft>> }
        : Callers<R[Name], Soft>
}

/** The call that sends a file; it has a route of its own. */
export interface UploadCaller<Output, Soft extends boolean> {
  mutate(input: UploadInput, options?: UploadOptions): Promise<Result<Output, Soft>>
}

/** The client: `client.compute.image.listImages.query({ limit: 10 })`. */
export type Client<Soft extends boolean = false> = Callers<Router, Soft>

/**
 * Makes a client.
 *
 * Calls of one turn of the event loop are one request. Each settles on its own; what fails throws a
 * `BffError`. A call that its signal ended throws the signal's reason.
 */
export function createClient<Soft extends boolean = false>(
  options: ClientOptions<Soft>,
): Client<Soft> {
  const { layers = [] } = options
  const send = layers.reduceRight(
    (next, layer) => layer(next),
    withUploads(options, connect(options)),
  )
  return tree("", caller(options, send)) as Client<Soft>
}

/** Properties of an image's own: any name that is no parameter of `createImage`, with a string. */
export type ImageProperties = { readonly [name: string]: string } & {
  readonly [Name in keyof CreateImageInput]?: never
}

/**
 * Returns what `createImage` takes: its parameters, of which TypeScript knows the names, and any properties
 * besides, of which it does not. So a misspelt parameter is an error and no property.
 */
export const withProperties = (
  input: CreateImageInput,
  properties: ImageProperties,
): CreateImageInput => ({ ...properties, ...input })

function caller({ soft, onError }: ClientOptions, send: Send): Send {
  return async (...call) => {
    try {
      const result = await send(...call)
      return soft && result === null ? undefined : result
    } catch (error) {
      // What the caller ended, or could not write, is no failure of the call.
      if (!(error instanceof BffError)) throw error
      onError?.(error)
      if (!soft) throw error
      return ANSWERS_FALSE.includes(call[0]) ? false : undefined
    }
  }
}

// Not what frameworks and the language look for in any object: `then` would make it a promise.
const PART = /^(?!(then|call|apply|constructor|toString|toJSON|valueOf)$)[a-z]\w*$/i

/** An object whose properties are the parts of a name; the last one makes the call. */
function tree(path: string, send: Send): unknown {
  const known: Record<string, unknown> = Object.create(null)
  return new Proxy(known, {
    get(_, key) {
      if (typeof key !== "string" || !PART.test(key)) return undefined
      return (known[key] ??=
        path && (key === "query" || key === "mutate")
          ? (input?: unknown, options?: CallOptions) => send(path, input, options, key)
          : tree(path ? `${path}.${key}` : key, send))
    },
  })
}
