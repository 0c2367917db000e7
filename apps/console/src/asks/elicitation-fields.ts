type Schema = Readonly<Record<string, unknown>>;

/** A field of a form that an MCP server asks to be filled in. */
export interface ElicitationField {
  readonly name: string;
  readonly label: string;
  readonly description: string | undefined;
  readonly isRequired: boolean;
  readonly kind: "text" | "number" | "integer" | "boolean" | "choice" | "choices";
  /** Of text: what a browser can help with. */
  readonly inputType: "text" | "email" | "url" | "date" | "datetime-local";
  readonly options: readonly { readonly value: string; readonly label: string }[];
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly initial: FieldValue;
}

export type FieldValue = string | boolean | readonly string[];
export type FieldValues = Readonly<Record<string, FieldValue>>;

/** The fields of a schema of an object; undefined where it has any that no form here can ask for. */
export function fieldsOf(schema: unknown): readonly ElicitationField[] | undefined {
  if (!isSchema(schema)) return undefined;
  const { properties = {}, required = [] } = schema;
  if (!isSchema(properties)) return undefined;
  const needed = Array.isArray(required) ? required : [];
  const fields = Object.entries(properties).map(([name, property]) =>
    isSchema(property) ? fieldOf(name, property, needed.includes(name)) : undefined,
  );
  return fields.every((field) => field !== undefined) ? fields : undefined;
}

function fieldOf(name: string, schema: Schema, isRequired: boolean): ElicitationField | undefined {
  const kind = kindOf(schema);
  if (kind === undefined) return undefined;
  const isNumber = kind === "number" || kind === "integer";
  return {
    name,
    label: text(schema.title) ?? name,
    description: text(schema.description),
    isRequired,
    kind,
    inputType: INPUTS[text(schema.format) ?? ""] ?? "text",
    options: kind === "choices" && isSchema(schema.items) ? optionsOf(schema.items) : optionsOf(schema),
    min: number(isNumber ? schema.minimum : kind === "choices" ? schema.minItems : schema.minLength),
    max: number(isNumber ? schema.maximum : kind === "choices" ? schema.maxItems : schema.maxLength),
    initial: initialOf(kind, schema.default),
  };
}

const INPUTS: Readonly<Record<string, ElicitationField["inputType"]>> = {
  email: "email",
  uri: "url",
  date: "date",
  "date-time": "datetime-local",
};

function kindOf(schema: Schema): ElicitationField["kind"] | undefined {
  switch (schema.type) {
    case "string":
      return optionsOf(schema).length > 0 ? "choice" : "text";
    case "number":
    case "integer":
    case "boolean":
      return schema.type;
    case "array":
      return isSchema(schema.items) && optionsOf(schema.items).length > 0 ? "choices" : undefined;
    default:
      return undefined;
  }
}

/** `enum` with names beside it, or `oneOf` and `anyOf` of constants with titles. */
function optionsOf({ enum: values, enumNames, oneOf, anyOf }: Schema): ElicitationField["options"] {
  if (Array.isArray(values)) {
    const names: readonly unknown[] = Array.isArray(enumNames) ? enumNames : [];
    return values.map((value, place) => ({ value: String(value), label: text(names[place]) ?? String(value) }));
  }
  const variants: unknown = oneOf ?? anyOf;
  if (!Array.isArray(variants)) return [];
  return variants
    .filter(isSchema)
    .flatMap(({ const: value, title }) => (typeof value === "string" ? [{ value, label: text(title) ?? value }] : []));
}

function initialOf(kind: ElicitationField["kind"], value: unknown): FieldValue {
  if (kind === "boolean") return value === true;
  if (kind === "choices") return Array.isArray(value) ? value.map(String) : [];
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

export interface ElicitationContent {
  readonly content: Readonly<Record<string, unknown>>;
  /** What is wrong, by the field's name; empty: `content` can be sent. */
  readonly errors: Readonly<Record<string, string>>;
}

/** What was filled in, as the schema wants it. Fields that may be left out, and are empty, are left out. */
export function contentOf(fields: readonly ElicitationField[], values: FieldValues): ElicitationContent {
  const content: Record<string, unknown> = {};
  const errors: Record<string, string> = {};
  for (const field of fields) {
    const value = values[field.name] ?? field.initial;
    if (isEmpty(value)) {
      if (field.isRequired) errors[field.name] = `${field.label} is needed.`;
      continue;
    }
    const error = errorOf(field, value);
    if (error === undefined) content[field.name] = valueOf(field, value);
    else errors[field.name] = error;
  }
  return { content, errors };
}

function isEmpty(value: FieldValue): boolean {
  return typeof value !== "boolean" && value.length === 0;
}

function errorOf({ kind, min = -Infinity, max = Infinity }: ElicitationField, value: FieldValue): string | undefined {
  if (kind === "number" || kind === "integer") {
    const given = Number(value);
    if (!Number.isFinite(given)) return "It must be a number.";
    if (kind === "integer" && !Number.isInteger(given)) return "It must be a whole number.";
    if (given < min) return `It must be at least ${min}.`;
    return given > max ? `It must be at most ${max}.` : undefined;
  }
  if (typeof value === "boolean") return undefined;
  const unit = typeof value === "string" ? "characters" : "of them";
  if (value.length < min) return `It must have at least ${min} ${unit}.`;
  return value.length > max ? `It must have at most ${max} ${unit}.` : undefined;
}

function valueOf({ kind, inputType }: ElicitationField, value: FieldValue): unknown {
  if (kind === "number" || kind === "integer") return Number(value);
  return inputType === "datetime-local" && typeof value === "string" ? new Date(value).toISOString() : value;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
