import { defineConfig } from "vite"

const source = (name: string): string =>
  new URL(`../clients/typescript/src/${name}.ts`, import.meta.url).pathname

// The page may be served below any prefix, so every address in it is relative.
export default defineConfig({
  base: "./",
  resolve: {
    alias: {
      "@polaris-bff/client/session": source("session"),
      "@polaris-bff/client": source("index"),
    },
  },
  build: {
    outDir: "../bff/explorer/page",
    emptyOutDir: true,
    // The content security policy forbids inline scripts and data: elsewhere than in images.
    assetsInlineLimit: 0,
    modulePreload: false,
    target: "es2022",
  },
})
