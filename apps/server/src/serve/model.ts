import type { AgentRuntimeConfig } from "@hhopkins/agent-runtime";
import { startScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";

/** The model that sessions talk to. */
export interface ServedModel {
  readonly kind: "real" | "scripted";
  readonly description: string;
  readonly credentials?: AgentRuntimeConfig["credentials"];
  close(): Promise<void>;
}

/** Which one it is, and its credential, only the gateway's process knows. */
export const MODEL_OF_THE_GATEWAY: ServedModel = {
  kind: "real",
  description: "as `agent-runtime gateway` has it",
  close: async () => {},
};

type Environment = Readonly<Record<string, string | undefined>>;

const CREDENTIALS = [
  "ANTHROPIC_API_KEY",
  "ANTHROPIC_AUTH_TOKEN",
  "ANTHROPIC_API_KEY_FILE",
  "ANTHROPIC_AUTH_TOKEN_FILE",
];

/** Which variable holds a credential for the model; null where none does. */
export function modelCredential(environment: Environment): string | null {
  return CREDENTIALS.find((name) => (environment[name]?.trim() ?? "") !== "") ?? null;
}

/** The real model where its credential is set, else the scripted one; or what `wanted` says. */
export async function openModel(
  wanted: "real" | "scripted" | undefined,
  environment: Environment,
): Promise<ServedModel> {
  const variable = modelCredential(environment);
  if (wanted === "real" && variable === null) {
    throw new RuntimeError(
      "invalid_configuration",
      "--model real needs a credential: set ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN, or one of them with _FILE and a path.",
    );
  }
  if (wanted === "real" || (wanted === undefined && variable !== null)) {
    return { kind: "real", description: `the real one (${variable ?? ""})`, close: async () => {} };
  }
  const model = await startScriptedModel({ demo: true });
  const why = wanted === "scripted" ? "" : "; set ANTHROPIC_API_KEY for the real one";
  return {
    kind: "scripted",
    description: `scripted, no AI${why}`,
    credentials: () => ({ baseUrl: model.url, apiKey: "scripted" }),
    close: () => model.close(),
  };
}
