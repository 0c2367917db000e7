import { PROTOCOL_VERSION } from "@hhopkins/agent-runtime-protocol";
import type { ApiDocument } from "./docs/document.ts";
import type { RestRouter } from "./environment.ts";

/** The OpenAPI document of the routes; their paths stand below `/v1`, and the same without it. */
export function openApiDocument(router: RestRouter): ApiDocument {
  const document = router.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Agent Runtime",
      version: String(PROTOCOL_VERSION),
      description: "Sessions of AI coding agents. Live events: WebSocket at /ws, or SSE at /sessions/{id}/events.",
    },
    servers: [{ url: "/v1" }, { url: "/" }],
    security: [{ bearer: [] }, { apiKey: [] }],
  });
  return {
    ...(document as ApiDocument),
    components: {
      ...document.components,
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        apiKey: { type: "apiKey", in: "header", name: "x-api-key" },
      },
    },
  };
}
