import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

export default defineConfig({
  // The page is served at /graphql and its files under /explorer, so that their paths are absolute.
  base: "/explorer/",
  build: {
    outDir: fileURLToPath(new URL("../../src/trenza/web/static/graphiql", import.meta.url)),
    emptyOutDir: true,
    target: "es2022",
    // A preload polyfill would be an inline script, which the content security policy refuses.
    modulePreload: { polyfill: false },
    license: { fileName: "licenses.md" },
    // Monaco is one large editor; splitting it further saves nothing on one's own machine.
    chunkSizeWarningLimit: 5000,
    // "use client" directives of the libraries mean nothing to a page without a server part.
    rolldownOptions: {
      onLog: (level, log, report) => log.code === "MODULE_LEVEL_DIRECTIVE" || report(level, log),
    },
  },
  worker: { format: "es" },
});
