import { createHash } from "node:crypto";
import { ERROR_CODES } from "@hhopkins/agent-runtime-protocol";
import { html, raw } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";
import { anchorOf, operationsOf, unfolded, type ApiDocument, type PlacedOperation, type Schema } from "./document.ts";
import { methodHtml, operationHtml } from "./operation.ts";
import { fieldList, schemaHtml } from "./schema.ts";
import { SEARCH } from "./search.ts";
import { STYLE } from "./style.ts";

type Html = ReturnType<typeof html>;

/** Operations that belong together, by their paths; the first that fits has it. */
const GROUPS: readonly (readonly [title: string, paths: RegExp])[] = [
  ["Messages", /\/messages?(\/|$)/],
  ["Asks and subagents", /\/(asks|subagents)\//],
  ["Files", /\/(files|archive)(\/|$)/],
  ["Events and blocks", /\/(events|blocks)$/],
  ["Copies and going back", /\/(fork|rewind|export|import)$/],
  ["Sessions", /^\/sessions/],
  ["Profiles", /^\/agent-profiles/],
  ["Tokens", /^\/tokens/],
  ["Server", /./],
];
const ORDER = ["Sessions", ...GROUPS.map(([title]) => title).filter((title) => title !== "Sessions")];

/** The page of the reference, and the policy under which nothing but the page itself runs in it. */
export interface ReferencePage {
  readonly html: string;
  readonly policy: string;
}

const POLICY = [
  "default-src 'none'",
  `style-src '${hashOf(STYLE)}'`,
  `script-src '${hashOf(SEARCH)}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

/** The reference of the routes: whole without scripts, and without anything from elsewhere. */
export function referencePage(api: ApiDocument): ReferencePage {
  const document = unfolded(api);
  const operations = operationsOf(document);
  const groups = ORDER.map((title) => ({
    title,
    operations: operations.filter((one) => groupOf(one) === title),
  })).filter((group) => group.operations.length > 0);
  const schemas = Object.entries(document.components?.schemas ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Agent Runtime: API reference</title>
        ${raw(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <a class="skip" href="#main">To the routes</a>
        <div class="page">
          <nav aria-label="Routes">
            <div id="searching" hidden>
              <label for="search">Search</label>
              <input id="search" type="search" autocomplete="off" spellcheck="false" placeholder="Press / to search" />
              <p id="found" class="found" role="status"></p>
            </div>
            <details id="routes" open>
              <summary>Routes</summary>
              ${groups.map(
                (group) =>
                  html`<h2>${group.title}</h2>
                    <ul>
                      ${group.operations.map(navItem)}
                    </ul>`,
              )}
              <h2>More</h2>
              <ul>
                <li><a href="#errors">Errors</a></li>
                ${schemas.map(([name]) => html`<li><a href="#schema-${name}">${name}</a></li>`)}
              </ul>
            </details>
          </nav>
          <main id="main">
            <h1>Agent Runtime</h1>
            <p>${document.info?.description ?? ""} The same as data: <a href="openapi.json">openapi.json</a>.</p>
            <p>
              Every route stands below <code>/v1</code>. A key or a token goes along as
              <code>Authorization: Bearer …</code>, or as <code>X-Api-Key</code>. The examples take
              <code>$URL</code> and <code>$KEY</code> from the shell, and <code>client</code> from
              <code>createAgentClient({ baseUrl, apiKey })</code> of <code>@hhopkins/agent-runtime-client</code>.
            </p>
            ${groups.map(
              (group) =>
                html`<h2>${group.title}</h2>
                  ${group.operations.map((operation) => operationHtml(operation))}`,
            )}
            <h2>Errors</h2>
            ${errorTable()}
            <h2>Schemas</h2>
            ${schemas.map(([name, schema]) => schemaSection(name, schema))}
          </main>
        </div>
        ${raw(`<script>${SEARCH}</script>`)}
      </body>
    </html>`;
  // Nothing in it is waited for.
  return { html: unindented((page as HtmlEscapedString).toString()), policy: POLICY };
}

/** What templates are indented by is no part of the page, but within what is shown as it is written. */
function unindented(text: string): string {
  return text.replace(
    /(<(?:pre|style|script)[\s\S]*?<\/(?:pre|style|script)>)|\n\s+/g,
    (_all, kept: string | undefined) => kept ?? "\n",
  );
}

function groupOf({ path }: PlacedOperation): string {
  return GROUPS.find(([, paths]) => paths.test(path))?.[0] ?? "Server";
}

function navItem(operation: PlacedOperation): Html {
  return html`<li>
    <a href="#${anchorOf(operation)}"
      >${methodHtml(operation.method)} <span>${operation.operation.summary ?? operation.path}</span></a
    >
  </li>`;
}

function errorTable(): Html {
  const rows = Object.entries(ERROR_CODES).map(
    ([code, { status, title, retry }]) =>
      html`<tr id="error-${code}">
        <td>${status}</td>
        <td><code>${code}</code></td>
        <td>${title}</td>
        <td>${retry ? "yes" : ""}</td>
      </tr>`,
  );
  return html`<section id="errors" aria-label="Errors">
    <p>
      An error is a problem document (RFC 9457, <code>application/problem+json</code>):
      <a href="#schema-Problem">Problem</a>, whose <code>error</code> is one of these. Some stand in turns and statuses
      of sandboxes alone.
    </p>
    <table>
      <thead>
        <tr>
          <th>Status</th>
          <th>Code</th>
          <th>Meaning</th>
          <th>The same again may do</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </section>`;
}

function schemaSection(name: string, schema: Schema): Html {
  return html`<section id="schema-${name}" aria-labelledby="schema-${name}-title">
    <h3 id="schema-${name}-title">
      <span class="path">${name}</span> <a class="anchor" href="#schema-${name}" aria-label="Link to ${name}">#</a>
    </h3>
    ${schema.description === undefined ? "" : html`<p class="summary">${schema.description}</p>`}
    ${schema.properties === undefined ? schemaHtml({ ...schema, description: "" }) : fieldList(schema)}
  </section>`;
}
