// What a script does; run by the oldest Node, so it is plain JavaScript.
import { createClient } from "@polaris-bff/client"
import { images, onUnauthorized, retry, waitFor } from "@polaris-bff/client/scripts"

const [, , url, imageId] = process.argv
const layers = [onUnauthorized(() => {}), retry()]
const client = createClient({ url, layers })
const ids = []
for await (const { id } of images(client)) ids.push(id)
const error = await waitFor(client, imageId, "active").catch((reason) => reason)
console.log(JSON.stringify({ ids, code: error.code }))
