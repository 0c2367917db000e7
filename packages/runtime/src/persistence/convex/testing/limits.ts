import { getConvexSize, jsonToConvex, type JSONValue } from "convex/values";

/** Convex's documented limits (docs.convex.dev, "Limits") that its test double does not hold us to. */
const CALL_BYTES = 16 * 1024 * 1024;
const DOCUMENT_BYTES = 1024 * 1024;
const ELEMENTS = 8192;
const FIELDS = 1024;
const DEPTH = 16;

/** Throws where Convex would not take what a call was given. */
export function checkArguments(args: JSONValue): void {
  checkValue(args, 0);
  checkSize("arguments", args, CALL_BYTES);
}

export function checkAnswer(value: JSONValue): void {
  checkValue(value, 0);
  checkSize("return value", value, CALL_BYTES);
}

/** A document, or the fields of one, on its way into the database. */
export function checkDocument(fields: JSONValue): void {
  checkValue(fields, 0);
  checkSize("document", fields, DOCUMENT_BYTES - 200);
}

function checkSize(what: string, value: JSONValue, most: number): void {
  const size = getConvexSize(jsonToConvex(withoutUndefined(value)));
  if (size > most) throw new Error(`Value is too large (${what}: ${size} bytes > maximum size ${most})`);
}

/** A patch says so where it takes a field away. */
function withoutUndefined(value: JSONValue): JSONValue {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([, field]) => JSON.stringify(field) !== '{"$undefined":null}'),
  );
}

function checkValue(value: JSONValue, depth: number): void {
  if (depth > DEPTH) throw new Error(`Value is nested more than ${DEPTH} levels`);
  if (typeof value === "string" && !value.isWellFormed()) throw new Error("String is not valid Unicode");
  if (typeof value !== "object" || value === null) return;
  const inner = Array.isArray(value) ? value : Object.values(value);
  if (Array.isArray(value) && value.length > ELEMENTS) throw new Error(`Array length is too long (${value.length})`);
  if (!Array.isArray(value) && inner.length > FIELDS) throw new Error(`Object has too many fields (${inner.length})`);
  for (const one of inner) checkValue(one, depth + 1);
}
