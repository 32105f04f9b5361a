// What an application without tRPC does; also run by the oldest Node, so it is plain JavaScript.
import { createClient } from "@polaris-bff/client"

export const run = async (url, imageId) => {
  const { image } = createClient({ url }).compute
  const lists = await Promise.all([image.listImages.query(), image.listImages.query({ limit: 1 })])
  const file = new Blob(["abc"]).stream()
  const uploads = [await image.uploadImage.mutate({ imageId, file: new Blob(["abc"]) })]
  if (globalThis.process) uploads.push(await image.uploadImage.mutate({ imageId, file }))
  const { code } = await image.deleteImage.mutate({ imageId }).catch((error) => error)
  return { lists, uploads, code }
}

if (globalThis.process?.argv[3]) console.log(JSON.stringify(await run(...process.argv.slice(2))))
