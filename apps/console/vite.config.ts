import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The server serves what this makes; see apps/server/src/serve. Nothing is loaded from elsewhere.
export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  plugins: [react(), tailwindcss()],
  // What Radix locks scrolling with writes style elements, which the policy of the page forbids.
  resolve: { alias: { "react-remove-scroll": `${import.meta.dirname}/src/ui/no-scroll-lock.tsx` } },
  build: {
    outDir: "../server/dist/console",
    emptyOutDir: true,
    target: "es2022",
    // The policy of the page allows no inline script, and pictures only from the server.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    manifest: true,
  },
});
