import { useEffect, useState } from "react";
import type { JsonSchema } from "./json-schema.ts";

interface Document {
  readonly components?: { readonly schemas?: Readonly<Record<string, JsonSchema>> };
}

let asked: Promise<JsonSchema | null> | undefined;

async function ask(): Promise<JsonSchema | null> {
  try {
    const answer = await fetch("./openapi.json");
    const schema = answer.ok ? ((await answer.json()) as Document).components?.schemas?.["AgentProfile"] : undefined;
    if (schema !== undefined) return schema;
  } catch {
    // The editor has the JSON, and asks again when it is opened again.
  }
  asked = undefined;
  return null;
}

/** What a profile may have, as the server's own document says it. Undefined before the answer, null where there is none. */
export function useProfileSchema(): JsonSchema | null | undefined {
  const [schema, setSchema] = useState<JsonSchema | null>();
  useEffect(() => {
    let isHere = true;
    asked ??= ask();
    void asked.then((found) => isHere && setSchema(found));
    return () => {
      isHere = false;
    };
  }, []);
  return schema;
}
