import { addUsage, encodeLine } from "@hhopkins/agent-runtime-protocol";
import type { Socket } from "node:net";
import type { FromGateway } from "./control.ts";
import type { EgressRecord, GatewayIdentity, ModelUse } from "./port.ts";

/** The servers that a gateway's process works for. Each sandbox has one: who spoke of it last. */
export interface GatewayClients {
  add(server: Socket): void;
  owns(server: Socket, token: string): void;
  authFailed(identity: GatewayIdentity, status: number): void;
  /** While its server is away, what a sandbox uses is summed up and told to the next one. */
  used(identity: GatewayIdentity, use: ModelUse): void;
  reached(identity: GatewayIdentity, record: EgressRecord): void;
  forget(token: string): void;
  close(): void;
}

export function tell(server: Socket, frame: FromGateway): void {
  server.write(encodeLine(frame));
}

export function createGatewayClients(): GatewayClients {
  const servers = new Set<Socket>();
  const owners = new Map<string, Socket>();
  const untold = new Map<string, FromGateway & { type: "use" }>();

  function toOwner(token: string, frame: FromGateway): boolean {
    const owner = owners.get(token);
    if (owner === undefined) return false;
    tell(owner, frame);
    return true;
  }

  return {
    add(server) {
      servers.add(server);
      server.once("close", () => {
        servers.delete(server);
        for (const [token, owner] of owners) if (owner === server) owners.delete(token);
      });
    },
    owns(server, token) {
      owners.set(token, server);
      const frame = untold.get(token);
      untold.delete(token);
      if (frame !== undefined) tell(server, frame);
    },
    authFailed(identity, status) {
      toOwner(identity.token, { type: "auth-failure", identity, status });
    },
    used(identity, use) {
      const before = untold.get(identity.token)?.use;
      const sum = before === undefined ? use : plus(before, use);
      const frame = { type: "use", identity, use: sum } as const;
      if (!toOwner(identity.token, frame)) untold.set(identity.token, frame);
    },
    reached(identity, record) {
      toOwner(identity.token, { type: "egress", identity, record });
    },
    forget(token) {
      owners.delete(token);
      untold.delete(token);
    },
    close() {
      for (const server of servers) server.destroy();
    },
  };
}

function plus(before: Omit<ModelUse, "model">, use: ModelUse): ModelUse {
  return { ...use, requests: before.requests + use.requests, usage: addUsage(before.usage, use.usage) };
}
