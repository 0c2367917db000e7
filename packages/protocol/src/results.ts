import type { z } from "zod";
import { JsonObject } from "./primitives.ts";

/** Largest schema of a result, and largest result, in characters as JSON. */
export const RESULT_LIMITS = { schema: 32 * 1024, result: 64 * 1024 } as const;
/** How often an agent may give a result that does not fit, before its turn fails. */
export const RESULT_ATTEMPTS = 5;

/** JSON Schema (draft 7) of an object: what a turn is to result in. */
export const ResultSchema = JsonObject.refine(
  (schema) => JSON.stringify(schema).length <= RESULT_LIMITS.schema,
  `must have at most ${RESULT_LIMITS.schema} characters as JSON`,
).refine((schema) => schema["type"] === "object", 'must have "type": "object" at its top');
export type ResultSchema = z.infer<typeof ResultSchema>;

/** What a turn resulted in; it fits the schema that its message came with. */
export const TurnResult = JsonObject.refine(
  (result) => JSON.stringify(result).length <= RESULT_LIMITS.result,
  `must have at most ${RESULT_LIMITS.result} characters as JSON`,
);
export type TurnResult = z.infer<typeof TurnResult>;
