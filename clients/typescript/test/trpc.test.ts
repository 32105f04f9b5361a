import assert from "node:assert/strict"
import { test, type TestContext } from "node:test"
import { createTRPCClient, type TRPCClientError } from "@trpc/client"
import type { ConnectionOptions } from "../dist/index.js"
import { type AppRouter, jsonRpcLink } from "../dist/trpc.js"
import { listen, reply, textOf } from "./server.ts"

const ID = "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac"

/** A client on tRPC, and what its server saw: address, some headers, and the body. */
async function service(t: TestContext, options: Partial<ConnectionOptions> = {}) {
  const seen: unknown[] = []
  const url = await listen(t, async (request, response) => {
    const body = await textOf(request)
    const { "x-project-id": project, "x-session-user": user, ...headers } = request.headers
    const address = request.url!.replace("/polaris-bff/", "")
    seen.push({ address, project, user, scope: headers["x-session-scope"], body })
    if (address === "rpc") return reply(response, JSON.parse(body), () => [])
    return response.end(JSON.stringify({ success: true, imageId: ID }))
  })
  const links = [jsonRpcLink({ url, ...options })]
  return { image: createTRPCClient<AppRouter>({ links }).compute.image, seen }
}

function formOf(...fields: [string, string | Blob][]): FormData {
  const form = new FormData()
  for (const [name, value] of fields) form.append(name, value)
  return form
}

const FILE: [string, Blob] = ["file", new File(["abc"], "image.raw")]
const IMAGE: [string, string] = ["imageId", ID]
const unsaid = { user: undefined, scope: undefined }

test("each field of a form counts, in any order", async (t) => {
  const { image, seen } = await service(t)
  await image.uploadImage.mutate(formOf(FILE, ["project_id", "partner"], IMAGE))
  await image.uploadImage.mutate(formOf(["project_id", "partner"], IMAGE, FILE))
  await image.uploadImage.mutate(formOf(IMAGE, ["file", new Blob(["abc"])]))
  const address = `upload-image?imageId=${ID}`
  const sent = { address, project: "partner", body: "abc", ...unsaid }
  assert.deepEqual(seen, [sent, sent, { ...sent, project: undefined }])
})

test("an empty project is sent as it is, for the server to refuse", async (t) => {
  const { image, seen } = await service(t)
  await image.uploadImage.mutate(formOf(IMAGE, FILE, ["project_id", ""]))
  assert.equal((seen[0] as { project: string }).project, "")
})

for (const [what, form, message] of [
  ["two files", formOf(IMAGE, FILE, FILE), /^file: /],
  ["two projects", formOf(["project_id", "a"], IMAGE, FILE, ["project_id", "b"]), /^project_id: /],
  ["a field that is none", formOf(IMAGE, FILE, ["project", "partner"]), /^project: /],
  ["a text for a file", formOf(IMAGE, ["file", "abc"]), /^file must be/],
  ["no file", formOf(IMAGE), /^file must be/],
  ["nothing", formOf(), /^file must be/],
] as const) {
  test(`a form with ${what} is refused, and nothing is sent`, async (t) => {
    const { image, seen } = await service(t)
    const upload = image.uploadImage.mutate(form)
    await assert.rejects(upload, ({ message: said, cause }: TRPCClientError<AppRouter>) => {
      assert.equal((cause as unknown as { code: string }).code, "BAD_REQUEST")
      return message.test(said)
    })
    assert.deepEqual(seen, [])
  })
}

test("calls and uploads name the session that the page shows", async (t) => {
  const session = () => ({ userId: "alice", scope: "project:demo" }) as const
  const { image, seen } = await service(t, { session })
  await image.listImages.query()
  await image.uploadImage.mutate(formOf(IMAGE, FILE))
  const named = (seen as { user: string; scope: string }[]).map(({ user, scope }) => [user, scope])
  assert.deepEqual(named, [
    ["alice", "project:demo"],
    ["alice", "project:demo"],
  ])
})
