import { createTRPCClient } from "@trpc/client"
import { type AppRouter, jsonRpcLink } from "@polaris-bff/client/trpc"

const headers = { "x-auth-token": process.env.TOKEN! }

export const client = createTRPCClient<AppRouter>({
  links: [jsonRpcLink({ url: process.env.BFF_URL!, headers })],
})
