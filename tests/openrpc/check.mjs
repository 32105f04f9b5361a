// Reads a served openrpc.json with tools that know nothing of polaris-bff, and makes calls with them.
// Usage: node check.mjs <address of openrpc.json> <Keystone token>; prints what the calls answered.

import assert from "node:assert/strict"
import { Client, HTTPTransport, RequestManager } from "@open-rpc/client-js"
import schemaUtils from "@open-rpc/schema-utils-js"

const { MethodCallValidator, parseOpenRPCDocument, validateOpenRPCDocument } = schemaUtils

const [address, token] = process.argv.slice(2)
const document = await (await fetch(address)).json()

assert.equal(validateOpenRPCDocument(document), true)
assert.notEqual(validateOpenRPCDocument({ ...document, methods: [{ name: 1 }] }), true)

const { methods } = await parseOpenRPCDocument(structuredClone(document))
assert.ok(!JSON.stringify(methods).includes("$ref"))

const byName = (params) => Object.fromEntries(params.map(({ name, value }) => [name, value]))
const calls = new MethodCallValidator({ ...document, methods })
for (const method of methods) {
  for (const example of method.examples) {
    assert.deepEqual(calls.validate(method.name, byName(example.params)), [], method.name)
  }
}
assert.notDeepEqual(calls.validate("compute.image.getImageById", { imageId: 1 }), [])

const transport = new HTTPTransport(new URL(document["x-rpc-url"], address).href, {
  headers: { "X-Auth-Token": token },
})
const client = new Client(new RequestManager([transport]))
assert.deepEqual(await client.request({ method: "rpc.discover", params: {} }), document)

const list = methods.find(({ name }) => name === "compute.image.listImages")
const params = byName(list.examples[0].params)
const images = await client.request({ method: list.name, params })
const missing = { imageId: "c95abd86-55b3-4413-a5b7-6cd8a6bd99ae" }
const get = { method: "compute.image.getImageById", params: missing }
const error = await client.request(get).then(assert.fail, ({ code, data }) => ({ code, data }))
client.close()

const documented = methods.find(({ name }) => name === get.method).errors
assert.ok(documented.some(({ code }) => code === error.code))
console.log(JSON.stringify({ methods: methods.map(({ name }) => name), params, images, error }))
