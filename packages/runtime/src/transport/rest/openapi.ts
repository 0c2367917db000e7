import { PROTOCOL_VERSION } from "@hhopkins/agent-runtime-protocol";
import type { RestRouter } from "./environment.ts";

/** The parts of an OpenAPI document that somebody here reads. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly paths?: Readonly<Record<string, Readonly<Record<string, { readonly summary?: string }>>>>;
  readonly components: object;
}

/** The OpenAPI document of the routes; their paths stand below `/v1`, and the same without it. */
export function openApiDocument(router: RestRouter): OpenApiDocument {
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
    ...(document as OpenApiDocument),
    components: {
      ...document.components,
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        apiKey: { type: "apiKey", in: "header", name: "x-api-key" },
      },
    },
  };
}
