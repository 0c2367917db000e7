import { html } from "hono/html";
import type { Schema } from "./document.ts";

type Html = ReturnType<typeof html>;

/** A schema in words, with what is inside of it to unfold. */
export function schemaHtml(schema: Schema): Html {
  const inside = insideOf(schema);
  return html`<span class="type">${typeHtml(schema)}</span>${bounds(schema)}${note(schema)}${inside}`;
}

/** What it is called in one line. */
function typeHtml(schema: Schema): Html {
  const name = refName(schema);
  if (name !== undefined) return html`<a href="#schema-${name}">${name}</a>`;
  if (schema.const !== undefined) return html`<code>${JSON.stringify(schema.const)}</code>`;
  if (schema.enum !== undefined)
    return joined(
      schema.enum.map((value) => html`<code>${JSON.stringify(value)}</code>`),
      " | ",
    );
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices !== undefined)
    return choices.every(isShort) ? joined(choices.map(typeHtml), " | ") : html`one of ${choices.length}`;
  if (schema.type === "array") return html`list of ${typeHtml(schema.items ?? {})}`;
  if (Array.isArray(schema.type)) return html`${schema.type.join(" | ")}`;
  if (schema.type === "string" && schema.format === "binary") return html`bytes`;
  return html`${schema.type ?? "anything"}`;
}

function joined(parts: readonly Html[], between: string): Html {
  return html`${parts.map((part, index) => (index === 0 ? part : html`${between}${part}`))}`;
}

function refName({ $ref }: Schema): string | undefined {
  return $ref?.split("/").at(-1);
}

/** Whether its type says it all. */
function isShort(schema: Schema): boolean {
  const parts = schema.oneOf ?? schema.anyOf ?? (schema.items === undefined ? [] : [schema.items]);
  return fieldsOf(schema).length === 0 && parts.every(isShort);
}

function insideOf(schema: Schema): Html | string {
  const found = fieldsOf(schema);
  if (found.length > 0) return unfolding("fields", fieldList(schema));
  if (schema.type === "array" && schema.items !== undefined && !isShort(schema.items)) return insideOf(schema.items);
  const choices = schema.oneOf ?? schema.anyOf ?? [];
  if (choices.every(isShort)) return "";
  const items = choices.map((choice) => html`<li>${titleOf(choice)} ${schemaHtml(choice)}</li>`);
  return unfolding(
    `${choices.length} kinds`,
    html`<ul class="fields">
      ${items}
    </ul>`,
  );
}

/** The value by which one kind is told from the others. */
function titleOf(choice: Schema): Html | string {
  const telling = fieldsOf(choice)
    .map(([, field]) => field)
    .find((field) => field.const !== undefined || field.enum?.length === 1);
  return telling === undefined ? "" : html`<strong>${String(telling.const ?? telling.enum?.[0])}</strong>`;
}

function unfolding(label: string, content: Html): Html {
  return html`<details>
    <summary>${label}</summary>
    ${content}
  </details>`;
}

function fieldsOf({ properties = {} }: Schema): [string, Schema][] {
  return Object.entries(properties);
}

/** The fields of an object, each with what it is. */
export function fieldList(schema: Schema): Html {
  const required = new Set(schema.required);
  const items = fieldsOf(schema).map(
    ([name, field]) =>
      html`<li>
        <code class="name">${name}</code>${required.has(name) ? "" : html`<span class="optional">optional</span>`}
        ${schemaHtml(field)}
      </li>`,
  );
  return html`<ul class="fields">
    ${items}
  </ul>`;
}

/** What values it takes. Patterns that say what a name's letters are stay in the document. */
function bounds({ minimum, maximum, minLength, maxLength, maxItems, default: usual, pattern }: Schema): Html | string {
  const said = [
    ...(minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? [] : [`at least ${minimum}`]),
    ...(maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? [] : [`at most ${maximum}`]),
    ...((minLength ?? 0) > 1 ? [`at least ${minLength} characters`] : []),
    ...(maxLength === undefined ? [] : [`at most ${maxLength} characters`]),
    ...(maxItems === undefined ? [] : [`at most ${maxItems}`]),
    ...(usual === undefined ? [] : [`default ${JSON.stringify(usual)}`]),
    ...(pattern === undefined ? [] : [patternWords(pattern)]),
  ].filter((words) => words !== "");
  return said.length === 0 ? "" : html` <span class="bounds">${said.join(", ")}</span>`;
}

function patternWords(pattern: string): string {
  if (pattern.startsWith("^\\d{4}-\\d\\d-\\d\\dT")) return "ISO 8601, UTC";
  return pattern === "^[0-9a-f]{64}$" ? "SHA-256" : "";
}

function note({ description }: Schema): Html | string {
  return description === undefined ? "" : html`<p class="note">${description}</p>`;
}
