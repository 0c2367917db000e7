// What `react-lab.ts` bundles, with one React or the other.
export * as kit from "@hhopkins/agent-runtime-react";
export * as React from "react";
export { createRoot, hydrateRoot } from "react-dom/client";
export { renderToString } from "react-dom/server.browser";
