import { defineConfig } from "vite"

// The page may be served below any prefix, so every address in it is relative.
export default defineConfig({
  base: "./",
  resolve: {
    alias: {
      "@polaris-bff/client": new URL("../clients/typescript/src/index.ts", import.meta.url)
        .pathname,
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
