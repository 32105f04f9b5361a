import assert from "node:assert/strict"
import { getEventListeners } from "node:events"
import { test } from "node:test"
import { BffError, type ConnectionOptions, createClient, withProperties } from "../dist/index.js"
import { bff, type Call, listen, Refused, type Seen, textOf } from "./server.ts"

const PAGE = "<html><h1>502 Bad Gateway</h1></html>"

const rejected = async (call: Promise<unknown>): Promise<BffError> => {
  const error = await call.then(
    () => assert.fail("it should have failed"),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof BffError, String(error))
  return error
}

const echo = ({ params }: Call) => params
const image = (name: string) => ({ imageId: name })

test("three calls of one turn are one request, and each gets its own answer", async (t) => {
  const { url, seen } = await bff(t, echo)
  const { getImageById } = createClient({ url }).compute.image
  const answers = await Promise.all(["a", "b", "c"].map((name) => getImageById.query(image(name))))
  assert.deepEqual(answers, [image("a"), image("b"), image("c")])
  assert.equal(seen.length, 1)
  assert.equal(seen[0]!.url, "/polaris-bff/rpc")
  assert.equal(seen[0]!.method, "POST")
  assert.equal(seen[0]!.headers["content-type"], "application/json")
})

test("calls that other awaits delay a little share the request", async (t) => {
  const { url, seen } = await bff(t, echo)
  const { getImageById } = createClient({ url }).compute.image
  const later = async (name: string) => {
    await Promise.resolve()
    await Promise.resolve()
    return getImageById.query(image(name))
  }
  await Promise.all([later("a"), getImageById.query(image("b"))])
  assert.equal(seen.length, 1)
})

test("a single call is no batch, and its input may be left out", async (t) => {
  const { url, seen } = await bff(t, () => [])
  assert.deepEqual(await createClient({ url }).auth.listProjects.query(), [])
  assert.deepEqual(seen[0]!.json, { jsonrpc: "2.0", id: 1, method: "auth.listProjects" })
})

test("a name that every object has is no upload", async (t) => {
  const { url, seen } = await bff(t, () => true)
  const { hasOwnProperty } = createClient({ url }) as unknown as {
    hasOwnProperty: { mutate(): Promise<unknown> }
  }
  assert.equal(await hasOwnProperty.mutate(), true)
  assert.deepEqual(seen[0]!.json, { jsonrpc: "2.0", id: 1, method: "hasOwnProperty" })
})

test("250 calls are three requests of 100 calls at most", async (t) => {
  const { url, seen } = await bff(t, echo)
  const { getImageById } = createClient({ url }).compute.image
  const names = Array.from({ length: 250 }, (_, index) => `image ${index}`)
  const answers = await Promise.all(names.map((name) => getImageById.query(image(name))))
  assert.deepEqual(answers, names.map(image))
  const sizes = seen.map(({ json }) => [json].flat().length)
  assert.deepEqual(sizes.sort(), [100, 100, 50])
})

for (const batch of [1, 0, -1]) {
  test(`the limit of a batch is the caller's; ${batch} sends each call alone`, async (t) => {
    const { url, seen } = await bff(t, () => [])
    const { listProjects } = createClient({ url, batch }).auth
    await Promise.all([listProjects.query(), listProjects.query()])
    assert.deepEqual(
      seen.map(({ json }) => Array.isArray(json)),
      [false, false],
    )
  })
}

test("a call that fails does not fail its neighbours, and says why", async (t) => {
  const issues = [{ path: ["limit"], message: "limit: too many", code: "less_than_equal" }]
  const { url } = await bff(t, ({ method, params }) => {
    if (method.endsWith("listImages")) throw new Refused("BAD_REQUEST", -32602, "No", { issues })
    return params
  })
  const { compute } = createClient({ url })
  const [good, bad] = await Promise.allSettled([
    compute.image.getImageById.query(image("a")),
    compute.image.listImages.query({ limit: 5000 }),
  ])
  assert.deepEqual(good, { status: "fulfilled", value: image("a") })
  assert.ok(bad.status === "rejected" && bad.reason instanceof BffError)
  const { name, code, number, message, requestId, data } = bad.reason
  assert.deepEqual(
    { name, code, number, message, requestId },
    {
      name: "BffError",
      code: "BAD_REQUEST",
      number: -32602,
      message: "No",
      requestId: "req-1",
    },
  )
  assert.equal(data.path, "compute.image.listImages")
  assert.deepEqual(bad.reason.issues, issues)
})

test("an input that cannot be written as JSON fails alone", async (t) => {
  const { url } = await bff(t, echo)
  const { image: api } = createClient({ url }).compute
  const [good, bad] = await Promise.allSettled([
    api.getImageById.query(image("a")),
    api.createImage.mutate({ min_ram: 1n as unknown as number }),
  ])
  assert.equal(good.status, "fulfilled")
  assert.ok(bad.status === "rejected" && bad.reason instanceof TypeError)
})

test("abort of one call does not abort the others of its batch", async (t) => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>()
  const { url, seen } = await bff(t, async ({ params }) => {
    arrive()
    await gate
    return params
  })
  const { getImageById } = createClient({ url }).compute.image
  const controller = new AbortController()
  const first = getImageById.query(image("a"), { signal: controller.signal })
  const second = getImageById.query(image("b"))
  await arrived
  controller.abort(new Error("not needed"))
  await assert.rejects(first, /not needed/)
  open()
  assert.deepEqual(await second, image("b"))
  assert.equal(seen.length, 1)
})

test("when every call of a batch is aborted, so is the request", async (t) => {
  const { promise: closed, resolve: close } = Promise.withResolvers<void>()
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>()
  const url = await listen(t, async (request, response) => {
    response.on("close", close)
    await textOf(request)
    arrive()
  })
  const { listImages } = createClient({ url }).compute.image
  const controllers = [new AbortController(), new AbortController()]
  const calls = controllers.map(({ signal }) => listImages.query({}, { signal }))
  const settled = Promise.allSettled(calls)
  await arrived
  for (const controller of controllers) controller.abort()
  await closed
  const names = (await settled).map((call) => call.status === "rejected" && call.reason.name)
  assert.deepEqual(names, ["AbortError", "AbortError"])
})

test("a call that is aborted before it is sent is never sent", async (t) => {
  const { url, seen } = await bff(t, echo)
  const { getImageById } = createClient({ url }).compute.image
  const controller = new AbortController()
  const calls = [
    getImageById.query(image("a"), { signal: AbortSignal.abort() }),
    getImageById.query(image("b"), { signal: controller.signal }),
    getImageById.query(image("c")),
  ]
  controller.abort()
  const states = (await Promise.allSettled(calls)).map(({ status }) => status)
  assert.deepEqual(states, ["rejected", "rejected", "fulfilled"])
  assert.deepEqual(
    [seen[0]!.json].flat().map(({ params }) => params),
    [image("c")],
  )
})

test("a signal that outlives its calls is let go of", async (t) => {
  const { url } = await bff(t, () => [])
  const { signal } = new AbortController()
  await createClient({ url }).compute.image.listImages.query({}, { signal })
  assert.equal(getEventListeners(signal, "abort").length, 0)
})

test("a batch that is refused whole fails each of its calls with the reason", async (t) => {
  const data = { code: "PAYLOAD_TOO_LARGE", httpStatus: 413, requestId: "req-2" }
  const url = await listen(t, async (request, response) => {
    await textOf(request)
    response.statusCode = 413
    response.end(
      JSON.stringify({
        jsonrpc: "2.0",
        id: null,
        error: { code: -32013, message: "Too long", data },
      }),
    )
  })
  const { listProjects } = createClient({ url }).auth
  for (const call of [listProjects.query(), listProjects.query()].map(rejected)) {
    const { code, message, requestId } = await call
    assert.deepEqual([code, message, requestId], ["PAYLOAD_TOO_LARGE", "Too long", "req-2"])
  }
})

const ANSWERS: [string, number, string, string][] = [
  ["a proxy's page for 502", 502, PAGE, "BAD_GATEWAY"],
  ["a proxy's page for 503", 503, PAGE, "SERVICE_UNAVAILABLE"],
  ["a proxy's page for 413", 413, PAGE, "PAYLOAD_TOO_LARGE"],
  ["a sign-in page", 200, PAGE, "BAD_RESPONSE"],
  ["nothing", 200, "", "BAD_RESPONSE"],
  ["JSON of another service", 200, '{"ok":true}', "BAD_RESPONSE"],
  ["an error of another service", 401, '{"error":"no token"}', "UNAUTHORIZED"],
  ["a JSON text", 418, '"teapot"', "BAD_RESPONSE"],
  ["null", 200, "null", "BAD_RESPONSE"],
  ["a batch without this call", 200, "[]", "BAD_RESPONSE"],
  ["a result for nobody", 200, '{"jsonrpc":"2.0","id":null,"result":[]}', "BAD_RESPONSE"],
  ["the answer to another call", 200, '{"jsonrpc":"2.0","id":77,"result":[]}', "BAD_RESPONSE"],
  [
    "the BFF's word on a wrong address",
    404,
    '{"error":{"code":-32004,"message":"nothing here","data":{"code":"NOT_FOUND","httpStatus":404}}}',
    "NOT_FOUND",
  ],
]

for (const [what, status, body, code] of ANSWERS) {
  test(`${what} is ${code}`, async (t) => {
    const url = await listen(t, async (request, response) => {
      await textOf(request)
      response.writeHead(status, { "x-openstack-request-id": "req-3" }).end(body)
    })
    const error = await rejected(createClient({ url }).auth.listProjects.query())
    assert.equal(error.code, code)
    assert.equal(error.data.path, "auth.listProjects")
    if (error.number === undefined) {
      assert.equal(error.data.httpStatus, status)
      assert.equal(error.requestId, "req-3")
    }
  })
}

test("a server that cannot be reached is NETWORK_ERROR, with its cause", async (t) => {
  const url = await listen(t, (request) => request.socket.destroy())
  const error = await rejected(createClient({ url }).auth.listProjects.query())
  assert.equal(error.code, "NETWORK_ERROR")
  assert.ok(error.cause instanceof TypeError)
})

test("an answer that breaks off is NETWORK_ERROR", async (t) => {
  const url = await listen(t, async (request, response) => {
    await textOf(request)
    response.writeHead(200, { "content-length": "1000" }).write("[")
    response.socket!.end()
  })
  assert.equal(
    (await rejected(createClient({ url }).auth.listProjects.query())).code,
    "NETWORK_ERROR",
  )
})

test("a redirect is not followed: another server gets neither token nor input", async (t) => {
  const other = await bff(t, () => [])
  const url = await listen(t, (_, response) =>
    response.writeHead(307, { location: `${other.url}/rpc` }).end(),
  )
  const headers = { "x-auth-token": "secret" }
  const error = await rejected(createClient({ url, headers }).auth.listProjects.query())
  assert.equal(error.code, "NETWORK_ERROR")
  assert.equal(other.seen.length, 0)
})

test("headers are asked for before each request, and may take their time", async (t) => {
  const { url, seen } = await bff(t, () => [])
  let count = 0
  const headers = async () => ({ "x-auth-token": `token ${++count}` })
  const { auth } = createClient({ url, headers })
  await Promise.all([auth.listProjects.query(), auth.listProjects.query()])
  await auth.listProjects.query()
  assert.deepEqual(
    seen.map((request) => request.headers["x-auth-token"]),
    ["token 1", "token 2"],
  )
})

test("headers that cannot be had fail the call, not the program", async (t) => {
  const { url, seen } = await bff(t, () => [])
  const headers = () => {
    throw new Error("signed out")
  }
  const error = await rejected(createClient({ url, headers }).auth.listProjects.query())
  assert.match(error.message, /signed out/)
  assert.equal(seen.length, 0)
})

test("a fetch of the caller's own is used, with cookies as asked", async () => {
  const inits: RequestInit[] = []
  const fetch = async (_: unknown, init?: RequestInit) => {
    inits.push(init!)
    return Response.json({ jsonrpc: "2.0", id: 1, result: [] })
  }
  await createClient({ url: "/polaris-bff", fetch }).auth.listProjects.query()
  await createClient({
    url: "/polaris-bff",
    fetch,
    credentials: "include",
  }).auth.listProjects.query()
  assert.deepEqual(
    inits.map(({ credentials }) => credentials),
    ["same-origin", "include"],
  )
})

for (const end of ["", "/", "/rpc", "/rpc/"]) {
  test(`an address may end with '${end}'`, async (t) => {
    const { url, seen } = await bff(t, () => [])
    await createClient({ url: url + end }).auth.listProjects.query()
    assert.equal(seen[0]!.url, "/polaris-bff/rpc")
  })
}

test("soft mode asks for no errors, and answers undefined or false", async (t) => {
  const { url, seen } = await bff(t, ({ method }) =>
    method.endsWith("deleteImage") ? false : null,
  )
  const { image: api } = createClient({ url, soft: true }).compute
  const answers = [api.getImageById.query(image("a")), api.deleteImage.mutate(image("a"))]
  assert.deepEqual(await Promise.all(answers), [undefined, false])
  assert.equal(seen[0]!.headers["x-bff-errors"], "soft")
})

test("without soft mode null stays null, and nothing is asked for", async (t) => {
  const { url, seen } = await bff(t, () => null)
  assert.equal(await createClient({ url }).auth.getCurrentUserSession.query(), null)
  assert.equal("x-bff-errors" in seen[0]!.headers, false)
})

test("in soft mode a lost connection is undefined or false too, and onError is told", async (t) => {
  const url = await listen(t, (request) => request.socket.destroy())
  const told: BffError[] = []
  const { image: api } = createClient({
    url,
    soft: true,
    onError: (error) => told.push(error),
  }).compute
  const answers = [api.getImageById.query(image("a")), api.deleteImage.mutate(image("a"))]
  assert.deepEqual(await Promise.all(answers), [undefined, false])
  assert.deepEqual(
    told.map(({ code, data }) => [code, data.path]),
    [
      ["NETWORK_ERROR", "compute.image.getImageById"],
      ["NETWORK_ERROR", "compute.image.deleteImage"],
    ],
  )
})

test("onError is told of a failure that is thrown, and not of an abort", async (t) => {
  const { url } = await bff(t, () => {
    throw new Refused("NOT_FOUND", -32004, "gone")
  })
  const told: string[] = []
  const { getImageById } = createClient({ url, onError: ({ code }) => told.push(code) }).compute
    .image
  await rejected(getImageById.query(image("a")))
  await assert.rejects(getImageById.query(image("a"), { signal: AbortSignal.abort() }))
  assert.deepEqual(told, ["NOT_FOUND"])
})

test("the client can be awaited, printed, compared and searched without a call", async () => {
  const client = createClient({ url: "/", fetch: () => assert.fail("a call was made") })
  assert.equal(await client, client)
  assert.equal(client.compute.image, client.compute.image)
  assert.equal(client.compute.image.listImages.query, client.compute.image.listImages.query)
  const parts = client as unknown as Record<string | symbol, unknown>
  const foreign = [
    "then",
    "toJSON",
    "call",
    "apply",
    "constructor",
    "$$typeof",
    "__v_isRef",
    "@@iterator",
  ]
  for (const key of [...foreign, Symbol.iterator, Symbol.toPrimitive])
    assert.equal(parts[key], undefined)
  assert.throws(() => String(client), TypeError)
  JSON.stringify(client)
})

/** The headers that name the expected session, of each request, with the calls in it. */
const expectations = (seen: Seen[]) =>
  seen.map(({ headers, json }) => [
    headers["x-session-user"],
    headers["x-session-scope"],
    [json].flat().map(({ params }) => params!.imageId),
  ])

test("calls name the session that the page shows when they are made", async (t) => {
  const { url, seen } = await bff(t, echo)
  let shown: ReturnType<NonNullable<ConnectionOptions["session"]>>
  const { getImageById } = createClient({ url, session: () => shown }).compute.image
  const calls = []
  for (const session of [
    { userId: "alice", scope: "project:demo" },
    { userId: "alice", scope: "project:demo" },
    { userId: "alice", scope: "project:partner" },
    { userId: "bob", scope: "unscoped" },
    { userId: "bob" },
    { scope: "domain:default" },
    undefined,
    null,
    {},
  ] as const) {
    shown = session
    calls.push(getImageById.query(image(String(calls.length))))
  }
  shown = { userId: "mallory" }
  await Promise.all(calls)
  const key = ([, , ids]: unknown[]) => Number((ids as string[])[0])
  assert.deepEqual(
    expectations(seen).sort((a, b) => key(a) - key(b)),
    [
      ["alice", "project:demo", ["0", "1"]],
      ["alice", "project:partner", ["2"]],
      ["bob", "unscoped", ["3"]],
      ["bob", undefined, ["4"]],
      [undefined, "domain:default", ["5"]],
      [undefined, undefined, ["6", "7", "8"]],
    ],
  )
})

test("headers that take their time do not change the session that a call is meant for", async (t) => {
  const { url, seen } = await bff(t, echo)
  let userId = "alice"
  const headers = async () => ((userId = "bob"), { "x-auth-token": "t" })
  const session = () => ({ userId })
  await createClient({ url, session, headers }).compute.image.getImageById.query(image("a"))
  assert.deepEqual(expectations(seen), [["alice", undefined, ["a"]]])
})

test("another session than expected is SESSION_CHANGED", async (t) => {
  const { url } = await bff(t, () => {
    throw new Refused("SESSION_CHANGED", -32019, "This session is another user's")
  })
  const session = () => ({ userId: "" })
  const { code, number } = await rejected(createClient({ url, session }).auth.listProjects.query())
  assert.deepEqual([code, number], ["SESSION_CHANGED", -32019])
})

test("a session that cannot be told fails the call, which is not sent", async (t) => {
  const { url, seen } = await bff(t, echo)
  const session = () => {
    throw new Error("the store is not ready")
  }
  const call = createClient({ url, session }).auth.listProjects.query()
  await assert.rejects(call, /the store is not ready/)
  assert.deepEqual(seen, [])
})

test("an image's own properties go beside its parameters, which win", async (t) => {
  const { url } = await bff(t, echo)
  const { createImage } = createClient({ url }).compute.image
  const own = { hw_video_model: "virtio", "trait:X": "1" }
  const input = withProperties({ name: "a" }, own)
  assert.deepEqual(await createImage.mutate(input), { name: "a", ...own })
  const loose: Record<string, string> = { name: "b" }
  assert.deepEqual(withProperties({ name: "a" }, loose), { name: "a" })
})
