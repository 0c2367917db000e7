import type { OpenApiDocument } from "./openapi.ts";

const METHODS = ["get", "post", "put", "patch", "delete"] as const;

/** A plain page that lists the routes. Everything in it is ours, yet it is escaped. */
export function docsPage(document: OpenApiDocument): string {
  const rows = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      if (operation === undefined) return [];
      return `<tr><td><code>${method.toUpperCase()} ${escape(path)}</code></td><td>${escape(operation.summary ?? "")}</td></tr>`;
    }),
  );
  return [
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Agent Runtime: routes</title>',
    "<h1>Agent Runtime</h1>",
    '<p>Every route, at this path and below <code>/v1</code>. Bodies and answers: <a href="openapi.json">openapi.json</a>.</p>',
    `<table>${rows.join("")}</table></html>`,
  ].join("\n");
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
