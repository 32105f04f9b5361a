// Read by tsc only: each line below @ts-expect-error must be an error.
import {
  type BffErrorCode,
  type BulkFailure,
  type Client,
  createClient,
  DISK_FORMATS,
  type DiskFormat,
  type ErrorCode,
  type GlanceImage,
  type ImagesPaginatedResponse,
  type ListImagesInput,
  type UploadResult,
  type UserSession,
  VISIBILITIES,
  withProperties,
} from "../dist/index.js"
import { images, onUnauthorized, retry, waitFor } from "../dist/scripts.js"

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(_: Same<A, B>) => {}

type Answer<T extends (...given: never[]) => Promise<unknown>> = Awaited<ReturnType<T>>

const client = createClient({ url: "/polaris-bff" })
const soft = createClient({ url: "/polaris-bff", soft: true })
const imageId = "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac"
const { image } = client.compute

same<typeof client, Client>(true)

// What scripts use.
same<ReturnType<typeof images>, AsyncGenerator<GlanceImage, void, undefined>>(true)
same<Answer<typeof waitFor>, GlanceImage>(true)
createClient({ url: "/polaris-bff", layers: [retry({ tries: 2 }), onUnauthorized(async () => {})] })
// @ts-expect-error a misspelt filter
images(client, { tagg: "lts" })
// @ts-expect-error what fails would be no error there
images(soft)
// @ts-expect-error an image that is killed never becomes anything
waitFor(client, imageId, "killed")
same<typeof soft, Client<true>>(true)

// What is answered.
same<Answer<typeof image.listImages.query>, GlanceImage[]>(true)
same<Answer<typeof image.listImagesWithPagination.query>, ImagesPaginatedResponse>(true)
same<Answer<typeof image.deleteImage.mutate>, boolean>(true)
same<Answer<typeof image.uploadImage.mutate>, UploadResult>(true)
same<Answer<typeof client.auth.getCurrentUserSession.query>, UserSession | null>(true)

// In soft mode: undefined, or false; never null.
same<Answer<typeof soft.compute.image.listImages.query>, GlanceImage[] | undefined>(true)
same<Answer<typeof soft.compute.image.deleteImage.mutate>, boolean>(true)
same<Answer<typeof soft.compute.image.uploadImage.mutate>, UploadResult | undefined>(true)
same<Answer<typeof soft.auth.getCurrentUserSession.query>, UserSession | undefined>(true)

// An image's own properties stand beside the known ones.
declare const one: GlanceImage
same<typeof one.hw_video_model, unknown>(true)
const status: "queued" | "active" | undefined =
  one.status === "queued" || one.status === "active" ? one.status : undefined
// @ts-expect-error there is no such state
if (one.status === "ready") throw status

// What may be given.
image.listImages.query()
image.listImages.query({}, { signal: AbortSignal.timeout(1000) })
image.listImages.query({
  tag: "ci",
  tags: ["a", "b"],
  visibility: "all",
  limit: 10,
} satisfies ListImagesInput)
image.createImage.mutate({ name: "a", min_ram: 1024 })
image.createImage.mutate(
  withProperties({ name: "a" }, { hw_video_model: "virtio", "trait:X": "1" }),
)
declare const properties: Record<string, string>
image.createImage.mutate(withProperties({}, properties))
image.uploadImage.mutate(
  { imageId, file: new Blob() },
  { onProgress: ({ sent, stored, total = 0 }) => (sent + stored) / total, sha512: "00" },
)
createClient({
  url: "/",
  headers: async () => ({ "x-auth-token": "t" }),
  credentials: "include",
  batch: 10,
})

// What is optional in an answer, or in somebody's own options, may be given as it is.
declare const page: ImagesPaginatedResponse
image.listImagesWithPagination.query({ next: page.next, first: page.first })
declare const last: GlanceImage | undefined
image.listImages.query({ marker: last?.id, status: last?.status, owner: last?.owner })
image.createImage.mutate({ name: last?.name, disk_format: last?.disk_format, tags: last?.tags })
declare const session: UserSession
image.listImages.query({ project_id: session.project?.id })
image.uploadImage.mutate({ imageId, file: new Blob(), project_id: session.project?.id ?? null })
client.auth.createUserSession.mutate({ user: "a", password: "b", projectId: session.project?.id })
declare const options: {
  headers?: Record<string, string>
  fetch?: typeof fetch
  credentials?: RequestCredentials
  batch?: number
  onError?: () => void
}
const { headers, credentials, batch, onError } = options
const sameAsClient = createClient({
  url: "/",
  headers,
  fetch: options.fetch,
  credentials,
  batch,
  onError,
  session: undefined,
})
same<typeof sameAsClient, Client>(true)

// Which session the page shows.
createClient({ url: "/", session: () => ({ userId: session.user.id, scope: "unscoped" }) })
createClient({
  url: "/",
  session: () => session.project && { scope: `project:${session.project.id}` },
})
createClient({ url: "/", session: () => null })
// @ts-expect-error a project's id alone is no scope
createClient({ url: "/", session: () => ({ scope: session.project!.id }) })
// @ts-expect-error there is no such kind of scope
createClient({ url: "/", session: () => ({ scope: "system:all" }) })
// @ts-expect-error a misspelt member
createClient({ url: "/", session: () => ({ userID: "alice" }) })

// The values of an enum, as a list.
same<(typeof DISK_FORMATS)[number], DiskFormat>(true)
same<(typeof VISIBILITIES)[number], "public" | "private" | "shared" | "community">(true)
// @ts-expect-error nobody may add one
DISK_FORMATS.push("qcow2")

// What failed in bulk has one of the codes.
declare const failure: BulkFailure
same<typeof failure.code, ErrorCode>(true)
// @ts-expect-error there is no such code
if (failure.code === "GONE") throw failure
const changed: BffErrorCode = "SESSION_CHANGED"
if (failure.code === changed) throw failure

// @ts-expect-error it is a query
image.listImages.mutate({})
// @ts-expect-error it is a mutation
image.deleteImage.query({ imageId })
// @ts-expect-error it is a mutation
image.uploadImage.query({ imageId, file: new Blob() })
// @ts-expect-error a wrong enum
image.listImages.query({ status: "ready" })
// A site may have formats of its own.
image.createImage.mutate({ disk_format: "qcow3", container_format: "bare" })
// @ts-expect-error a wrong enum
image.createImage.mutate({ visibility: "hidden" })
// @ts-expect-error a misspelt parameter
image.createImage.mutate({ nmae: "a" })
// @ts-expect-error a misspelt parameter beside the right ones
image.createImage.mutate({ name: "a", min_rma: 1024 })
// @ts-expect-error a parameter in another spelling
image.createImage.mutate({ diskFormat: "raw" })
// @ts-expect-error a property of the image's own needs withProperties
image.createImage.mutate({ name: "a", hw_video_model: "virtio" })
// @ts-expect-error a misspelt parameter
image.createImage.mutate(withProperties({ nmae: "a" }, { hw_video_model: "virtio" }))
// @ts-expect-error a parameter is no property
image.createImage.mutate(withProperties({ name: "a" }, { min_ram: "1024" }))
// @ts-expect-error a property is a string
image.createImage.mutate(withProperties({ name: "a" }, { hw_video_ram: 16 }))
// @ts-expect-error what Glance answers beside a parameter is not a parameter
image.createImage.mutate({ name: "a", status: "queued" })
// @ts-expect-error a misspelt parameter
image.listImages.query({ sortKey: "name" })
// @ts-expect-error a misspelt parameter beside the right one
image.getImageById.query({ imageId, imageID: imageId })
// @ts-expect-error imageId is missing
image.getImageById.query({})
// @ts-expect-error the input is missing
image.getImageById.query()
// @ts-expect-error a number is no id
image.deleteImage.mutate({ imageId: 1 })
// @ts-expect-error a text is no file
image.uploadImage.mutate({ imageId, file: "text" })
// @ts-expect-error file is missing
image.uploadImage.mutate({ imageId })
// @ts-expect-error there is no such procedure
image.listImage.query()
// @ts-expect-error a namespace is no procedure
client.compute.query()
// @ts-expect-error there is no such code
const code: BffErrorCode = "MISSING"
throw code
