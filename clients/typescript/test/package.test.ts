import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { after, before, test, type TestContext } from "node:test"
import { pathToFileURL } from "node:url"
import { promisify } from "node:util"
import { gzipSync } from "node:zlib"
import { build } from "vite"
import { listen, Refused, reply, textOf } from "./server.ts"

const ROOT = resolve(import.meta.dirname, "..")
const ID = "a85abd86-55b3-4413-a5b7-6cd8a6bd99ac"
const MOST_BYTES = 4096
// The oldest Node that package.json names; `make test` installs it.
const OLDEST_NODE = process.env.OLDEST_NODE ?? process.execPath

const run = async (program: string, words: string[], cwd: string) =>
  (await promisify(execFile)(program, words, { cwd, timeout: 60_000 })).stdout

let folder: string
let tarball: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "polaris-client-"))
  const [packed] = JSON.parse(
    await run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], ROOT),
  )
  tarball = join(folder, packed.filename)
  assert.deepEqual(
    [...new Set(packed.files.map(({ path }: { path: string }) => path.split("/")[0]))].sort(),
    ["LICENSE", "README.md", "dist", "package.json", "src"],
  )
})

after(() => rm(folder, { recursive: true, force: true }))

/** An empty project into which the packed file was installed, and nothing else. */
async function project(name: string, ...files: string[]): Promise<string> {
  const app = join(folder, name)
  await mkdir(app)
  await writeFile(join(app, "package.json"), '{ "private": true, "type": "module" }')
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", tarball], app)
  for (const file of files) await cp(join(ROOT, "test/app", file), join(app, file))
  return app
}

/** The service's two routes, with one image and one refusal. */
async function service(t: TestContext): Promise<{ url: string; requests: number[] }> {
  const requests: number[] = []
  const url = await listen(t, async (request, response) => {
    const text = await textOf(request)
    if (request.url!.includes("upload-progress")) return response.writeHead(404).end()
    if (request.url!.includes("upload-image")) {
      const whole = text === "abc" && request.url!.endsWith(`?imageId=${ID}`)
      return response.end(JSON.stringify({ success: whole, imageId: ID }))
    }
    requests.push([JSON.parse(text)].flat().length)
    return reply(response, JSON.parse(text), ({ method }) => {
      if (method.endsWith("deleteImage")) throw new Refused("NOT_FOUND", -32004, "Gone")
      return [{ id: ID }]
    })
  })
  return { url, requests }
}

const UPLOADED = { success: true, imageId: ID }
const THIN = {
  lists: [[{ id: ID }], [{ id: ID }]],
  uploads: [UPLOADED, UPLOADED],
  code: "NOT_FOUND",
}

test("the packed file works in the oldest Node", async (t) => {
  const { url, requests } = await service(t)
  const app = await project("oldest", "thin.js")
  assert.match(await run(OLDEST_NODE, ["--version"], app), /^v20\./)
  assert.deepEqual(JSON.parse(await run(OLDEST_NODE, ["thin.js", url, ID], app)), THIN)
  assert.deepEqual(requests, [2, 1])
})

test("what scripts use works in the oldest Node", async (t) => {
  const url = await listen(t, async (request, response) =>
    reply(response, JSON.parse(await textOf(request)), ({ method }) =>
      method.endsWith("Pagination") ? { images: [{ id: ID }] } : { id: ID, status: "killed" },
    ),
  )
  const app = await project("scripts", "scripts.js")
  const printed = JSON.parse(await run(OLDEST_NODE, ["scripts.js", url, ID], app))
  assert.deepEqual(printed, { ids: [ID], code: "CONFLICT" })
})

test("a Vite build of it works, and the client is under 4 KiB", async (t) => {
  const { url } = await service(t)
  const app = await project("vite", "thin.js")
  await writeFile(join(app, "index.html"), '<script type="module" src="client.js"></script>')
  await writeFile(
    join(app, "client.js"),
    'import * as all from "@polaris-bff/client"\nglobalThis.polaris = all',
  )
  const bundle = join(app, "dist", "assets")
  const settings = { root: app, configFile: false, logLevel: "error" } as const
  await build({ ...settings, build: { modulePreload: false } })
  const [file, ...others] = await readdir(bundle)
  assert.deepEqual(others, [])
  const whole = await readFile(join(bundle, file!))
  const size = gzipSync(whole, { level: 9 }).length
  t.diagnostic(`${size} bytes, minified and gzipped`)
  assert.ok(size < MOST_BYTES, `${size} bytes`)

  await build({
    ...settings,
    build: { lib: { entry: join(app, "thin.js"), formats: ["es"], fileName: "thin" } },
  })
  // Whoever does not look at a list of formats does not load it.
  assert.match(whole.toString(), /ploop/)
  assert.doesNotMatch(await readFile(join(app, "dist", "thin.js"), "utf8"), /ploop/)
  const { run: thin } = await import(pathToFileURL(join(app, "dist", "thin.js")).href)
  assert.deepEqual(await thin(url, ID), THIN)
})

const OLDEST = join(ROOT, "test/trpc-11.16/node_modules")

test("its declarations compile by themselves, with the older TypeScript too", async () => {
  const app = await project("declarations")
  await writeFile(
    join(app, "app.ts"),
    'export * from "@polaris-bff/client"\nexport * from "@polaris-bff/client/scripts"',
  )
  await compile(app, OLDEST, { skipLibCheck: false })
})

for (const [version, modules, packages, files] of [
  ["11.16", OLDEST, ["@trpc", "@tanstack", "@types", "react"], ["trpc.ts", "react.ts"]],
  ["11.25", join(ROOT, "node_modules"), ["@trpc"], ["trpc.ts"]],
] as const) {
  test(`an application on tRPC ${version} changes its link and one type`, async (t) => {
    const { url, requests } = await service(t)
    const app = await project(`trpc-${version}`, ...files)
    for (const name of packages) await symlink(join(modules, name), join(app, "node_modules", name))
    const installed = JSON.parse(await readFile(join(modules, "@trpc/client/package.json"), "utf8"))
    assert.ok(installed.version.startsWith(`${version}.`), installed.version)
    await compile(app, modules)

    const trpc = await import(pathToFileURL(join(app, "trpc.ts")).href)
    const client = trpc.clientOf(url)
    assert.deepEqual(await trpc.calls(client, ID), {
      images: { status: "fulfilled", value: [{ id: ID }] },
      error: {
        name: "TRPCClientError",
        message: "Gone",
        code: "NOT_FOUND",
        httpStatus: 400,
        path: "compute.image.deleteImage",
        requestId: "req-1",
      },
    })
    assert.deepEqual(requests, [3])
    const whole = { sent: 3, stored: 3, total: 3 }
    assert.deepEqual(await trpc.uploads(client, ID), [UPLOADED, UPLOADED, whole])
    assert.equal(await trpc.aborted(client), "AbortError")
    const nowhere = await listen(t, (request) => request.socket.destroy())
    assert.deepEqual(await trpc.unanswered(trpc.clientOf(nowhere)), [undefined, "NETWORK_ERROR"])
  })
}

/** Fails, with what the compiler says, when a project does not compile. */
async function compile(app: string, modules: string, more: object = {}): Promise<void> {
  const compilerOptions = {
    target: "ES2022",
    module: "NodeNext",
    lib: ["ES2022", "DOM", "DOM.Iterable"],
    types: [],
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    ...more,
  }
  await writeFile(join(app, "tsconfig.json"), JSON.stringify({ compilerOptions }))
  await run(join(modules, ".bin/tsc"), ["--project", app], app).catch(({ stdout }) =>
    assert.fail(stdout),
  )
}
