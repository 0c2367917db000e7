/** What a session asks its sandbox provider for. */
import type { Architecture, SessionState } from "@hhopkins/agent-runtime-protocol";
import { randomBytes } from "node:crypto";
import { runnerFailpoint } from "../failpoint.ts";
import type { SessionKey, StoredSandbox } from "../persistence/session-store.ts";
import { hostPlace } from "../sandbox/host-place.ts";
import type { EnvironmentSpec, SandboxProvider, SandboxSpec } from "../sandbox/port.ts";
import type { SessionParts } from "./session-parts.ts";

/** A sandbox that is about to be asked for, as the store keeps it, with a secret of its own. */
export function newSandbox(
  { name, place }: Pick<SandboxProvider, "name" | "place">,
  generation: number,
  profileVersion: string | undefined,
): StoredSandbox {
  const token = `art_${randomBytes(24).toString("base64url")}`;
  return {
    provider: name,
    generation,
    ref: null,
    token,
    started: false,
    ...(profileVersion === undefined ? {} : { profileVersion }),
    place: place ?? hostPlace({ processes: true }),
  };
}

export async function sandboxSpec(
  parts: SessionParts,
  key: SessionKey,
  about: { state: SessionState; stored: StoredSandbox; install: EnvironmentSpec | undefined },
): Promise<SandboxSpec> {
  const { tenant, sessionId } = key;
  const { state, stored, install } = about;
  const { harnessStartMs } = parts.limits;
  const generation = String(stored.generation);
  return {
    key: `${sessionId}-${generation}`,
    tags: { deployment: parts.deployment, tenant, session: sessionId, generation },
    runner: parts.runnerFiles(state.type as Architecture),
    environment: {
      AGENT_RUNTIME_GENERATION: generation,
      AGENT_RUNTIME_MODEL_TOKEN: stored.token,
      ...(harnessStartMs === undefined ? {} : { AGENT_RUNTIME_START_DEADLINE_MS: String(Math.ceil(harnessStartMs)) }),
      ...(await parts.gatewayVariables(key)),
      ...runnerFailpoint(),
    },
    ...(install === undefined ? {} : { install }),
  };
}
