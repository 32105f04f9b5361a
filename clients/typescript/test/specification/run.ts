// Runs the examples in an order in which each of them works, as an administrator:
// node run.ts, with BFF_URL and TOKEN, beside a `client.ts`.
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { readFile, writeFile } from "node:fs/promises"
import { client } from "./client.ts"

type Examples = typeof import("./examples.ts")

const { BFF_URL: url = "", TOKEN: token = "" } = process.env
const { image } = client.compute
const file = new File(["the data of an image"], "image.raw")
const BARE = { container_format: "bare", disk_format: "raw" } as const
const MEMBER = "660e8400-e29b-41d4-a716-446655440001"

/** The specification's images, by the beginning of their ids. */
interface Ids {
  a: string
  b: string
  c: string
}

/** The examples, with the ids of new images. */
async function examplesWith({ a, b, c }: Ids): Promise<Examples> {
  const text = await readFile(new URL("examples.ts", import.meta.url), "utf8")
  const real = text
    .replaceAll("a85abd86-55b3-4413-a5b7-6cd8a6bd99ac", a)
    .replaceAll("b95abd86-55b3-4413-a5b7-6cd8a6bd99ad", b)
    .replaceAll("c95abd86-55b3-4413-a5b7-6cd8a6bd99ae", c)
  const copy = new URL(`examples-${a}.ts`, import.meta.url)
  await writeFile(copy, real)
  return import(copy.href)
}

async function newImages(): Promise<Ids> {
  const ids = { a: randomUUID(), b: randomUUID(), c: randomUUID() }
  for (const id of Object.values(ids)) {
    const hw_serial = "for removal"
    await image.createImage.mutate({
      ...BARE,
      id,
      hw_serial,
      visibility: "public",
      tags: ["first"],
    })
  }
  return ids
}

/** Runs the example with a form, with what a page has in a browser. */
async function inPage(example: () => Promise<void>): Promise<void> {
  const { fetch } = globalThis
  const headers = { "x-auth-token": token }
  Object.assign(globalThis, {
    document: { getElementById: () => ({ files: [file] }) },
    fetch: (path: string, init: RequestInit) => fetch(new URL(path, url), { ...init, headers }),
  })
  await example()
  Object.assign(globalThis, { document: undefined, fetch })
}

const ids = await newImages()
const { a, b, c } = ids
const examples = await examplesWith(ids)

const created = await examples.create()
assert.deepEqual([created.status, created.os_distro, created.min_ram], ["queued", "ubuntu", 1024])

assert.deepEqual(await examples.uploadByCall(b, file), { success: true, imageId: b })
await examples.uploadByCall(c, file)
await inPage(examples.uploadByForm)
const got = await examples.get()
assert.deepEqual([got.id, got.status, got.size], [a, "active", file.size])

const lists = await examples.lists()
assert.ok(lists[1].some(({ id }) => id === a))
assert.ok(lists[2].every(({ status }) => status === "active"))
const [page, next] = await examples.pages()
assert.ok(page.images.some(({ id }) => id === a))
// There is one page; without a link, the first one is asked for again.
assert.equal(page.next, undefined)
assert.ok(next.images.length >= page.images.length)

const updated = await examples.update()
assert.equal(updated.name, "Ubuntu 22.04 LTS Updated")
assert.deepEqual(updated.tags?.toSorted(), ["first", "production"])
assert.equal("hw_serial" in updated, false)
await image.updateImageVisibility.mutate({ imageId: a, visibility: "shared" })

const member = await examples.createMember()
assert.deepEqual([member.image_id, member.member_id, member.status], [a, MEMBER, "pending"])
assert.deepEqual(
  (await examples.listMembers()).map(({ member_id }) => member_id),
  [MEMBER],
)
assert.equal((await examples.getMember()).status, "pending")
assert.equal((await examples.updateMember()).status, "accepted")
assert.equal(await examples.removeMember(), true)
assert.equal((await examples.updateVisibility()).visibility, "public")

assert.equal(await examples.deactivate(), true)
assert.equal(await examples.reactivate(), true)
assert.deepEqual(await examples.deactivateMany(), { successful: [a, b, c], failed: [] })
assert.deepEqual(await examples.activateMany(), { successful: [a, b], failed: [] })

await image.deleteImage.mutate({ imageId: c })
const { successful, failed } = await examples.removeMany()
assert.deepEqual(successful, [a, b])
assert.deepEqual(
  failed.map(({ id, error }) => ({ id, error })),
  [{ id: c, error: "404" }],
)

const others = await newImages()
assert.equal(await (await examplesWith(others)).remove(), true)
for (const imageId of [created.id, others.b, others.c]) await image.deleteImage.mutate({ imageId })
console.log("every example ran")
