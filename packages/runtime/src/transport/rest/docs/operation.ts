import { ERROR_CODES } from "@hhopkins/agent-runtime-protocol";
import { html } from "hono/html";
import { anchorOf, type Content, type PlacedOperation } from "./document.ts";
import { errorsOf } from "./errors.ts";
import { exampleOf } from "./examples.ts";
import { schemaHtml } from "./schema.ts";

type Html = ReturnType<typeof html>;

export function methodHtml(method: string): Html {
  return html`<span class="method ${method}">${method.toUpperCase()}</span>`;
}

/** What an operation takes, answers and refuses with, and how it is asked. */
export function operationHtml(placed: PlacedOperation): Html {
  const { method, path, operation } = placed;
  const anchor = anchorOf(placed);
  const { curl, client } = exampleOf(placed);
  return html`<section id="${anchor}" aria-labelledby="${anchor}-title">
    <h3 id="${anchor}-title">
      ${methodHtml(method)} <span class="path">${path}</span>
      <a class="anchor" href="#${anchor}" aria-label="Link to ${method.toUpperCase()} ${path}">#</a>
    </h3>
    <p class="summary">${operation.summary ?? ""}</p>
    <div class="two">
      <div>
        ${parametersHtml(placed)}
        ${
          operation.requestBody === undefined
            ? ""
            : html`<h4>Body</h4>
                ${contentHtml(operation.requestBody.content)}`
        }
        ${answersHtml(placed)}
      </div>
      <div>
        <h4>curl</h4>
        <pre tabindex="0"><code>${curl}</code></pre>
        ${
          client === undefined
            ? ""
            : html`<h4>Client</h4>
                <pre tabindex="0"><code>${client}</code></pre>`
        }
      </div>
    </div>
  </section>`;
}

function parametersHtml({ operation: { parameters = [] } }: PlacedOperation): Html | string {
  if (parameters.length === 0) return "";
  const items = parameters.map(
    ({ name, in: where, required, schema = {} }) =>
      html`<li>
        <code class="name">${name}</code>
        <span class="optional">${where}${required === true ? "" : ", optional"}</span> ${schemaHtml(schema)}
      </li>`,
  );
  return html`<h4>Parameters</h4>
    <ul class="fields">
      ${items}
    </ul>`;
}

function contentHtml(content: Content): Html[] {
  return Object.entries(content).map(([type, { schema }]) => {
    const isJson = type === "application/json";
    return html`<div>
      ${isJson ? "" : html`<code>${type}</code> `}${schema === undefined ? "" : schemaHtml(schema)}
    </div>`;
  });
}

function answersHtml(placed: PlacedOperation): Html {
  const answers = Object.entries(placed.operation.responses ?? {}).filter(([status]) => status !== "default");
  const codes = errorsOf(placed);
  return html`${answers.map(
    ([status, { description = "", content = {} }]) =>
      html`<h4>${status} ${description}</h4>
        ${contentHtml(content)}`,
  )}${
    codes.length === 0
      ? ""
      : html`<h4>Errors</h4>
          <ul class="codes">
            ${codes.map(
              (code) =>
                html`<li>
                  ${ERROR_CODES[code].status} <a href="#error-${code}"><code>${code}</code></a>
                </li>`,
            )}
          </ul>`
  }`;
}
