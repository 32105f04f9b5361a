export {
  type Client,
  type ClientOptions,
  createClient,
  type ImageProperties,
  withProperties,
} from "./client.js"
export type { CallOptions, ConnectionOptions, ExpectedSession, Layer, Send } from "./connection.js"
export * from "./contract.js"
export { BffError, type BffErrorCode, type ErrorData, type Issue } from "./error.js"
export type { UploadInput, UploadOptions, UploadProgress } from "./upload.js"
