// The helpers that tRPC has for React; read by tsc only.
import { QueryClient, useMutation, useQuery } from "@tanstack/react-query"
import { createTRPCReact } from "@trpc/react-query"
import { createTRPCOptionsProxy } from "@trpc/tanstack-react-query"
import type { GlanceImage } from "@polaris-bff/client"
import type { AppRouter } from "@polaris-bff/client/trpc"
import { clientOf } from "./trpc.ts"

const hooks = createTRPCReact<AppRouter>()
const client = clientOf("/polaris-bff")
const options = createTRPCOptionsProxy<AppRouter>({ client, queryClient: new QueryClient() })

export function useImages(imageId: string): (GlanceImage[] | undefined)[] {
  const { image } = hooks.compute
  const remove = image.deleteImage.useMutation()
  const upload = useMutation(options.compute.image.uploadImage.mutationOptions())
  remove.mutate({ imageId })
  upload.mutate({ imageId, file: new Blob() })
  // @ts-expect-error it is a query
  image.listImages.useMutation()
  // @ts-expect-error a wrong enum
  image.listImages.useQuery({ status: "ready" })
  // @ts-expect-error imageId is missing
  useQuery(options.compute.image.getImageById.queryOptions({}))
  return [
    image.listImages.useQuery({ status: "active" }).data,
    useQuery(options.compute.image.listImages.queryOptions({ limit: 1 })).data,
  ]
}
