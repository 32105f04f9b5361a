import { createClient } from "@polaris-bff/client"

const headers = { "x-auth-token": process.env.TOKEN! }

export const client = createClient({ url: process.env.BFF_URL!, headers })
