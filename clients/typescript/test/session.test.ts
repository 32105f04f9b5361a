import assert from "node:assert/strict"
import { mock, test } from "node:test"

import { createClient } from "../dist/index.js"
import { secondsLeft, sessionEnd } from "../dist/session.js"

function watched(before?: number) {
  const said: (number | "ended")[] = []
  const end = sessionEnd({
    before,
    onExpiring: (left) => said.push(left),
    onEnded: () => said.push("ended"),
  })
  const heard = (seconds: number) =>
    end(new Response(null, { headers: { "x-session-expires-in": `${seconds}` } }))
  return { said, heard, stop: end.stop }
}

test("a session that ends is told of once in time, and once when it is over", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] })
  const { said, heard } = watched()
  heard(3600)
  t.mock.timers.tick(3_299_000)
  assert.deepEqual(said, [])
  t.mock.timers.tick(1000)
  assert.deepEqual(said, [300])
  // Answers go on to say it, give or take a second.
  t.mock.timers.tick(10_000)
  heard(289)
  heard(291)
  assert.deepEqual(said, [300])
  t.mock.timers.tick(291_000)
  assert.deepEqual(said, [300, "ended"])
  t.mock.timers.tick(9_000_000)
  assert.equal(said.length, 2)
})

test("who has signed in again is told of the end of the new session", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] })
  const { said, heard, stop } = watched(60)
  heard(50)
  assert.deepEqual(said, [50])
  heard(3600)
  t.mock.timers.tick(3_539_999)
  assert.deepEqual(said, [50])
  t.mock.timers.tick(1)
  assert.deepEqual(said, [50, 60])
  stop()
  t.mock.timers.tick(9_000_000)
  assert.deepEqual(said, [50, 60])
})

test("a session that lasts longer than a timer, and one that is over", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] })
  const { said, heard, stop } = watched()
  heard(10 ** 7)
  t.mock.timers.tick(2 ** 31)
  assert.deepEqual(said, [])
  stop()
  heard(0)
  assert.deepEqual(said, ["ended"])
})

test("the client hears it of each answer that says it", async () => {
  const left = ["1200", undefined, "0"]
  const onResponse = mock.fn(secondsLeft)
  const fetch = async () => {
    const next = left.shift()
    const headers: HeadersInit = next ? { "x-session-expires-in": next } : {}
    return Response.json({ jsonrpc: "2.0", id: null, result: null }, { headers })
  }
  const client = createClient({ url: "http://bff", fetch, onResponse })
  for (let calls = 0; calls < 3; calls++)
    await client.auth.getCurrentUserSession.query().catch(() => {})
  assert.deepEqual(
    onResponse.mock.calls.map((call) => call.result),
    [1200, undefined, 0],
  )
})
