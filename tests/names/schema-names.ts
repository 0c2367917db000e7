import * as protocol from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";

export interface Name {
  readonly kind: string;
  readonly name: string;
}

/** Schemas of the runner's wire, which no user speaks: their variants are names, their fields are not. */
const WIRE = new Set([
  "Entry",
  "EntryBody",
  "RunnerFrame",
  "StartCommand",
  "SyncReport",
  "CommandBody",
  "ToRunnerFrame",
]);

/** The protocol's schemas by object; one that is exported under several names has the first. */
const exported = new Map<z.ZodType, string>(
  Object.entries(protocol)
    .toReversed()
    .flatMap(([name, value]) => (value instanceof z.ZodType ? [[value, name] as const] : [])),
);

/** Every name in the schemas that the protocol exports: fields, values of enums, variants of unions, events, frames. */
export function schemaNames(): Name[] {
  const types = [...exported].flatMap(([schema, name]) => namesOf(schema, name));
  const events = Object.entries(protocol.eventData).flatMap(([event, schema]) => [
    { kind: "event", name: event },
    ...fields(schema, event).map((name) => ({ ...name, kind: "event field" })),
  ]);
  const frames = Object.entries(protocol.controlData).flatMap(([frame, schema]) => [
    { kind: "control frame", name: frame },
    ...fields(schema, frame).map((name) => ({ ...name, kind: "control frame field" })),
  ]);
  return [...types, ...events, ...frames];
}

function namesOf(schema: z.ZodType, name: string): Name[] {
  if (schema instanceof z.ZodEnum) return values(schema, name);
  if (schema instanceof z.ZodObject) return WIRE.has(name) ? [] : fields(schema, name);
  if (schema instanceof z.ZodDiscriminatedUnion) return variants(schema, name);
  return schema instanceof z.ZodUnion ? inner(schema, name) : [];
}

/** Names of an object's fields, and of what is within them. */
export function fields(schema: z.ZodObject, of: string): Name[] {
  return Object.entries(schema.shape).flatMap(([field, type]) => {
    const name = `${of}.${field}`;
    return [{ kind: "field", name }, ...inner(type as z.ZodType, name)];
  });
}

/** Names within a field's schema, unless it is exported and so has its names elsewhere. */
function inner(schema: z.ZodType, name: string): Name[] {
  if (exported.has(schema) && !(schema instanceof z.ZodUnion && name === exported.get(schema))) return [];
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault) {
    return inner(schema.unwrap() as z.ZodType, name);
  }
  if (schema instanceof z.ZodArray) return inner(schema.element as z.ZodType, name);
  if (schema instanceof z.ZodEnum) return values(schema, name);
  if (schema instanceof z.ZodObject) return fields(schema, name);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => inner(option as z.ZodType, name));
  return [];
}

function values(schema: z.ZodEnum, of: string): Name[] {
  return schema.options.map((value) => ({ kind: "value", name: `${of}=${value}` }));
}

function variants(schema: z.ZodDiscriminatedUnion, of: string): Name[] {
  const { discriminator } = schema.def;
  return schema.options.flatMap((option) => {
    const variant = option as z.ZodObject;
    const literal = (variant.shape as Record<string, z.ZodLiteral<string>>)[discriminator];
    const name = `${of}:${literal?.value}`;
    const own =
      exported.has(variant) || WIRE.has(of)
        ? []
        : fields(variant, name).filter((field) => field.name !== `${name}.${discriminator}`);
    return [{ kind: "variant", name }, ...own];
  });
}
