// An application that has tRPC already: its link and one type import are ours, the rest is tRPC's.
import { createTRPCClient, TRPCClientError } from "@trpc/client"
import type { inferRouterInputs, inferRouterOutputs } from "@trpc/server"
import {
  BffError,
  type GlanceImage,
  type ListImagesInput,
  type UploadProgress,
  withProperties,
} from "@polaris-bff/client"
import { type AppRouter, jsonRpcLink } from "@polaris-bff/client/trpc"

type Inputs = inferRouterInputs<AppRouter>["compute"]["image"]
type Outputs = inferRouterOutputs<AppRouter>["compute"]["image"]
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(_: Same<A, B>) => {}

same<Inputs["listImages"], ListImagesInput | void>(true)
same<Outputs["listImages"], GlanceImage[]>(true)
same<Outputs["deleteImage"], boolean>(true)

export const clientOf = (url: string) =>
  createTRPCClient<AppRouter>({
    links: [jsonRpcLink({ url, headers: () => ({ "x-auth-token": "t" }) })],
  })

type Trpc = ReturnType<typeof clientOf>

/** Calls that a test looks at from the server's side. */
export async function calls({ compute: { image } }: Trpc, imageId: string): Promise<unknown> {
  const [images, , gone] = await Promise.allSettled([
    image.listImages.query(),
    image.listImagesWithPagination.query({ limit: 1, visibility: "all" }),
    image.deleteImage.mutate({ imageId }),
  ])
  const reason =
    gone.status === "rejected" ? (gone.reason as TRPCClientError<AppRouter>) : undefined
  const { code, httpStatus, path, requestId } = reason?.data ?? {}
  return {
    images,
    error: { name: reason?.name, message: reason?.message, code, httpStatus, path, requestId },
  }
}

/** Uploads by parts and by form, with progress in the context. */
export async function uploads({ compute: { image } }: Trpc, imageId: string): Promise<unknown> {
  const file = new File(["abc"], "image.raw")
  const told: UploadProgress[] = []
  const onProgress = (now: UploadProgress) => told.push(now)
  const first = await image.uploadImage.mutate({ imageId, file }, { context: { onProgress } })
  const form = new FormData()
  form.append("file", file)
  form.append("imageId", imageId)
  return [first, await image.uploadImage.mutate(form), told.at(-1)]
}

/** What tRPC makes of a call that nobody answered. */
export async function unanswered({ auth }: Trpc): Promise<unknown> {
  const error = await auth.listProjects
    .query()
    .catch((reason: TRPCClientError<AppRouter>) => reason)
  if (!(error instanceof TRPCClientError)) return error
  return [error.data, error.cause instanceof BffError && error.cause.code]
}

/** What tRPC makes of a call that its signal ended. */
export async function aborted({ auth }: Trpc): Promise<unknown> {
  const signal = AbortSignal.abort()
  const error = await auth.listProjects
    .query(undefined, { signal })
    .catch((reason: unknown) => reason)
  return error instanceof TRPCClientError && error.cause?.name
}

export function types({ compute: { image } }: Trpc, imageId: string): unknown[] {
  return [
    // @ts-expect-error it is a query
    image.listImages.mutate({}),
    // @ts-expect-error it is a mutation
    image.deleteImage.query({ imageId }),
    // @ts-expect-error a wrong enum
    image.listImages.query({ status: "ready" }),
    // @ts-expect-error a misspelt parameter
    image.listImages.query({ sortKey: "name" }),
    // @ts-expect-error a misspelt parameter
    image.createImage.mutate({ nmae: "a" }),
    image.createImage.mutate(withProperties({ name: "a" }, { hw_video_model: "virtio" })),
    (reason: TRPCClientError<AppRouter>) => reason.data?.code === "SESSION_CHANGED",
    // @ts-expect-error there is no such code
    (reason: TRPCClientError<AppRouter>) => reason.data?.code === "GONE",
    // @ts-expect-error imageId is missing
    image.getImageById.query({}),
    // @ts-expect-error the input is missing
    image.getImageById.query(),
    // @ts-expect-error there is no such procedure
    image.listImage.query(),
  ]
}
