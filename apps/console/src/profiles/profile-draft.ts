import { isObject, type Json, type JsonObject } from "./json-schema.ts";
import type { FieldIssues } from "./field-issues.ts";

/** A profile as it is sent: lines that are empty are none. */
export function cleaned(draft: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(draft).flatMap(([name, value]) => (value === undefined ? [] : [[name, cleanedValue(value)]])),
  );
}

function cleanedValue(value: Json): Json {
  if (isObject(value)) return cleaned(value);
  if (!Array.isArray(value)) return value;
  return (value as readonly Json[]).filter((item) => typeof item !== "string" || item.trim() !== "").map(cleanedValue);
}

/** What is wrong, by the fields of the form: the server names them as fields of its request's body. */
export function issuesOf(issues: readonly { readonly field: string; readonly message: string }[]): FieldIssues {
  const found = new Map<string, string>();
  for (const { field, message } of issues) {
    const path = field.replace(/^body\.?/, "");
    const earlier = found.get(path);
    found.set(path, earlier === undefined ? message : `${earlier}; ${message}`);
  }
  return found;
}

export const NEW_PROFILE: JsonObject = {
  id: "",
  name: "",
  description: "",
  systemPrompt: { append: "" },
  tools: ["Read", "Write", "Edit", "Bash"],
};

/** As JSON, as people edit it. */
export function textOf(draft: JsonObject): string {
  return JSON.stringify(cleaned(draft), null, 2);
}
