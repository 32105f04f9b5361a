export { type Client, type ClientOptions, createClient } from "./client.js"
export type { CallOptions, ConnectionOptions } from "./connection.js"
export type * from "./contract.js"
export { BffError, type BffErrorCode, type ErrorData, type Issue } from "./error.js"
