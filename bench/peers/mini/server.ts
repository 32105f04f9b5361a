// What a team would write first: Fastify, tRPC, zod and undici in front of Glance. It has no
// sign-in and no sessions, hands on the caller's token, and answers what Glance says, if it is what
// the types promise. With UNCHECKED=1 it believes that it is.
// `node server.ts`, with PORT and GLANCE_URL; Node removes the types by itself.
import { initTRPC, TRPCError } from "@trpc/server"
import { fastifyTRPCPlugin, type CreateFastifyContextOptions } from "@trpc/server/adapters/fastify"
import fastify from "fastify"
import { Pool } from "undici"
import { z } from "zod"

const glance = new Pool(process.env.GLANCE_URL!, { connections: 1000, pipelining: 1 })

function createContext({ req }: CreateFastifyContextOptions) {
  return { token: String(req.headers["x-auth-token"] ?? "") }
}

const t = initTRPC.context<typeof createContext>().create()

// What a list and a page show of an image; a site's own properties are strings beside it.
const text = z.string().nullable()
const count = z.number().int().nullable()
const Image = z.looseObject({
  id: z.uuid(),
  name: text,
  status: z.string(),
  visibility: z.enum(["public", "private", "shared", "community"]),
  disk_format: text,
  container_format: text,
  size: count,
  virtual_size: count.optional(),
  checksum: text,
  os_hash_algo: text,
  os_hash_value: text,
  os_hidden: z.boolean(),
  protected: z.boolean(),
  min_ram: z.number().int(),
  min_disk: z.number().int(),
  owner: text,
  tags: z.array(z.string()),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
})
const unchecked = process.env.UNCHECKED === "1"
const One = unchecked ? z.any() : Image
const Many = unchecked ? z.any() : z.array(Image)

async function get(path: string, token: string) {
  const headers = { accept: "application/json", "x-auth-token": token }
  const { statusCode, body } = await glance.request({ method: "GET", path, headers })
  if (statusCode !== 200) {
    const code = statusCode === 404 ? "NOT_FOUND" : "INTERNAL_SERVER_ERROR"
    throw new TRPCError({ code, message: await body.text() })
  }
  return body.json()
}

const router = t.router({
  getImageById: t.procedure
    .input(z.object({ imageId: z.uuid() }))
    .output(One)
    .query(({ input, ctx }) => get(`/v2/images/${input.imageId}`, ctx.token)),

  listImages: t.procedure
    .input(z.object({ limit: z.number().int().min(1).max(1000).default(25) }))
    .output(Many)
    .query(async ({ input, ctx }) => {
      const page = (await get(`/v2/images?limit=${input.limit}`, ctx.token)) as {
        images: unknown[]
      }
      return page.images
    }),
})

// A batch has all of its procedures' names in the path.
const server = fastify({ logger: true, routerOptions: { maxParamLength: 50000 } })
server.register(fastifyTRPCPlugin, { prefix: "/trpc", trpcOptions: { router, createContext } })
await server.listen({ host: "127.0.0.1", port: Number(process.env.PORT) })
