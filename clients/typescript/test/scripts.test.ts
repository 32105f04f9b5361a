import assert from "node:assert/strict"
import { getEventListeners } from "node:events"
import { test, type TestContext } from "node:test"
import { BffError, createClient, type Layer } from "../dist/index.js"
import { images, onUnauthorized, retry, waitFor } from "../dist/scripts.js"
import { bff, type Call, listen, Refused, textOf } from "./server.ts"

const ID = "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac"
const refusing = (code: string, more: object = {}) => new Refused(code, -32000, code, more)

const failed = async (call: Promise<unknown>): Promise<BffError> => {
  const error = await call.then(
    () => assert.fail("it should have failed"),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof BffError, String(error))
  return error
}

/** Has waits end at once, and returns how long each would have been: those of fractions, as no other code's. */
function waits(t: TestContext): number[] {
  const real = globalThis.setTimeout
  const asked: number[] = []
  t.mock.method(Math, "random", () => 0.25)
  const wait = (end: () => void, milliseconds = 0, ...more: []) => {
    if (Number.isInteger(milliseconds)) return real(end, milliseconds, ...more)
    asked.push(milliseconds)
    return real(end, 0)
  }
  t.mock.method(globalThis, "setTimeout", wait)
  return asked
}

// --- images

const PAGES: Record<string, object> = {
  "": { images: [{ id: "1" }, { id: "2" }], next: "/v2/images?marker=2" },
  "/v2/images?marker=2": { images: [], next: "/v2/images?marker=3" },
  "/v2/images?marker=3": { images: [{ id: "3" }] },
}

const page = ({ params }: Call) => PAGES[(params as { next?: string }).next ?? ""]

test("images are read page by page, each page in the same project", async (t) => {
  const { url, seen } = await bff(t, page)
  const filters = { limit: 2, project_id: "p2" }
  const ids = []
  for await (const image of images(createClient({ url }), filters)) ids.push(image.id)
  assert.deepEqual(ids, ["1", "2", "3"])
  const [first, second, third] = seen.map(({ json }) => (json as Call).params)
  assert.deepEqual(first, filters)
  assert.deepEqual(second, { ...filters, next: "/v2/images?marker=2" })
  assert.deepEqual(third, { ...filters, next: "/v2/images?marker=3" })
})

test("whoever leaves the loop asks for no more pages", async (t) => {
  const { url, seen } = await bff(t, page)
  for await (const image of images(createClient({ url }))) if (image.id === "2") break
  assert.equal(seen.length, 1)
})

test("pages without an image that do not end are an error", async (t) => {
  let sent = 0
  const { url } = await bff(t, () => ({
    images: ++sent === 2 ? [{ id: "1" }] : [],
    next: "/v2/images?marker=1",
  }))
  const ids: string[] = []
  const all = async () => {
    for await (const image of images(createClient({ url }), { search: "x" })) ids.push(image.id)
  }
  const error = await failed(all())
  assert.equal(error.code, "BAD_RESPONSE")
  assert.match(error.message, /there is no end/)
  assert.deepEqual([ids, sent], [["1"], 1002])
})

test("a page that fails ends the loop with its reason", async (t) => {
  const { url } = await bff(t, (call) => {
    if ((call.params as { next?: string }).next) throw refusing("BAD_REQUEST")
    return page(call)
  })
  const ids: string[] = []
  const all = async () => {
    for await (const image of images(createClient({ url }))) ids.push(image.id)
  }
  assert.equal((await failed(all())).code, "BAD_REQUEST")
  assert.deepEqual(ids, ["1", "2"])
})

test("a loop can be ended by a signal", async (t) => {
  const { url } = await bff(t, page)
  const signal = AbortSignal.abort(new Error("enough"))
  await assert.rejects(images(createClient({ url }), {}, { signal }).next(), /enough/)
})

// --- waitFor

/** A server whose image has one status after the other; the last one stays. */
const ageing = (t: TestContext, ...statuses: (string | null)[]) =>
  bff(t, () => ({ id: ID, status: statuses.length > 1 ? statuses.shift() : statuses[0] }))

test("an image is waited for until it has the status", async (t) => {
  const { url, seen } = await ageing(t, "queued", "saving", "queued", "importing", "active")
  const asked = waits(t)
  const options = { interval: 100.5, project_id: "p2" }
  const image = await waitFor(createClient({ url }), ID, "active", options)
  assert.deepEqual(image, { id: ID, status: "active" })
  assert.equal(seen.length, 5)
  assert.deepEqual((seen[0]!.json as Call).params, { imageId: ID, project_id: "p2" })
  assert.deepEqual(asked, [100.5, 150.75, 226.125, 339.1875])
})

const LOST = [
  ["killed", "active"],
  ["deleted", "active"],
  ["pending_delete", "deactivated"],
  ["active", "queued"],
  ["deactivated", "saving"],
  ["a status of a newer Glance", "active"],
  [null, "active"],
] as const

for (const [now, status] of LOST) {
  test(`an image that is ${now} cannot become ${status}, and that is said at once`, async (t) => {
    const { url, seen } = await ageing(t, now)
    const error = await failed(waitFor(createClient({ url }), ID, status))
    assert.equal(error.code, "CONFLICT")
    assert.equal(error.message, `Image ${ID} is ${now}, and can no longer become ${status}`)
    assert.equal(seen.length, 1)
  })
}

for (const now of ["queued", "active"]) {
  test(`an image that is ${now} can become deactivated`, async (t) => {
    const { url } = await ageing(t, now, "deactivated")
    const image = await waitFor(createClient({ url }), ID, "deactivated", { interval: 1 })
    assert.equal(image.status, "deactivated")
  })
}

test("an image that is gone is waited for no longer", async (t) => {
  const { url } = await bff(t, () => {
    throw refusing("NOT_FOUND")
  })
  assert.equal((await failed(waitFor(createClient({ url }), ID, "active"))).code, "NOT_FOUND")
})

test("the wait ends with its time, between two looks and during one", async (t) => {
  const { url } = await ageing(t, "queued")
  const silent = await listen(t, textOf)
  for (const [address, interval] of [
    [url, 1e8],
    [silent, 1],
  ] as const) {
    const options = { timeout: 50, interval }
    const error = await failed(waitFor(createClient({ url: address }), ID, "active", options))
    assert.equal(error.code, "TIMEOUT")
    assert.match(error.message, /is not active after 50 ms/)
  }
})

test("a wait without an end is no wait of nothing", async (t) => {
  const { url } = await ageing(t, "queued", "active")
  const options = { timeout: Infinity, interval: 1 }
  assert.equal((await waitFor(createClient({ url }), ID, "active", options)).status, "active")
})

test("a wait can be ended by a signal, which is then let go of", async (t) => {
  const { url } = await ageing(t, "queued")
  const controller = new AbortController()
  const { signal } = controller
  const wait = waitFor(createClient({ url, layers: [abortAfter(controller)] }), ID, "active", {
    signal,
    interval: 1e8,
  })
  await assert.rejects(wait, /enough/)
  assert.equal(getEventListeners(signal, "abort").length, 0)
  await assert.rejects(waitFor(createClient({ url }), ID, "active", { signal }), /enough/)
})

/** A layer that aborts when a call was answered. */
const abortAfter =
  (controller: AbortController): Layer =>
  (next) =>
  async (...call) => {
    const answer = await next(...call)
    setTimeout(() => controller.abort(new Error("enough")))
    return answer
  }

// --- retry

/** A server that fails so many times before it answers. */
const failing = (t: TestContext, times: number, code: string, more: object = {}) =>
  bff(t, () => {
    if (times-- > 0) throw refusing(code, more)
    return []
  })

for (const code of ["TOO_MANY_REQUESTS", "BAD_GATEWAY", "SERVICE_UNAVAILABLE", "GATEWAY_TIMEOUT"]) {
  test(`a query that failed as ${code} is made again, after growing pauses`, async (t) => {
    const { url, seen } = await failing(t, 3, code)
    const asked = waits(t)
    const client = createClient({ url, layers: [retry({ pause: 1000.5 })] })
    assert.deepEqual(await client.compute.image.listImages.query(), [])
    assert.equal(seen.length, 4)
    assert.deepEqual(asked, [250.125, 500.25, 1000.5])
  })
}

test("a query is made again when nobody answered", async (t) => {
  let times = 2
  const url = await listen(t, async (request, response) => {
    if (times-- > 0) return request.socket.destroy()
    const { id } = JSON.parse(await textOf(request))
    response.end(JSON.stringify({ jsonrpc: "2.0", id, result: [] }))
  })
  const client = createClient({ url, layers: [retry({ pause: 1 })] })
  assert.deepEqual(await client.auth.listProjects.query(), [])
})

test("without the layer, nothing is made again", async (t) => {
  const { url, seen } = await failing(t, 1, "SERVICE_UNAVAILABLE")
  await failed(createClient({ url }).compute.image.listImages.query())
  assert.equal(seen.length, 1)
})

test("a mutation is never made again", async (t) => {
  const { url, seen } = await failing(t, 1, "SERVICE_UNAVAILABLE")
  const client = createClient({ url, layers: [retry({ pause: 1 })] })
  await failed(client.compute.image.deleteImage.mutate({ imageId: ID }))
  assert.equal(seen.length, 1)
})

for (const code of ["NOT_FOUND", "UNAUTHORIZED", "TIMEOUT", "INTERNAL_SERVER_ERROR"]) {
  test(`${code} does not pass, and is said at once`, async (t) => {
    const { url, seen } = await failing(t, 1, code)
    const client = createClient({ url, layers: [retry({ pause: 1 })] })
    assert.equal((await failed(client.compute.image.listImages.query())).code, code)
    assert.equal(seen.length, 1)
  })
}

test("after the last try the error is thrown", async (t) => {
  const { url, seen } = await failing(t, 9, "BAD_GATEWAY")
  const client = createClient({ url, layers: [retry({ tries: 2, pause: 1 })] })
  assert.equal((await failed(client.auth.listProjects.query())).code, "BAD_GATEWAY")
  assert.equal(seen.length, 2)
})

test("a server that asks for a pause gets it, and a little more", async (t) => {
  const { url } = await failing(t, 1, "TOO_MANY_REQUESTS", { retryAfter: 7 })
  const asked = waits(t)
  await createClient({ url, layers: [retry({ pause: 1 })] }).auth.listProjects.query()
  assert.deepEqual(asked, [7000.25])
})

test("a server that asks for too long a pause is not asked again", async (t) => {
  const { url, seen } = await failing(t, 1, "TOO_MANY_REQUESTS", { retryAfter: 3600 })
  const client = createClient({ url, layers: [retry()] })
  assert.equal((await failed(client.auth.listProjects.query())).data.retryAfter, 3600)
  assert.equal(seen.length, 1)
})

const inAnHour = () => new Date(Date.now() + 3_600_000).toUTCString()

for (const [header, least, most] of [
  ["120", 120, 120],
  [inAnHour(), 3500, 3600],
  ["Thu, 01 Jan 1970 00:00:00 GMT", undefined, undefined],
  ["soon", undefined, undefined],
  ["-1", undefined, undefined],
] as const) {
  test(`a proxy's Retry-After ${header} is understood`, async (t) => {
    const url = await listen(t, async (request, response) => {
      await textOf(request)
      response.writeHead(503, { "retry-after": header }).end("<html>")
    })
    const error = await failed(createClient({ url }).auth.listProjects.query())
    const { retryAfter } = error.data
    if (least === undefined) assert.equal(retryAfter, undefined)
    else assert.ok(least <= retryAfter! && retryAfter! <= most, String(retryAfter))
  })
}

test("a pause ends with the call's signal", async (t) => {
  const { url } = await failing(t, 9, "BAD_GATEWAY")
  const controller = new AbortController()
  const failure: Layer =
    (next) =>
    (...call) =>
      next(...call).finally(() => setTimeout(() => controller.abort(new Error("enough"))))
  const client = createClient({ url, layers: [retry({ pause: 1e8, longest: 1e8 }), failure] })
  const { signal } = controller
  t.mock.method(Math, "random", () => 1)
  await assert.rejects(client.auth.listProjects.query(undefined, { signal }), /enough/)
  assert.equal(getEventListeners(signal, "abort").length, 0)
})

// --- onUnauthorized

/** A server that knows one token. */
async function guarded(t: TestContext) {
  const made: string[] = []
  let signIns = 0
  const url = await listen(t, async (request, response) => {
    const calls: Call[] = [JSON.parse(await textOf(request))].flat()
    const answers = calls.map(({ id, method }) => {
      made.push(method.split(".").pop()!)
      const isSignIn = method === "auth.createUserSession" && ++signIns === 1
      if (isSignIn || request.headers["x-auth-token"] === "new") {
        return { jsonrpc: "2.0", id, result: method }
      }
      return { jsonrpc: "2.0", id, error: refusing("UNAUTHORIZED").error }
    })
    response.end(JSON.stringify(calls.length > 1 ? answers : answers[0]))
  })
  return { url, made }
}

const USER = { user: "alice", password: "alice" }

test("a session that ended is renewed once for all calls, and each is made once more", async (t) => {
  const { url, made } = await guarded(t)
  let token = "old"
  let renewals = 0
  const renew = (error: BffError) => {
    assert.equal(error.code, "UNAUTHORIZED")
    renewals++
    token = "new"
  }
  const headers = () => ({ "x-auth-token": token })
  const client = createClient({ url, headers, batch: 1, layers: [onUnauthorized(renew)] })
  const { image } = client.compute
  const answers = await Promise.all([
    image.listImages.query(),
    image.deleteImage.mutate({ imageId: ID }),
    client.auth.listProjects.query(),
  ])
  assert.equal(renewals, 1)
  assert.equal(answers.length, 3)
  assert.equal(made.length, 6)
  await image.listImages.query()
  assert.equal(made.length, 7)
})

test("the session may be renewed by signing in with the same client", async (t) => {
  const { url, made } = await guarded(t)
  let token = "old"
  const client = createClient({
    url,
    headers: () => ({ "x-auth-token": token }),
    layers: [
      onUnauthorized(async () => {
        await client.auth.createUserSession.mutate(USER)
        token = "new"
      }),
    ],
  })
  await client.auth.listProjects.query()
  assert.deepEqual(made, ["listProjects", "createUserSession", "listProjects"])
})

test("what is refused again fails, and the next call may renew again", async (t) => {
  const { url, made } = await guarded(t)
  let renewals = 0
  const client = createClient({ url, layers: [onUnauthorized(() => renewals++)] })
  for (const count of [1, 2]) {
    assert.equal((await failed(client.auth.listProjects.query())).code, "UNAUTHORIZED")
    assert.equal(renewals, count)
    assert.equal(made.length, 2 * count)
  }
})

test("a wrong password renews nothing", async (t) => {
  const { url } = await bff(t, () => {
    throw refusing("UNAUTHORIZED")
  })
  const client = createClient({ url, layers: [onUnauthorized(() => assert.fail("renewed"))] })
  const error = await failed(client.auth.createUserSession.mutate(USER))
  assert.equal(error.code, "UNAUTHORIZED")
})

test("a renewal that fails is what the calls throw, and is tried again by later ones", async (t) => {
  const { url } = await guarded(t)
  let renewals = 0
  const renew = async () => {
    throw new Error(`no renewal ${++renewals}`)
  }
  const { listProjects } = createClient({ url, layers: [onUnauthorized(renew)] }).auth
  const settled = await Promise.allSettled([listProjects.query(), listProjects.query()])
  assert.deepEqual(
    settled.map((call) => call.status === "rejected" && call.reason.message),
    ["no renewal 1", "no renewal 1"],
  )
  await assert.rejects(listProjects.query(), /no renewal 2/)
})

test("an upload of a file is made once more, and a stream is not sent twice", async (t) => {
  let uploads = 0
  const url = await listen(t, async (request, response) => {
    await textOf(request)
    uploads++
    if (request.headers["x-auth-token"] === "new") return response.end('{"success":true}')
    response.statusCode = 401
    response.end(JSON.stringify({ error: refusing("UNAUTHORIZED").error }))
  })
  let token = "old"
  const client = createClient({
    url,
    headers: () => ({ "x-auth-token": token }),
    layers: [onUnauthorized(() => (token = "new"))],
  })
  const upload = (file: Blob | ReadableStream) =>
    client.compute.image.uploadImage.mutate({ imageId: ID, file })
  const error = await failed(upload(new Blob(["abc"]).stream()))
  assert.equal(error.code, "UNAUTHORIZED")
  assert.deepEqual([uploads, token], [1, "old"])
  assert.deepEqual(await upload(new Blob(["abc"])), { success: true })
  assert.equal(uploads, 3)
})

// --- layers

test("the first layer is the outermost, and knows what the caller named the call by", async (t) => {
  const { url } = await bff(t, () => true)
  const told: unknown[] = []
  const layer =
    (name: string): Layer =>
    (next) =>
    (path, input, options, kind) => {
      told.push([name, path, kind])
      return next(path, input, options, kind)
    }
  const client = createClient({ url, layers: [layer("outer"), layer("inner")] })
  await client.compute.image.deleteImage.mutate({ imageId: ID })
  assert.deepEqual(told, [
    ["outer", "compute.image.deleteImage", "mutate"],
    ["inner", "compute.image.deleteImage", "mutate"],
  ])
})

test("onError is told of what is left of it, once", async (t) => {
  const { url } = await failing(t, 9, "BAD_GATEWAY")
  const told: string[] = []
  const onError = ({ code }: BffError) => told.push(code)
  const client = createClient({ url, onError, layers: [retry({ tries: 3, pause: 1 })] })
  await failed(client.auth.listProjects.query())
  assert.deepEqual(told, ["BAD_GATEWAY"])
})
