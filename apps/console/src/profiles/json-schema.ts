/** As much of JSON Schema as the server's document uses for a profile. */
export interface JsonSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly JsonSchema[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
}

export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** How a value of a schema is shown. `json`: as what it is, where there is no better way. */
export type FieldKind = "choice" | "text" | "number" | "lines" | "list" | "group" | "record" | "variants" | "json";

export function kindOf(schema: JsonSchema): FieldKind {
  const { type, items, properties, additionalProperties, anyOf, enum: choices } = schema;
  if (choices !== undefined) return "choice";
  if (anyOf !== undefined) return "variants";
  if (type === "string") return "text";
  if (type === "integer" || type === "number") return "number";
  if (type === "array" && items !== undefined) return items.type === "string" ? "lines" : "list";
  if (type === "object" && properties !== undefined) return "group";
  return type === "object" && typeof additionalProperties === "object" ? "record" : "json";
}

/** Which of `anyOf` a value is; the first where none fits. */
export function variantOf(value: Json | undefined, variants: readonly JsonSchema[]): number {
  const found = variants.findIndex((variant) => fits(value, variant));
  return Math.max(0, found);
}

function fits(value: Json | undefined, { type, required = [], properties = {} }: JsonSchema): boolean {
  if (type === "string") return typeof value === "string";
  if (!isObject(value)) return false;
  const has = (name: string): boolean => value[name] !== undefined;
  const isChosen = (name: string): boolean =>
    properties[name]?.enum?.some((choice) => choice === value[name]) !== false;
  return (
    required.every(has) && Object.keys(value).every((name) => name in properties && (!has(name) || isChosen(name)))
  );
}

/** What a variant is called: `text`, or the fields that it must have. */
export function variantName({ type, required = [] }: JsonSchema): string {
  return type === "string" ? "text" : required.filter((name) => name !== "name").join(", ");
}

/** A value to begin with: what must be there, empty. */
export function emptyOf(schema: JsonSchema): Json {
  const { properties = {}, required = [], enum: choices, anyOf } = schema;
  switch (kindOf(schema)) {
    case "choice":
      return choices?.[0] ?? "";
    case "variants":
      return anyOf?.[0] === undefined ? null : emptyOf(anyOf[0]);
    case "text":
      return "";
    case "number":
      return 0;
    case "lines":
    case "list":
      return [];
    case "group":
      return Object.fromEntries(required.map((name) => [name, emptyOf(properties[name] ?? {})]));
    case "record":
      return {};
    case "json":
      return null;
  }
}

/** Without a field that is undefined, with one that is not: where it stood, or at the end. */
export function withField(object: JsonObject, name: string, value: Json | undefined): JsonObject {
  if (value !== undefined) return { ...object, [name]: value };
  const { [name]: _gone, ...rest } = object;
  return rest;
}

/** `maxDurationMs` as `Max duration ms`, `agentMDFile` as `Agent MD file`. */
export function titleOf(name: string): string {
  const words = name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replaceAll(/([A-Z]+)([A-Z][a-z]{2,})/g, "$1 $2")
    .split(" ")
    .map((word, index) => (index === 0 || /^[A-Z]{2}/.test(word) ? word : word.toLowerCase()));
  const text = words.join(" ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
